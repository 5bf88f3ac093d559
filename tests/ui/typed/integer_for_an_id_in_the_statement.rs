//! mistake: an integer for a uuid, in a statement
//! covers: defect 5; step 3
//! symptom: `'int' object has no attribute 'bytes'`, swallowed: "not found"
//! stage: rustc
//! expect: expected `UserId`, found `i32`

use llm_trading_db::{db::Db, error::Result, types::UserId};

pub async fn rename(db: &Db, _id: UserId) -> Result<()> {
    #[cfg(mistake)]
    let id = 42_i32;
    #[cfg(not(mistake))]
    let id = _id;
    sqlx::query!("UPDATE users SET active = false WHERE id = $1::user_id", id)
        .execute(db)
        .await?;
    Ok(())
}
