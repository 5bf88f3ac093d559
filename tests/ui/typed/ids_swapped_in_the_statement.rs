//! mistake: two ids of one base type, swapped among the arguments of a statement
//! covers: two keys of one base type swapped
//! symptom: the wrong row, or none
//! stage: rustc
//! expect: expected `PitchId`, found `ReviewId`

use llm_trading_db::{
    db::Db,
    error::Result,
    types::{PitchId, ReviewId},
};

pub async fn is_of(db: &Db, pitch: PitchId, review: ReviewId) -> Result<bool> {
    #[cfg(mistake)]
    let (first, second) = (review, pitch);
    #[cfg(not(mistake))]
    let (first, second) = (pitch, review);
    let row = sqlx::query!(
        "SELECT created_at FROM peer_reviews WHERE pitch_id = $1::pitch_id AND id = $2::review_id",
        first,
        second,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.is_some())
}
