//! mistake: a pool of its own
//! covers: a connection by hand; gotcha 5; step 1
//! symptom: each module its own pool, or none
//! stage: clippy
//! expect: use Db::connect

use llm_trading_db::{db::Db, error::Result};

#[cfg(mistake)]
pub async fn run(_db: &Db) -> Result<()> {
    let pool = sqlx::PgPool::connect("postgres://localhost").await?;
    sqlx::query!("DELETE FROM logs").execute(&pool).await?;
    Ok(())
}

#[cfg(not(mistake))]
pub async fn run(db: &Db) -> Result<()> {
    sqlx::query!("DELETE FROM logs").execute(db).await?;
    Ok(())
}
