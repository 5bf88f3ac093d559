//! mistake: a maximum that may have no rows, marked with `!`
//! covers: a `!` that nothing proves
//! symptom: `'NoneType' object …` on an empty table
//! stage: prepare
//! expect: of no rows there is none

use llm_trading_db::{db::Db, error::Result};

pub async fn run(db: &Db) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!(r#"SELECT max(created_at) AS "newest!" FROM users"#);
    #[cfg(not(mistake))]
    let statement = sqlx::query!("SELECT max(created_at) AS newest FROM users");
    statement.fetch_one(db).await?;
    Ok(())
}
