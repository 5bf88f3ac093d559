//! mistake: a future thrown away by `let _`
//! covers: a forgotten `.await`; defect 8
//! symptom: a background job that never ran
//! stage: clippy
//! expect: non-binding `let` on a future

use llm_trading_db::{db::Db, error::Result, repo::users, types::UserId};

pub async fn disable(db: &Db, id: UserId) -> Result<()> {
    #[cfg(mistake)]
    let _ = users::set_active(db, id, false);
    #[cfg(not(mistake))]
    users::set_active(db, id, false).await?;
    Ok(())
}
