//! mistake: a nonexistent table
//! covers: a nonexistent table
//! symptom: `UndefinedTableError` at run time, swallowed
//! stage: database
//! expect: relation "pitches" does not exist

use llm_trading_db::{db::Db, error::Result};

pub async fn run(db: &Db) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("DELETE FROM pitches");
    #[cfg(not(mistake))]
    let statement = sqlx::query!("DELETE FROM pm_pitches");
    statement.execute(db).await?;
    Ok(())
}
