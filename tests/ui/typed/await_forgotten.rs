//! mistake: a forgotten `.await`
//! covers: a forgotten `.await`; defect 8; gotcha 1
//! symptom: the coroutine was never awaited: the research ran with an empty market snapshot, without an error
//! stage: rustc
//! expect: that must be used

use llm_trading_db::{db::Db, error::Result, repo::users, types::UserId};

#[cfg(mistake)]
pub async fn disable(db: &Db, id: UserId) -> Result<()> {
    users::set_active(db, id, false);
    Ok(())
}

#[cfg(not(mistake))]
pub async fn disable(db: &Db, id: UserId) -> Result<()> {
    users::set_active(db, id, false).await
}
