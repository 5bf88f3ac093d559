//! mistake: a column that the statement does not select
//! covers: gotcha 3; step 5; defect 38
//! symptom: `KeyError`, or `None` from `.get`
//! stage: rustc
//! expect: no field `name` on type

use llm_trading_db::{db::Db, error::Result, types::UserId};

pub async fn is_active(db: &Db, id: UserId) -> Result<bool> {
    let row = sqlx::query!("SELECT active FROM users WHERE id = $1::user_id", id)
        .fetch_one(db)
        .await?;
    #[cfg(mistake)]
    let _known = row.name;
    Ok(row.active)
}

#[cfg(not(mistake))]
pub const MEND: &str = "select what is read";
