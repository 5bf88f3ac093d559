//! mistake: SQL formatted at run time
//! covers: defect 35; SQL as text
//! symptom: table, order and limit went into the text unescaped: an injection
//! stage: rustc
//! expect: dynamic SQL strings should be audited for possible injections

use llm_trading_db::{db::Db, error::Result};

#[cfg(mistake)]
pub async fn run(db: &Db, table: &str) -> Result<()> {
    sqlx::query(format!("DELETE FROM {table}")).execute(db).await?;
    Ok(())
}

#[cfg(not(mistake))]
pub async fn run(db: &Db) -> Result<()> {
    sqlx::query!("DELETE FROM logs").execute(db).await?;
    Ok(())
}
