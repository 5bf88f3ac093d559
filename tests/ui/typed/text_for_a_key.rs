//! mistake: any text where a symbol is wanted
//! covers: arbitrary text for a key; step 7
//! symptom: `" spy "` was stored as it came
//! stage: rustc
//! expect: expected `Symbol`, found `&str`

use chrono::NaiveDate;
use llm_trading_db::{db::Db, error::Result, repo::bars};

#[cfg(mistake)]
pub async fn latest(db: &Db) -> Result<Option<NaiveDate>> {
    bars::latest_date(db, "SPY").await
}

#[cfg(not(mistake))]
pub async fn latest(db: &Db) -> Result<Option<NaiveDate>> {
    bars::latest_date(db, "SPY".parse()?).await
}
