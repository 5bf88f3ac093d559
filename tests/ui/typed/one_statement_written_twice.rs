//! mistake: two statements that differ in white space only
//! covers: two statements that differ in white space only
//! symptom: statements copied and put together at run time
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
