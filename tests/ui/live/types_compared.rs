//! mistake: a date compared with a text column
//! covers: a wrong type; defect 3
//! symptom: `UndefinedFunctionError: operator does not exist` when it ran
//! stage: database
//! expect: operator does not exist

use llm_trading_db::{db::Db, error::Result};

pub async fn run(db: &Db) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("DELETE FROM users WHERE name = created_at");
    #[cfg(not(mistake))]
    let statement = sqlx::query!("DELETE FROM users WHERE active");
    statement.execute(db).await?;
    Ok(())
}
