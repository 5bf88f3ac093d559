//! mistake: an integer where an id is wanted
//! covers: defect 5
//! symptom: `invalid input for query argument $1: 42 ('int' object has no attribute 'bytes')`, swallowed: "not found"
//! stage: rustc
//! expect: expected `PitchId`, found integer

use llm_trading_db::{
    db::Db,
    error::Result,
    repo::pitches::{self, StoredPitch},
    types::PitchId,
};

pub async fn load(db: &Db, _id: PitchId) -> Result<StoredPitch> {
    #[cfg(mistake)]
    return pitches::get(db, 42).await;
    #[cfg(not(mistake))]
    return pitches::get(db, _id).await;
}
