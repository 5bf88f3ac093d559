//! mistake: two tables joined by two different keys
//! covers: a value of one key compared with, put into, merged with or cast to another
//! symptom: no rows, and no error
//! stage: prepare
//! expect: `review.id` is of `review_id` and `pitch.id` of `pitch_id`, and they are compared

use llm_trading_db::{db::Db, error::Result};

pub async fn run(db: &Db) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("SELECT pitch.model FROM pm_pitches AS pitch JOIN peer_reviews AS review ON review.id = pitch.id");
    #[cfg(not(mistake))]
    let statement = sqlx::query!("SELECT pitch.model FROM pm_pitches AS pitch JOIN peer_reviews AS review ON review.pitch_id = pitch.id");
    statement.fetch_all(db).await?;
    Ok(())
}
