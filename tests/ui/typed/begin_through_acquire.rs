//! mistake: `begin` through `Acquire`
//! covers: sqlx's `begin`; gotcha 5
//! symptom: the docs promised nested transactions; there were none
//! stage: clippy
//! expect: inside a transaction of Db it would end that one

use llm_trading_db::error::Result;

#[cfg(mistake)]
pub async fn clear<'c>(db: impl sqlx::Acquire<'c, Database = sqlx::Postgres>) -> Result<()> {
    let mut tx = db.begin().await?;
    sqlx::query!("DELETE FROM logs").execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}

#[cfg(not(mistake))]
pub async fn clear(db: impl sqlx::PgExecutor<'_>) -> Result<()> {
    sqlx::query!("DELETE FROM logs").execute(db).await?;
    Ok(())
}
