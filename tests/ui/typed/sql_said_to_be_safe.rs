//! mistake: SQL formatted at run time and declared safe
//! covers: `AssertSqlSafe`; defect 35
//! symptom: an injection
//! stage: clippy
//! expect: SQL put together at run time is not checked

use llm_trading_db::{db::Db, error::Result};

#[cfg(mistake)]
pub async fn run(db: &Db, table: &str) -> Result<()> {
    sqlx::query(sqlx::AssertSqlSafe(format!("DELETE FROM {table}"))).execute(db).await?;
    Ok(())
}

#[cfg(not(mistake))]
pub async fn run(db: &Db) -> Result<()> {
    sqlx::query!("DELETE FROM logs").execute(db).await?;
    Ok(())
}
