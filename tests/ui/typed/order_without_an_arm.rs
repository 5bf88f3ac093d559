//! mistake: an order that a varying statement does not know
//! covers: an order that has no arm
//! symptom: the order of the text that came in, whatever that was
//! stage: rustc
//! expect: `(Order::Oldest,)` not covered

use llm_trading_db::{db::Db, error::Result};
use sqlx_conditional_queries::conditional_query_as;

pub struct User {
    pub id: llm_trading_db::types::UserId,
}

#[derive(Clone, Copy)]
pub enum Order {
    Newest,
    Oldest,
}

#[cfg(mistake)]
pub async fn users(db: &Db, order: Order) -> Result<Vec<User>> {
    let users = conditional_query_as!(
        User,
        "SELECT id FROM users ORDER BY {#order}",
        #order = match order {
            Order::Newest => "id DESC",
        },
    );
    Ok(users.fetch_all(db).await?)
}

#[cfg(not(mistake))]
pub async fn users(db: &Db, order: Order) -> Result<Vec<User>> {
    let users = conditional_query_as!(
        User,
        "SELECT id FROM users ORDER BY {#order}",
        #order = match order {
            Order::Newest => "id DESC",
            Order::Oldest => "id",
        },
    );
    Ok(users.fetch_all(db).await?)
}
