//! mistake: rows of one batch with different columns
//! covers: defect 35
//! symptom: `KeyError`, or keys dropped silently
//! stage: rustc
//! expect: mismatched types

use llm_trading_db::{
    db::Db,
    error::Result,
    repo::{Upserted, bars::{self, Bar}, snapshots::Snapshot},
};

#[cfg(mistake)]
pub async fn store(db: &Db, bar: Bar, snapshot: Snapshot) -> Result<Upserted> {
    bars::upsert_many(db, &[bar, snapshot]).await
}

#[cfg(not(mistake))]
pub async fn store(db: &Db, bar: Bar, _snapshot: Snapshot) -> Result<Upserted> {
    bars::upsert_many(db, &[bar]).await
}
