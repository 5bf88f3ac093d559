//! mistake: `%s` as a placeholder
//! covers: a statement that PostgreSQL refuses; gotcha 2; step 4
//! symptom: `syntax error at or near "%"` when it ran
//! stage: database
//! expect: syntax error at or near

use llm_trading_db::{db::Db, error::Result};

pub async fn run(db: &Db, id: llm_trading_db::types::UserId) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("DELETE FROM users WHERE id = %s");
    #[cfg(not(mistake))]
    let statement = sqlx::query!("DELETE FROM users WHERE id = $1::user_id", id);
    statement.execute(db).await?;
    Ok(())
}
