//! mistake: a failure that nobody checks
//! covers: a dropped result
//! symptom: errors were logged, swallowed one layer up, and the answer was a success
//! stage: rustc
//! expect: this `Result` may be an `Err` variant, which should be handled

use llm_trading_db::{db::Db, error::Result, repo::users, types::UserId};

pub async fn disable(db: &Db, id: UserId) -> Result<()> {
    #[cfg(mistake)]
    users::set_active(db, id, false).await;
    #[cfg(not(mistake))]
    users::set_active(db, id, false).await?;
    Ok(())
}
