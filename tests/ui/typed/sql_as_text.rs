//! mistake: a string given to the connection
//! covers: SQL as text; step 3
//! symptom: a statement was checked only when it ran
//! stage: clippy
//! expect: a text as a statement is checked only when it runs

use llm_trading_db::{db::Db, error::Result};

#[cfg(mistake)]
pub async fn run(db: &Db) -> Result<()> {
    use sqlx::Executor;
    db.execute("DELETE FROM logs").await?;
    Ok(())
}

#[cfg(not(mistake))]
pub async fn run(db: &Db) -> Result<()> {
    sqlx::query!("DELETE FROM logs").execute(db).await?;
    Ok(())
}
