//! mistake: two statements that differ only in white space
//! covers: two statements that differ only in white space
//! symptom: statements copied and concatenated at run time
//! stage: source check
//! expect: in white space only

use llm_trading_db::{db::Db, error::Result};

pub async fn clear(db: &Db) -> Result<()> {
    sqlx::query!("DELETE FROM logs WHERE data IS NULL").execute(db).await?;
    #[cfg(mistake)]
    sqlx::query!("DELETE FROM logs  WHERE data IS NULL").execute(db).await?;
    #[cfg(not(mistake))]
    sqlx::query!("DELETE FROM logs WHERE data IS NULL").execute(db).await?;
    Ok(())
}
