//! mistake: the macro that checks no types
//! covers: `query_unchecked!`
//! symptom: a statement was checked only when it ran
//! stage: clippy
//! expect: checks nothing about types; use sqlx::query!

use llm_trading_db::{db::Db, error::Result};

#[cfg(mistake)]
pub async fn run(db: &Db) -> Result<()> {
    sqlx::query_unchecked!("DELETE FROM logs").execute(db).await?;
    Ok(())
}

#[cfg(not(mistake))]
pub async fn run(db: &Db) -> Result<()> {
    sqlx::query!("DELETE FROM logs").execute(db).await?;
    Ok(())
}
