//! Pitches: what each model proposed in a week (table `pm_pitches`).
//!
//! A pitch is one of its week, its model and the research it rests on; saving it again keeps its id, so that its reviews
//! stay with it.
//!
//! | function | flights | index |
//! |---|---|---|
//! | [`save`] | 1, or 2 with unchanged pitches | `pm_pitches_week_model_key` |
//! | [`get`], [`get_many`] | 1 | primary key |
//! | [`of_week`], [`of_round`], [`latest`] | 1 | `pm_pitches_week_model_key` |
//! | [`with_reviews`] | 1 | `pm_pitches_week_model_key`, `peer_reviews_pitch_reviewer_key` |
//! | [`of_research`] | 1 | `pm_pitches_research_date_idx` |
//! | [`reviewed`] | 1 | `pm_pitches_week_model_key`, `peer_reviews_pitch_reviewer_key` |

use std::collections::HashMap;

use rust_decimal::Decimal;
use sqlx::PgExecutor;

use super::batch::{as_given, columns, sorted};
use crate::{
    db::Queryable,
    documents::{PitchDocument, PitchReviewsDocument},
    error::{Error, Result},
    types::{
        Account, Conviction, Direction, Instrument, Invalid, Model, PitchId, Timestamp, WeekId,
    },
};

/// A pitch to save.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPitch {
    /// Model that pitched.
    pub model: Model,
    /// Account that would trade it.
    pub account: Account,
    /// The pitch.
    pub pitch_data: PitchDocument,
}

/// A pitch as stored.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct StoredPitch {
    /// Stays when the pitch is saved again.
    pub id: PitchId,
    /// Week the trade is for.
    pub week_id: WeekId,
    /// Model that pitched.
    pub model: Model,
    /// Account that would trade it.
    pub account: Account,
    /// The pitch.
    pub pitch_data: PitchDocument,
    /// Copy of the instrument in the document.
    pub instrument: Instrument,
    /// Copy of the direction in the document.
    pub direction: Direction,
    /// Copy of the conviction in the document.
    pub conviction: Conviction,
    /// Instant of the research the pitch rests on.
    pub research_date: Option<Timestamp>,
    /// When it was first stored.
    pub created_at: Timestamp,
}

/// Saves pitches of a week and of a research round, and gives their ids in the order of `pitches`: all or nothing. A pitch of a
/// model that is there already is replaced and keeps its id and its reviews; one that is there with the same values is not
/// rewritten, and its id is fetched by a second statement.
///
/// # Errors
/// [`Error::Invalid`] if a model pitches twice or a document is of another week.
#[tracing::instrument(name = "db.pitches.save", skip_all, fields(%week, rows = pitches.len()), err(level = "debug"))]
pub async fn save(
    mut db: impl Queryable,
    week: WeekId,
    research_date: Option<Timestamp>,
    pitches: &[NewPitch],
    at: Timestamp,
) -> Result<Vec<PitchId>> {
    if pitches.is_empty() {
        return Ok(Vec::new());
    }
    for pitch in pitches {
        if pitch.pitch_data.week_id() != week {
            let why = format!(
                "the pitch of {} is for week {}, not {week}",
                pitch.model,
                pitch.pitch_data.week_id()
            );
            return Err(Invalid::new("pitch_data.week_id", why).into());
        }
    }
    let rows = sorted("pitches", pitches, |pitch| &pitch.model)?;
    let id: Vec<PitchId> = rows.iter().map(|_| PitchId::generate(at)).collect();
    columns!(rows => model, account, pitch_data);
    let saved = sqlx::query!(
        r#"
        INSERT INTO pm_pitches AS old (id, week_id, model, account, pitch_data, research_date, created_at, updated_at)
        SELECT new.id, $1::week_id, new.model, new.account, new.pitch_data, $2::timestamptz, $3, $3
        FROM UNNEST($4::pitch_id[], $5::model[], $6::account[], $7::pitch_document[])
            AS new (id, model, account, pitch_data)
        ON CONFLICT (week_id, model, research_date) DO UPDATE
        SET account = EXCLUDED.account,
            pitch_data = EXCLUDED.pitch_data,
            updated_at = EXCLUDED.updated_at
        WHERE (old.account, old.pitch_data) IS DISTINCT FROM (EXCLUDED.account, EXCLUDED.pitch_data)
        RETURNING id, model
        "#,
        week,
        research_date,
        at,
        &id[..],
        &model[..],
        &account[..],
        &pitch_data[..],
    )
    .fetch_all(db.executor())
    .await?;
    let mut ids: HashMap<Model, PitchId> =
        saved.into_iter().map(|row| (row.model, row.id)).collect();
    if ids.len() < rows.len() {
        let model: Vec<Model> = model
            .into_iter()
            .filter(|model| !ids.contains_key(model))
            .collect();
        let unchanged = sqlx::query!(
            r#"
            SELECT id, model
            FROM pm_pitches
            WHERE week_id = $1::week_id
              AND model = ANY($2::model[])
              AND research_date IS NOT DISTINCT FROM $3::timestamptz
            "#,
            week,
            &model[..],
            research_date,
        )
        .fetch_all(db.executor())
        .await?;
        ids.extend(unchanged.into_iter().map(|row| (row.model, row.id)));
    }
    as_given(pitches, &ids, |pitch| pitch.model.clone())
}

/// Fetches one pitch.
///
/// # Errors
/// [`Error::NotFound`] if no pitch has this id.
#[tracing::instrument(name = "db.pitches.get", skip_all, fields(%id), err(level = "debug"))]
pub async fn get(db: impl PgExecutor<'_>, id: PitchId) -> Result<StoredPitch> {
    sqlx::query_as!(
        StoredPitch,
        r#"
        SELECT id, week_id, model, account, pitch_data, instrument, direction, conviction, research_date, created_at
        FROM pm_pitches
        WHERE id = $1::pitch_id
        "#,
        id,
    )
    .fetch_optional(db)
    .await?
    .ok_or_else(|| Error::not_found("pitch", id))
}

/// Fetches pitches in the order of `ids`.
///
/// # Errors
/// [`Error::NotFound`] with the first id that no pitch has.
#[tracing::instrument(name = "db.pitches.get_many", skip_all, fields(ids = ids.len()), err(level = "debug"))]
pub async fn get_many(db: impl PgExecutor<'_>, ids: &[PitchId]) -> Result<Vec<StoredPitch>> {
    let found = sqlx::query_as!(
        StoredPitch,
        r#"
        SELECT id, week_id, model, account, pitch_data, instrument, direction, conviction, research_date, created_at
        FROM pm_pitches
        WHERE id = ANY($1::pitch_id[])
        "#,
        ids,
    )
    .fetch_all(db)
    .await?;
    let mut found: HashMap<PitchId, StoredPitch> =
        found.into_iter().map(|pitch| (pitch.id, pitch)).collect();
    let mut pitches: Vec<StoredPitch> = Vec::with_capacity(ids.len());
    for (n, id) in ids.iter().enumerate() {
        let pitch = match found.remove(id) {
            Some(pitch) => pitch,
            // Asked for twice: the first one went into the result already.
            None => pitches[..n]
                .iter()
                .find(|pitch| pitch.id == *id)
                .cloned()
                .ok_or_else(|| Error::not_found("pitch", id))?,
        };
        pitches.push(pitch);
    }
    Ok(pitches)
}

/// All pitches of a week, by model, then by research.
#[tracing::instrument(name = "db.pitches.of_week", skip_all, fields(%week), err(level = "debug"))]
pub async fn of_week(db: impl PgExecutor<'_>, week: WeekId) -> Result<Vec<StoredPitch>> {
    let pitches = sqlx::query_as!(
        StoredPitch,
        r#"
        SELECT id, week_id, model, account, pitch_data, instrument, direction, conviction, research_date, created_at
        FROM pm_pitches
        WHERE week_id = $1::week_id
        ORDER BY model, research_date
        "#,
        week,
    )
    .fetch_all(db)
    .await?;
    Ok(pitches)
}

/// The pitches of a week that rest on one research, or on none given, by model.
#[tracing::instrument(name = "db.pitches.of_round", skip_all, fields(%week), err(level = "debug"))]
pub async fn of_round(
    db: impl PgExecutor<'_>,
    week: WeekId,
    research_date: Option<Timestamp>,
) -> Result<Vec<StoredPitch>> {
    let pitches = sqlx::query_as!(
        StoredPitch,
        r#"
        SELECT id, week_id, model, account, pitch_data, instrument, direction, conviction, research_date, created_at
        FROM pm_pitches
        WHERE week_id = $1::week_id
          AND research_date IS NOT DISTINCT FROM $2::timestamptz
        ORDER BY model
        "#,
        week,
        research_date,
    )
    .fetch_all(db)
    .await?;
    Ok(pitches)
}

/// A pitch and its reviews.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct PitchWithReviews {
    /// The pitch.
    #[serde(flatten)]
    pub pitch: StoredPitch,
    /// Its reviews, by reviewer.
    pub reviews: PitchReviewsDocument,
}

/// As [`of_round`], each pitch with its reviews: one statement, whatever the number of pitches.
#[tracing::instrument(name = "db.pitches.with_reviews", skip_all, fields(%week), err(level = "debug"))]
pub async fn with_reviews(
    db: impl PgExecutor<'_>,
    week: WeekId,
    research_date: Option<Timestamp>,
) -> Result<Vec<PitchWithReviews>> {
    let pitches = sqlx::query!(
        r#"
        SELECT id, week_id, model, account, pitch_data, instrument, direction, conviction, research_date, created_at,
               COALESCE((
                   SELECT jsonb_agg(
                       jsonb_build_object(
                           'id', review.id,
                           'reviewer_model', review.reviewer_model,
                           'pitch_label', review.pitch_label,
                           'review_data', review.review_data
                       )
                       ORDER BY review.reviewer_model
                   )
                   FROM peer_reviews AS review
                   WHERE review.pitch_id = pitch.id
                     AND review.week_id = pitch.week_id
               ), '[]')::pitch_reviews_document AS "reviews!: crate::documents::PitchReviewsDocument"
        FROM pm_pitches AS pitch
        WHERE week_id = $1::week_id
          AND research_date IS NOT DISTINCT FROM $2::timestamptz
        ORDER BY model
        "#,
        week,
        research_date,
    )
    .fetch_all(db)
    .await?;
    let pitches = pitches.into_iter().map(|row| PitchWithReviews {
        pitch: StoredPitch {
            id: row.id,
            week_id: row.week_id,
            model: row.model,
            account: row.account,
            pitch_data: row.pitch_data,
            instrument: row.instrument,
            direction: row.direction,
            conviction: row.conviction,
            research_date: row.research_date,
            created_at: row.created_at,
        },
        reviews: row.reviews,
    });
    Ok(pitches.collect())
}

/// The pitches that rest on the research of an instant, by week, then by model. The instant is compared exactly, whatever
/// offset it was written with.
#[tracing::instrument(name = "db.pitches.of_research", skip_all, fields(%research_date), err(level = "debug"))]
pub async fn of_research(
    db: impl PgExecutor<'_>,
    research_date: Timestamp,
) -> Result<Vec<StoredPitch>> {
    let pitches = sqlx::query_as!(
        StoredPitch,
        r#"
        SELECT id, week_id, model, account, pitch_data, instrument, direction, conviction, research_date, created_at
        FROM pm_pitches
        WHERE research_date = $1
        ORDER BY week_id, model
        "#,
        research_date,
    )
    .fetch_all(db)
    .await?;
    Ok(pitches)
}

/// The pitches of the newest week that has any, by model; of several research rounds the newest.
#[tracing::instrument(name = "db.pitches.latest", skip_all, err(level = "debug"))]
pub async fn latest(db: impl PgExecutor<'_>) -> Result<Vec<StoredPitch>> {
    let pitches = sqlx::query_as!(
        StoredPitch,
        r#"
        WITH newest AS (
            SELECT week_id, research_date
            FROM pm_pitches
            WHERE week_id = (SELECT max(week_id) FROM pm_pitches)
            ORDER BY research_date DESC NULLS LAST
            LIMIT 1
        )
        SELECT pitch.id, pitch.week_id, pitch.model, pitch.account, pitch.pitch_data, pitch.instrument,
               pitch.direction, pitch.conviction, pitch.research_date, pitch.created_at
        FROM newest
        JOIN pm_pitches AS pitch
          ON pitch.week_id = newest.week_id
         AND pitch.research_date IS NOT DISTINCT FROM newest.research_date
        ORDER BY pitch.model
        "#,
    )
    .fetch_all(db)
    .await?;
    Ok(pitches)
}

/// A pitch and what its reviewers thought of it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Reviewed {
    /// The pitch.
    pub id: PitchId,
    /// Model that pitched.
    pub model: Model,
    /// What to trade.
    pub instrument: Instrument,
    /// On which side.
    pub direction: Direction,
    /// How strongly.
    pub conviction: Conviction,
    /// Number of reviews.
    pub reviews: i64,
    /// Mean of the average scores of the reviews that have one, 1 to 10, two decimals; `None` if none has.
    #[serde(serialize_with = "checked_pg::exact::option::serialize")]
    pub average_score: Option<Decimal>,
}

/// The pitches of a week, of all its research rounds, with the number and the mean of their reviews, best first.
#[tracing::instrument(name = "db.pitches.reviewed", skip_all, fields(%week), err(level = "debug"))]
pub async fn reviewed(db: impl PgExecutor<'_>, week: WeekId) -> Result<Vec<Reviewed>> {
    let pitches = sqlx::query_as!(
        Reviewed,
        r#"
        SELECT pitch.id, pitch.model, pitch.instrument, pitch.direction, pitch.conviction,
               count(review.id) AS "reviews!",
               round(avg((review.review_data ->> 'average_score')::numeric), 2) AS "average_score?"
        FROM pm_pitches AS pitch
        LEFT JOIN peer_reviews AS review
          ON review.pitch_id = pitch.id
         AND review.week_id = pitch.week_id
        WHERE pitch.week_id = $1::week_id
        GROUP BY pitch.id
        ORDER BY 7 DESC NULLS LAST, pitch.model
        "#,
        week,
    )
    .fetch_all(db)
    .await?;
    Ok(pitches)
}
