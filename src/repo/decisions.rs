//! Decisions: the trade the chairman chose for a week (table `chairman_decisions`).
//!
//! | function | flights | index |
//! |---|---|---|
//! | [`save`] | 1, or 2 if unchanged | `chairman_decisions_week_research_key` |
//! | [`get`] | 1 | primary key |
//! | [`of_week`], [`latest`] | 1 | `chairman_decisions_week_research_key` |
//! | [`of_research`] | 1 | `chairman_decisions_research_date_idx` |

use sqlx::PgExecutor;

use crate::{
    db::Queryable,
    documents::DecisionDocument,
    error::{Error, Result},
    types::{DecisionId, Invalid, Timestamp, WeekId},
};

/// A decision as stored.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct StoredDecision {
    /// Stays when the decision is saved again.
    pub id: DecisionId,
    /// Week the decision is for.
    pub week_id: WeekId,
    /// The decision.
    pub decision_data: DecisionDocument,
    /// Instant of the research it rests on.
    pub research_date: Option<Timestamp>,
    /// When it was first stored.
    pub created_at: Timestamp,
}

/// Saves the decision of a week and of a research round, in place of an earlier one, whose id it keeps; one that is there with
/// the same values is not rewritten, and its id is fetched by a second statement.
///
/// # Errors
/// [`Error::Invalid`] if the document is of another week.
#[tracing::instrument(name = "db.decisions.save", skip_all, fields(%week), err(level = "debug"))]
pub async fn save(
    mut db: impl Queryable,
    week: WeekId,
    research_date: Option<Timestamp>,
    decision: &DecisionDocument,
    at: Timestamp,
) -> Result<DecisionId> {
    if decision.week_id() != week {
        let why = format!(
            "the decision is for week {}, not {week}",
            decision.week_id()
        );
        return Err(Invalid::new("decision_data.week_id", why).into());
    }
    let saved = sqlx::query_scalar!(
        r#"
        INSERT INTO chairman_decisions AS old (id, week_id, decision_data, research_date, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $5)
        ON CONFLICT (week_id, research_date) DO UPDATE
        SET decision_data = EXCLUDED.decision_data,
            updated_at = EXCLUDED.updated_at
        WHERE old.decision_data IS DISTINCT FROM EXCLUDED.decision_data
        RETURNING id
        "#,
        DecisionId::generate(at),
        week,
        decision,
        research_date,
        at,
    )
    .fetch_optional(db.executor())
    .await?;
    if let Some(id) = saved {
        return Ok(id);
    }
    let unchanged = sqlx::query_scalar!(
        r#"
        SELECT id
        FROM chairman_decisions
        WHERE week_id = $1::week_id
          AND research_date IS NOT DISTINCT FROM $2::timestamptz
        "#,
        week,
        research_date,
    )
    .fetch_optional(db.executor())
    .await?;
    unchanged.ok_or(Error::RowCount {
        expected: 1,
        actual: 0,
    })
}

/// Fetches one decision.
///
/// # Errors
/// [`Error::NotFound`] if no decision has this id.
#[tracing::instrument(name = "db.decisions.get", skip_all, fields(%id), err(level = "debug"))]
pub async fn get(db: impl PgExecutor<'_>, id: DecisionId) -> Result<StoredDecision> {
    sqlx::query_as!(
        StoredDecision,
        r#"
        SELECT id, week_id, decision_data, research_date, created_at
        FROM chairman_decisions
        WHERE id = $1::decision_id
        "#,
        id,
    )
    .fetch_optional(db)
    .await?
    .ok_or_else(|| Error::not_found("decision", id))
}

/// The decisions of a week, one per research, newest research first.
#[tracing::instrument(name = "db.decisions.of_week", skip_all, fields(%week), err(level = "debug"))]
pub async fn of_week(db: impl PgExecutor<'_>, week: WeekId) -> Result<Vec<StoredDecision>> {
    let decisions = sqlx::query_as!(
        StoredDecision,
        r#"
        SELECT id, week_id, decision_data, research_date, created_at
        FROM chairman_decisions
        WHERE week_id = $1::week_id
        ORDER BY research_date DESC NULLS LAST
        "#,
        week,
    )
    .fetch_all(db)
    .await?;
    Ok(decisions)
}

/// The decisions that rest on the research of an instant, by week.
#[tracing::instrument(name = "db.decisions.of_research", skip_all, fields(%research_date), err(level = "debug"))]
pub async fn of_research(
    db: impl PgExecutor<'_>,
    research_date: Timestamp,
) -> Result<Vec<StoredDecision>> {
    let decisions = sqlx::query_as!(
        StoredDecision,
        r#"
        SELECT id, week_id, decision_data, research_date, created_at
        FROM chairman_decisions
        WHERE research_date = $1
        ORDER BY week_id
        "#,
        research_date,
    )
    .fetch_all(db)
    .await?;
    Ok(decisions)
}

/// The decision of the newest week that has one; of several the one of the newest research.
#[tracing::instrument(name = "db.decisions.latest", skip_all, err(level = "debug"))]
pub async fn latest(db: impl PgExecutor<'_>) -> Result<Option<StoredDecision>> {
    let decision = sqlx::query_as!(
        StoredDecision,
        r#"
        SELECT id, week_id, decision_data, research_date, created_at
        FROM chairman_decisions
        ORDER BY week_id DESC, research_date DESC NULLS LAST
        LIMIT 1
        "#,
    )
    .fetch_optional(db)
    .await?;
    Ok(decision)
}
