//! mistake: an outside variable changed in the closure of a transaction
//! covers: a retried transaction that counts twice
//! symptom: a retried transaction counted twice
//! stage: rustc
//! expect: a transaction may be run again, and this closure cannot be

use llm_trading_db::{
    db::Db,
    error::{Error, Result},
};

#[cfg(mistake)]
pub async fn clear(db: &Db) -> Result<u64> {
    let mut rows = 0;
    db.transaction(async |tx| {
        rows += sqlx::query!("DELETE FROM logs").execute(tx).await?.rows_affected();
        Ok::<_, Error>(())
    })
    .await?;
    Ok(rows)
}

#[cfg(not(mistake))]
pub async fn clear(db: &Db) -> Result<u64> {
    db.transaction(async |tx| {
        let done = sqlx::query!("DELETE FROM logs").execute(tx).await?;
        Ok::<_, Error>(done.rows_affected())
    })
    .await
}
