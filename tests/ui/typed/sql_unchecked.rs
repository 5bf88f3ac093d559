//! mistake: SQL that is checked only when it runs
//! covers: SQL as text; step 3
//! symptom: a statement was checked only when it ran
//! stage: clippy
//! expect: use sqlx::query!

use llm_trading_db::{db::Db, error::Result};

#[cfg(mistake)]
pub async fn run(db: &Db) -> Result<()> {
    sqlx::query("DELETE FROM logs").execute(db).await?;
    Ok(())
}

#[cfg(not(mistake))]
pub async fn run(db: &Db) -> Result<()> {
    sqlx::query!("DELETE FROM logs").execute(db).await?;
    Ok(())
}
