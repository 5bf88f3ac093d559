//! mistake: a connection made by hand
//! covers: a connection by hand; gotcha 5; step 1
//! symptom: connections leaked until the server had none left
//! stage: clippy
//! expect: use Db::connect

use llm_trading_db::{db::Db, error::Result};

#[cfg(mistake)]
pub async fn run(_db: &Db) -> Result<()> {
    use sqlx::Connection;
    let mut connection = sqlx::PgConnection::connect("postgres://localhost").await?;
    sqlx::query!("DELETE FROM logs").execute(&mut connection).await?;
    Ok(())
}

#[cfg(not(mistake))]
pub async fn run(db: &Db) -> Result<()> {
    sqlx::query!("DELETE FROM logs").execute(db).await?;
    Ok(())
}
