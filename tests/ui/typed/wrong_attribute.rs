//! mistake: a nonexistent attribute
//! covers: defect 38
//! symptom: `'PipelineContext' object has no attribute 'data'`
//! stage: rustc
//! expect: no field `data` on type

use llm_trading_db::{documents::PitchDocument, repo::pitches::StoredPitch};

#[cfg(mistake)]
pub fn document(pitch: &StoredPitch) -> &PitchDocument {
    &pitch.data
}

#[cfg(not(mistake))]
pub fn document(pitch: &StoredPitch) -> &PitchDocument {
    &pitch.pitch_data
}
