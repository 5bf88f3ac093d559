//! mistake: `begin` of sqlx's pool
//! covers: sqlx's `begin`; gotcha 5
//! symptom: a half-done week after an error
//! stage: clippy
//! expect: a cancelled begin poisons the pool; use Db::transaction

use llm_trading_db::{db::Db, error::Result};

#[cfg(mistake)]
pub async fn run(pool: &sqlx::PgPool) -> Result<()> {
    let mut tx = pool.begin().await?;
    sqlx::query!("DELETE FROM logs").execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}

#[cfg(not(mistake))]
pub async fn run(db: &Db) -> Result<()> {
    db.transaction(async |tx| {
        sqlx::query!("DELETE FROM logs").execute(tx).await?;
        Ok(())
    })
    .await
}
