//! mistake: a statement that is not SQL
//! covers: a statement that PostgreSQL refuses; step 8
//! symptom: `PostgresSyntaxError` when it ran
//! stage: database
//! expect: syntax error at or near

use llm_trading_db::{db::Db, error::Result};

pub async fn run(db: &Db) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("DELETE users");
    #[cfg(not(mistake))]
    let statement = sqlx::query!("DELETE FROM users");
    statement.execute(db).await?;
    Ok(())
}
