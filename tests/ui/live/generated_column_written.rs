//! mistake: a generated column written
//! covers: a statement that PostgreSQL refuses
//! symptom: the copy and the document drifted apart
//! stage: database
//! expect: can only be updated to DEFAULT

use llm_trading_db::{db::Db, error::Result};

pub async fn run(db: &Db) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("UPDATE pm_pitches SET direction = 'LONG'");
    #[cfg(not(mistake))]
    let statement = sqlx::query!("UPDATE pm_pitches SET updated_at = created_at");
    statement.execute(db).await?;
    Ok(())
}
