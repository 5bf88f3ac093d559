//! mistake: `.await` outside of an `async` function
//! covers: gotcha 6; step 2; step 8
//! symptom: `SyntaxError: 'await' outside async function`, when the module was first imported
//! stage: rustc
//! expect: `await` is only allowed inside `async` functions and blocks

use llm_trading_db::{db::Db, error::Result, repo::users, types::UserId};

#[cfg(mistake)]
pub fn disable(db: &Db, id: UserId) -> Result<()> {
    users::set_active(db, id, false).await
}

#[cfg(not(mistake))]
pub async fn disable(db: &Db, id: UserId) -> Result<()> {
    users::set_active(db, id, false).await
}
