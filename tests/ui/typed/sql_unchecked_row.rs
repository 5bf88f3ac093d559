//! mistake: SQL that is checked only when it runs, for rows
//! covers: SQL as text
//! symptom: a statement was checked only when it ran
//! stage: clippy
//! expect: use sqlx::query_as!

use llm_trading_db::{db::Db, error::Result};

#[cfg(mistake)]
pub async fn run(db: &Db) -> Result<i64> {
    let (count,): (i64,) = sqlx::query_as("SELECT count(*) FROM logs").fetch_one(db).await?;
    Ok(count)
}

#[cfg(not(mistake))]
pub async fn run(db: &Db) -> Result<i64> {
    let count = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM logs"#).fetch_one(db).await?;
    Ok(count)
}
