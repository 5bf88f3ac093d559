//! mistake: a symbol where an account is wanted
//! covers: two keys of one base type swapped
//! symptom: both were `str`: no row, no error
//! stage: rustc
//! expect: expected `Account`, found `Symbol`

use llm_trading_db::{
    db::Db,
    error::Result,
    repo::events::{self, StoredEvent},
    types::{Account, Symbol},
};

#[cfg(mistake)]
pub async fn last(db: &Db, _account: Account, symbol: Symbol) -> Result<Option<StoredEvent>> {
    events::latest_of_account(db, symbol).await
}

#[cfg(not(mistake))]
pub async fn last(db: &Db, account: Account, _symbol: Symbol) -> Result<Option<StoredEvent>> {
    events::latest_of_account(db, account).await
}
