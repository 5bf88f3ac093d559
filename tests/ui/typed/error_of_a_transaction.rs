//! mistake: an error type that a transaction cannot fail with
//! covers: a transaction whose error type hides the database's error
//! symptom: `except Exception`
//! stage: rustc
//! expect: From<llm_trading_db::Error>` is not satisfied

use llm_trading_db::{db::Db, error::Result};

#[cfg(mistake)]
pub async fn clear(db: &Db) -> std::result::Result<(), String> {
    db.transaction(async |tx| {
        sqlx::query!("DELETE FROM logs").execute(tx).await.map_err(|e| e.to_string())?;
        Ok(())
    })
    .await
}

#[cfg(not(mistake))]
pub async fn clear(db: &Db) -> Result<()> {
    db.transaction(async |tx| {
        sqlx::query!("DELETE FROM logs").execute(tx).await?;
        Ok(())
    })
    .await
}
