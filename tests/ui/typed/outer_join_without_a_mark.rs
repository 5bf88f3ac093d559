//! mistake: a column of an outer join without `?`
//! covers: a column of an outer join taken for NOT NULL; defect 9
//! symptom: `'NoneType' object …` on the first row without a partner
//! stage: source check
//! expect: comes from an outer join; write AS "name?"

use llm_trading_db::{db::Db, error::Result};

pub async fn reviews(db: &Db) -> Result<usize> {
    #[cfg(mistake)]
    let rows = sqlx::query!(
        "SELECT pitch.id, review.id AS review FROM pm_pitches pitch LEFT JOIN peer_reviews review ON review.pitch_id = pitch.id"
    );
    #[cfg(not(mistake))]
    let rows = sqlx::query!(
        r#"SELECT pitch.id, review.id AS "review?" FROM pm_pitches pitch LEFT JOIN peer_reviews review ON review.pitch_id = pitch.id"#
    );
    Ok(rows.fetch_all(db).await?.len())
}
