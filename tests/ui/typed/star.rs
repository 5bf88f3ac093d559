//! mistake: `SELECT *`
//! covers: `SELECT *`
//! symptom: columns that came and went with the schema
//! stage: source check
//! expect: `*` reads whatever columns there are

use llm_trading_db::{db::Db, error::Result};

pub async fn active(db: &Db) -> Result<usize> {
    #[cfg(mistake)]
    let users = sqlx::query!("SELECT * FROM users WHERE active");
    #[cfg(not(mistake))]
    let users = sqlx::query!("SELECT id FROM users WHERE active");
    Ok(users.fetch_all(db).await?.len())
}
