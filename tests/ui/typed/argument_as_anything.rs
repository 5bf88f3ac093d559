//! mistake: an argument whose check is turned off by `as _`
//! covers: `arg as T`
//! symptom: nothing was checked
//! stage: source check
//! expect: `as _` turns the check of this argument off

use llm_trading_db::{
    db::Db,
    error::Result,
    types::{AccountId, UserId},
};

pub async fn disable(db: &Db, _account: AccountId, _user: UserId) -> Result<()> {
    #[cfg(mistake)]
    let update = sqlx::query!("UPDATE users SET active = false WHERE id = $1::user_id", _account as _);
    #[cfg(not(mistake))]
    let update = sqlx::query!("UPDATE users SET active = false WHERE id = $1::user_id", _user);
    update.execute(db).await?;
    Ok(())
}
