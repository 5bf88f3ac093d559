//! mistake: the clock read inside the logic
//! covers: the clock read inside of the logic
//! symptom: tests that fail around midnight
//! stage: clippy
//! expect: time is a parameter

use chrono::{DateTime, Utc};
use llm_trading_db::types::PitchId;

#[cfg(mistake)]
pub fn id(_at: DateTime<Utc>) -> PitchId {
    PitchId::generate(Utc::now())
}

#[cfg(not(mistake))]
pub fn id(at: DateTime<Utc>) -> PitchId {
    PitchId::generate(at)
}
