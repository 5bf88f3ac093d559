//! mistake: a placeholder skipped
//! covers: a placeholder without an argument; gotcha 2; defect 35
//! symptom: `could not determine data type of parameter $1`
//! stage: database
//! expect: could not determine data type of parameter $1

use llm_trading_db::{db::Db, error::Result};

pub async fn run(db: &Db, id: llm_trading_db::types::UserId) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("DELETE FROM users WHERE id = $2::user_id", id, id);
    #[cfg(not(mistake))]
    let statement = sqlx::query!("DELETE FROM users WHERE id = $1::user_id", id);
    statement.execute(db).await?;
    Ok(())
}
