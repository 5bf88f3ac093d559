//! mistake: a column by its place in the row
//! covers: gotcha 3; step 5
//! symptom: `KeyError: 0`
//! stage: rustc
//! expect: cannot index into a value of type

use llm_trading_db::{db::Db, error::Result, types::UserId};

pub async fn is_active(db: &Db, id: UserId) -> Result<bool> {
    let row = sqlx::query!("SELECT active FROM users WHERE id = $1::user_id", id)
        .fetch_one(db)
        .await?;
    #[cfg(mistake)]
    return Ok(row[0]);
    #[cfg(not(mistake))]
    return Ok(row.active);
}
