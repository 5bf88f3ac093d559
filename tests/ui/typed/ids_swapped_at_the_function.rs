//! mistake: two ids of one base type, swapped in a call
//! covers: two keys of one base type swapped
//! symptom: compiled nowhere; the wrong row, or none
//! stage: rustc
//! expect: expected `PitchId`, found `ReviewId`

use llm_trading_db::{
    db::Db,
    error::Result,
    repo::pitches::{self, StoredPitch},
    types::{PitchId, ReviewId},
};

#[cfg(mistake)]
pub async fn load(db: &Db, _pitch: PitchId, review: ReviewId) -> Result<StoredPitch> {
    pitches::get(db, review).await
}

#[cfg(not(mistake))]
pub async fn load(db: &Db, pitch: PitchId, _review: ReviewId) -> Result<StoredPitch> {
    pitches::get(db, pitch).await
}
