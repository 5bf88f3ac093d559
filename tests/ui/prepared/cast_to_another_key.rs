//! mistake: a key compared with a column of another key, by the wrong cast
//! covers: a value of one key compared with, put into, merged with or cast to another
//! symptom: the wrong row, or none
//! stage: prepare
//! expect: `peer_reviews.id` is of `review_id` and `$1` of `pitch_id`, and they are compared

use llm_trading_db::{db::Db, error::Result, types::PitchId};

pub async fn run(db: &Db, pitch: PitchId) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("DELETE FROM peer_reviews WHERE id = $1::pitch_id", pitch);
    #[cfg(not(mistake))]
    let statement = sqlx::query!("DELETE FROM peer_reviews WHERE pitch_id = $1::pitch_id", pitch);
    statement.execute(db).await?;
    Ok(())
}
