//! mistake: several statements as one text
//! covers: SQL as text
//! symptom: a statement was checked only when it ran
//! stage: clippy
//! expect: use the macros

use llm_trading_db::{db::Db, error::Result};

#[cfg(mistake)]
pub async fn run(db: &Db) -> Result<()> {
    sqlx::raw_sql("DELETE FROM logs; DELETE FROM users").execute(db).await?;
    Ok(())
}

#[cfg(not(mistake))]
pub async fn run(db: &Db) -> Result<()> {
    sqlx::query!("DELETE FROM logs").execute(db).await?;
    sqlx::query!("DELETE FROM users").execute(db).await?;
    Ok(())
}
