//! mistake: a document treated as text
//! covers: defect 6
//! symptom: jsonb came back as str: `'str' object has no attribute 'get'`, a 500 or an empty graph
//! stage: rustc
//! expect: expected `String`, found `Document<Pitch>`

use llm_trading_db::{documents::PitchDocument, repo::pitches::StoredPitch};

#[cfg(mistake)]
pub fn content(pitch: StoredPitch) -> String {
    pitch.pitch_data
}

#[cfg(not(mistake))]
pub fn content(pitch: StoredPitch) -> PitchDocument {
    pitch.pitch_data
}
