//! mistake: an UPDATE without WHERE
//! covers: an UPDATE or a DELETE without WHERE
//! symptom: every user was off
//! stage: prepare
//! expect: UPDATE without WHERE changes every row of `users`

use llm_trading_db::{db::Db, error::Result};

pub async fn run(db: &Db) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("UPDATE users SET active = false");
    #[cfg(not(mistake))]
    let statement = sqlx::query!("UPDATE users SET active = false WHERE true");
    statement.execute(db).await?;
    Ok(())
}
