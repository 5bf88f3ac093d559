//! mistake: SQL put together at run time
//! covers: `QueryBuilder`; defect 35
//! symptom: table, order and limit went into the text unescaped: an injection
//! stage: clippy
//! expect: SQL put together at run time is not checked

use llm_trading_db::{db::Db, error::Result};

#[cfg(mistake)]
pub async fn run(db: &Db, table: &str) -> Result<()> {
    let mut sql = sqlx::QueryBuilder::<sqlx::Postgres>::new("DELETE FROM ");
    sql.push(table);
    sql.build().execute(db).await?;
    Ok(())
}

#[cfg(not(mistake))]
pub async fn run(db: &Db) -> Result<()> {
    sqlx::query!("DELETE FROM logs").execute(db).await?;
    Ok(())
}
