//! mistake: a nonexistent key of a document
//! covers: defect 6
//! symptom: `KeyError`, or `None` from `.get`
//! stage: rustc
//! expect: no method named `weekid` found

use llm_trading_db::{repo::pitches::StoredPitch, types::WeekId};

#[cfg(mistake)]
pub fn week(pitch: &StoredPitch) -> WeekId {
    pitch.pitch_data.weekid()
}

#[cfg(not(mistake))]
pub fn week(pitch: &StoredPitch) -> WeekId {
    pitch.pitch_data.week_id()
}
