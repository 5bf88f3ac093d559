//! mistake: a future used as if it were its result
//! covers: defect 8; gotcha 1; step 7
//! symptom: `'coroutine' object does not support item assignment`
//! stage: rustc
//! expect: consider `await`ing on the `Future`

use llm_trading_db::{
    db::Db,
    error::Result,
    repo::accounts,
    types::{AccountId, Balance},
};

#[cfg(mistake)]
pub async fn balance(db: &Db, id: AccountId) -> Result<Balance> {
    let account = accounts::get(db, id)?;
    Ok(account.balance)
}

#[cfg(not(mistake))]
pub async fn balance(db: &Db, id: AccountId) -> Result<Balance> {
    let account = accounts::get(db, id).await?;
    Ok(account.balance)
}
