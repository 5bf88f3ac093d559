//! mistake: `= NULL`
//! covers: a comparison with NULL
//! symptom: no rows, ever
//! stage: prepare
//! expect: `users.age = NULL` is never true; write `users.age IS NULL`

use llm_trading_db::{db::Db, error::Result};

pub async fn run(db: &Db) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("DELETE FROM users WHERE age = NULL");
    #[cfg(not(mistake))]
    let statement = sqlx::query!("DELETE FROM users WHERE age IS NULL");
    statement.execute(db).await?;
    Ok(())
}
