//! mistake: a nonexistent column
//! covers: a nonexistent column; defect 35
//! symptom: `UndefinedColumnError` at run time, swallowed
//! stage: database
//! expect: column "idd" does not exist

use llm_trading_db::{db::Db, error::Result};

pub async fn run(db: &Db) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("SELECT idd FROM users");
    #[cfg(not(mistake))]
    let statement = sqlx::query!("SELECT id FROM users");
    statement.fetch_all(db).await?;
    Ok(())
}
