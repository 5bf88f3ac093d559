//! mistake: `begin` inside a transaction of `Db`
//! covers: sqlx's `begin`; gotcha 5
//! symptom: the docs promised nested transactions; there were none
//! stage: clippy
//! expect: inside a transaction of Db it would end that one

use llm_trading_db::error::Result;

#[cfg(mistake)]
pub async fn clear(tx: &mut sqlx::PgConnection) -> Result<()> {
    use sqlx::Connection;
    let mut inner = tx.begin().await?;
    sqlx::query!("DELETE FROM logs").execute(&mut *inner).await?;
    Ok(inner.commit().await?)
}

#[cfg(not(mistake))]
pub async fn clear(tx: &mut llm_trading_db::db::Tx) -> Result<()> {
    llm_trading_db::db::savepoint(tx, async |tx| {
        sqlx::query!("DELETE FROM logs").execute(tx).await?;
        Ok(())
    })
    .await
}
