//! mistake: a document set into another document's column
//! covers: a document put into another document's column
//! symptom: the row could not be read any more
//! stage: prepare
//! expect: `pitch.pitch_data` is of `pitch_document` and goes where `review_document` is wanted

use llm_trading_db::{db::Db, error::Result};

pub async fn run(db: &Db) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("UPDATE peer_reviews AS review SET review_data = pitch.pitch_data, updated_at = DEFAULT FROM pm_pitches AS pitch WHERE pitch.id = review.pitch_id");
    #[cfg(not(mistake))]
    let statement = sqlx::query!("UPDATE peer_reviews AS review SET review_data = other.review_data, updated_at = DEFAULT FROM peer_reviews AS other WHERE other.pitch_id = review.pitch_id");
    statement.execute(db).await?;
    Ok(())
}
