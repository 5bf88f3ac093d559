//! mistake: a subquery that may find no row, marked with `!`
//! covers: a `!` that nothing proves
//! symptom: `'NoneType' object …` for a user without a log
//! stage: prepare
//! expect: a subquery that finds no row is NULL

use llm_trading_db::{db::Db, error::Result};

pub async fn run(db: &Db) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!(r#"SELECT (SELECT message FROM logs WHERE logs.created_at = users.created_at ORDER BY id LIMIT 1) AS "message!" FROM users"#);
    #[cfg(not(mistake))]
    let statement = sqlx::query!("SELECT (SELECT message FROM logs WHERE logs.created_at = users.created_at ORDER BY id LIMIT 1) AS message FROM users");
    statement.fetch_all(db).await?;
    Ok(())
}
