//! mistake: a connection taken from sqlx's pool
//! covers: a connection by hand; gotcha 5
//! symptom: a connection that was never returned
//! stage: clippy
//! expect: connections are Db's to hand out

use llm_trading_db::{db::Db, error::Result};

#[cfg(mistake)]
pub async fn run(pool: &sqlx::PgPool) -> Result<()> {
    let mut connection = pool.acquire().await?;
    sqlx::query!("DELETE FROM logs").execute(&mut *connection).await?;
    Ok(())
}

#[cfg(not(mistake))]
pub async fn run(db: &Db) -> Result<()> {
    sqlx::query!("DELETE FROM logs").execute(db).await?;
    Ok(())
}
