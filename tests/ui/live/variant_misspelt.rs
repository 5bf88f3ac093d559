//! mistake: a nonexistent column in one variant of a statement
//! covers: a variant of a statement that nobody has compiled; a condition or an order put together at run time
//! symptom: an error for those who chose that order, and for nobody else
//! stage: database
//! expect: column "idd" does not exist

use llm_trading_db::{db::Db, error::Result};
use sqlx_conditional_queries::conditional_query_as;

pub struct User {
    pub id: llm_trading_db::types::UserId,
}

#[cfg(mistake)]
pub async fn users(db: &Db, newest: bool) -> Result<Vec<User>> {
    let users = conditional_query_as!(
        User,
        "SELECT id FROM users ORDER BY {#order}",
        #order = match newest {
            true => "idd DESC",
            false => "id",
        },
    );
    Ok(users.fetch_all(db).await?)
}

#[cfg(not(mistake))]
pub async fn users(db: &Db, newest: bool) -> Result<Vec<User>> {
    let users = conditional_query_as!(
        User,
        "SELECT id FROM users ORDER BY {#order}",
        #order = match newest {
            true => "id DESC",
            false => "id",
        },
    );
    Ok(users.fetch_all(db).await?)
}
