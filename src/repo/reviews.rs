//! Peer reviews: what the models thought of one another's pitches, seen under labels (table `peer_reviews`).
//!
//! | function | flights | index |
//! |---|---|---|
//! | [`save_round`] | 3, whatever the number of reviews | `pm_pitches_week_model_key`, `peer_reviews_pitch_reviewer_key` |
//! | [`get`] | 1 | primary key |
//! | [`of_pitch`] | 1 | `peer_reviews_pitch_reviewer_key` |
//! | [`of_round`] | 1 | `peer_reviews_week_idx` |

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::PgExecutor;

use super::batch::{Pair, as_given, columns, sorted};
use crate::{
    db::Tx,
    documents::ReviewDocument,
    error::{Error, Result},
    types::{Invalid, Model, PitchId, PitchLabel, ReviewId, Timestamp, WeekId},
};

/// A review to save. The pitch it is about is named by the label in the document.
#[derive(Debug, Clone, PartialEq)]
pub struct NewReview {
    /// Model that reviewed.
    pub reviewer_model: Model,
    /// The review.
    pub review_data: ReviewDocument,
}

/// One round of reviews: all models look at all pitches of the others, without knowing whose they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    /// Week of the pitches.
    pub week: WeekId,
    /// Instant of the research the pitches rest on.
    pub research_date: Option<Timestamp>,
    /// Whose pitch stood behind each label.
    pub labels: BTreeMap<PitchLabel, Model>,
    /// The reviews.
    pub reviews: Vec<NewReview>,
}

/// A review as stored.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct StoredReview {
    /// Stays when the review is saved again.
    pub id: ReviewId,
    /// Week of the pitch.
    pub week_id: WeekId,
    /// Pitch reviewed.
    pub pitch_id: PitchId,
    /// Model that reviewed.
    pub reviewer_model: Model,
    /// Name under which the reviewer saw the pitch.
    pub pitch_label: PitchLabel,
    /// The review.
    pub review_data: ReviewDocument,
    /// Instant of the research the round rests on.
    pub research_date: Option<Timestamp>,
    /// When it was first stored.
    pub created_at: Timestamp,
}

/// A review and the pitch that its label stands for.
struct Resolved {
    reviewed_model: Model,
    reviewer_model: Model,
    pitch_label: PitchLabel,
    pitch_id: PitchId,
    review_data: ReviewDocument,
}

/// Saves a round of reviews in place of an earlier save of it, and gives the ids in the order of `round.reviews`. A review
/// of the same pitch by the same model keeps its id, and with the same values it is not rewritten; reviews of the round's
/// pitches that are not in `round` are removed.
///
/// # Errors
/// [`Error::Invalid`] lists the labels that map to no model, the models that have no pitch in the round, the models that
/// reviewed themselves, or the reviews given twice. Nothing is written then.
#[tracing::instrument(
    name = "db.reviews.save_round", skip_all,
    fields(week = %round.week, rows = round.reviews.len()), err(level = "debug")
)]
pub async fn save_round(tx: &mut Tx, round: &Round, at: Timestamp) -> Result<Vec<ReviewId>> {
    let reviewed = models_behind_labels(round)?;
    let pitches = pitch_ids(&mut *tx, round).await?;
    let resolved = resolve(round, &reviewed, &pitches)?;
    // Not by label: another round has other labels, and two labels may stand for one model.
    let rows = sorted("reviews", &resolved, |review| {
        Pair(&review.reviewed_model, &review.reviewer_model)
    })?;

    let id: Vec<ReviewId> = rows.iter().map(|_| ReviewId::generate(at)).collect();
    columns!(rows => pitch_id, reviewer_model, pitch_label, review_data);
    let saved = sqlx::query!(
        r#"
        INSERT INTO peer_reviews AS old (
            id, week_id, pitch_id, reviewer_model, pitch_label, review_data, research_date, created_at, updated_at
        )
        SELECT new.id, $1::week_id, new.pitch_id, new.reviewer_model, new.pitch_label, new.review_data,
               $2::timestamptz, $3, $3
        FROM UNNEST($4::review_id[], $5::pitch_id[], $6::model[], $7::pitch_label[], $8::review_document[])
            AS new (id, pitch_id, reviewer_model, pitch_label, review_data)
        ON CONFLICT (pitch_id, week_id, reviewer_model) DO UPDATE
        SET pitch_label = EXCLUDED.pitch_label,
            review_data = EXCLUDED.review_data,
            research_date = EXCLUDED.research_date,
            updated_at = EXCLUDED.updated_at
        WHERE (old.pitch_label, old.review_data, old.research_date)
            IS DISTINCT FROM (EXCLUDED.pitch_label, EXCLUDED.review_data, EXCLUDED.research_date)
        RETURNING id, pitch_id, reviewer_model
        "#,
        round.week,
        round.research_date,
        at,
        &id[..],
        &pitch_id[..],
        &reviewer_model[..],
        &pitch_label[..],
        &review_data[..],
    )
    .fetch_all(&mut *tx)
    .await?;
    let mut ids: HashMap<(PitchId, Model), ReviewId> = saved
        .into_iter()
        .map(|row| ((row.pitch_id, row.reviewer_model), row.id))
        .collect();
    if ids.len() < rows.len() {
        let unchanged = sqlx::query!(
            r#"
            SELECT id, pitch_id, reviewer_model
            FROM peer_reviews
            WHERE pitch_id = ANY($1::pitch_id[])
              AND week_id = $2::week_id
            "#,
            &pitch_id[..],
            round.week,
        )
        .fetch_all(&mut *tx)
        .await?;
        for row in unchanged {
            ids.insert((row.pitch_id, row.reviewer_model), row.id);
        }
    }
    let ids = as_given(&resolved, &ids, |review| {
        (review.pitch_id, review.reviewer_model.clone())
    })?;
    let all_pitches: Vec<PitchId> = pitches.values().copied().collect();
    sqlx::query!(
        r#"
        DELETE FROM peer_reviews
        WHERE pitch_id = ANY($1::pitch_id[])
          AND id <> ALL($2::review_id[])
          -- Else the table keeps its rows.
          AND set_config('llm_trading_db.deletes', 'allowed', true) = 'allowed'
        "#,
        &all_pitches[..],
        &ids[..],
    )
    .execute(tx)
    .await?;
    Ok(ids)
}

/// The model behind the label of each review, in the order of the reviews.
fn models_behind_labels(round: &Round) -> Result<Vec<&Model>> {
    let label = |review: &NewReview| review.review_data.pitch_label();
    let unmapped: BTreeSet<PitchLabel> = round
        .reviews
        .iter()
        .map(label)
        .filter(|label| !round.labels.contains_key(label))
        .collect();
    if !unmapped.is_empty() {
        let why = format!("no model is given for {}", list(&unmapped));
        return Err(Invalid::new("labels", why).into());
    }
    let models: Vec<&Model> = round
        .reviews
        .iter()
        .map(|review| &round.labels[&label(review)])
        .collect();
    let own: BTreeSet<&Model> = round
        .reviews
        .iter()
        .zip(&models)
        .filter_map(|(review, model)| (review.reviewer_model == **model).then_some(*model))
        .collect();
    if !own.is_empty() {
        let why = format!("{} reviewed the own pitch", list(&own));
        return Err(Invalid::new("reviews", why).into());
    }
    Ok(models)
}

/// The pitches of the round by model.
async fn pitch_ids(tx: &mut Tx, round: &Round) -> Result<HashMap<Model, PitchId>> {
    let rows = sqlx::query!(
        r#"
        SELECT id, model
        FROM pm_pitches
        WHERE week_id = $1::week_id
          AND research_date IS NOT DISTINCT FROM $2::timestamptz
        ORDER BY id
        -- Two saves of a round take turns: each replaces all of the other's.
        FOR NO KEY UPDATE
        "#,
        round.week,
        round.research_date,
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.model, row.id)).collect())
}

fn resolve(
    round: &Round,
    reviewed: &[&Model],
    pitches: &HashMap<Model, PitchId>,
) -> Result<Vec<Resolved>> {
    let without: BTreeSet<&Model> = reviewed
        .iter()
        .copied()
        .filter(|model| !pitches.contains_key(*model))
        .collect();
    if !without.is_empty() {
        let why = format!("no pitch of {} in week {}", list(&without), round.week);
        return Err(Invalid::new("labels", why).into());
    }
    let resolved = round
        .reviews
        .iter()
        .zip(reviewed)
        .map(|(review, model)| Resolved {
            reviewed_model: (*model).clone(),
            reviewer_model: review.reviewer_model.clone(),
            pitch_label: review.review_data.pitch_label(),
            pitch_id: pitches[*model],
            review_data: review.review_data.clone(),
        });
    Ok(resolved.collect())
}

fn list<T: ToString>(items: &BTreeSet<T>) -> String {
    items
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Fetches one review.
///
/// # Errors
/// [`Error::NotFound`] if no review has this id.
#[tracing::instrument(name = "db.reviews.get", skip_all, fields(%id), err(level = "debug"))]
pub async fn get(db: impl PgExecutor<'_>, id: ReviewId) -> Result<StoredReview> {
    sqlx::query_as!(
        StoredReview,
        r#"
        SELECT id, week_id, pitch_id, reviewer_model, pitch_label, review_data, research_date, created_at
        FROM peer_reviews
        WHERE id = $1::review_id
        "#,
        id,
    )
    .fetch_optional(db)
    .await?
    .ok_or_else(|| Error::not_found("review", id))
}

/// The reviews of a pitch, by reviewer.
#[tracing::instrument(name = "db.reviews.of_pitch", skip_all, fields(%pitch), err(level = "debug"))]
pub async fn of_pitch(db: impl PgExecutor<'_>, pitch: PitchId) -> Result<Vec<StoredReview>> {
    let reviews = sqlx::query_as!(
        StoredReview,
        r#"
        SELECT id, week_id, pitch_id, reviewer_model, pitch_label, review_data, research_date, created_at
        FROM peer_reviews
        WHERE pitch_id = $1::pitch_id
        ORDER BY reviewer_model
        "#,
        pitch,
    )
    .fetch_all(db)
    .await?;
    Ok(reviews)
}

/// The reviews of a week that rest on one research, or on none given, by label, then by reviewer.
#[tracing::instrument(name = "db.reviews.of_round", skip_all, fields(%week), err(level = "debug"))]
pub async fn of_round(
    db: impl PgExecutor<'_>,
    week: WeekId,
    research_date: Option<Timestamp>,
) -> Result<Vec<StoredReview>> {
    let reviews = sqlx::query_as!(
        StoredReview,
        r#"
        SELECT id, week_id, pitch_id, reviewer_model, pitch_label, review_data, research_date, created_at
        FROM peer_reviews
        WHERE week_id = $1::week_id
          AND research_date IS NOT DISTINCT FROM $2::timestamptz
        ORDER BY pitch_label, reviewer_model
        "#,
        week,
        research_date,
    )
    .fetch_all(db)
    .await?;
    Ok(reviews)
}
