//! mistake: a failure thrown away by `let _`
//! covers: a dropped result
//! symptom: `except Exception: pass`
//! stage: clippy
//! expect: non-binding `let`

use llm_trading_db::{db::Db, error::Result, repo::users, types::UserId};

pub async fn disable(db: &Db, id: UserId) -> Result<()> {
    #[cfg(mistake)]
    let _ = users::set_active(db, id, false).await;
    #[cfg(not(mistake))]
    users::set_active(db, id, false).await?;
    Ok(())
}
