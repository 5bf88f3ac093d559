//! mistake: an event of an account appended outside of a transaction
//! covers: a write outside of the transaction that it needs
//! symptom: a numbering that two writers shared
//! stage: rustc
//! expect: types differ in mutability

use llm_trading_db::{
    db::Db,
    error::Result,
    repo::events::{self, NewEvent},
};

#[cfg(mistake)]
pub async fn append(db: &Db, event: &NewEvent) -> Result<bool> {
    events::append(db, event).await
}

#[cfg(not(mistake))]
pub async fn append(db: &Db, event: &NewEvent) -> Result<bool> {
    db.transaction(async |tx| events::append(tx, event).await).await
}
