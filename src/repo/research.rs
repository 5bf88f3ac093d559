//! Research reports: market research of a provider for a week (table `research_reports`).
//!
//! | function | flights | index |
//! |---|---|---|
//! | [`save`], [`get`], [`set_status`] | 1 | primary key |
//! | [`latest`] | 1 | `research_reports_status_idx` |
//! | [`latest_by_provider`] | 1 | `research_reports_week_idx` |
//! | [`history`] | 1 | `research_reports_created_idx` |

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::PgExecutor;

use super::batch::storable;
use crate::{
    documents::ResearchDocument,
    error::{Error, Result},
    types::{Model, Provider, ReportId, ReportStatus, Timestamp, WeekId},
};

/// A research report as stored.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Report {
    /// Made with [`ReportId::generate`].
    pub id: ReportId,
    /// Week the report is for.
    pub week_id: WeekId,
    /// Who made it.
    pub provider: Provider,
    /// Model the provider used.
    pub model: Model,
    /// The report as prose.
    pub natural_language: String,
    /// The report as a document.
    pub structured_json: ResearchDocument,
    /// How far it is.
    pub status: ReportStatus,
    /// Why it failed.
    pub error_message: Option<String>,
    /// When the provider finished it.
    pub generated_at: Option<Timestamp>,
    /// When it was first stored.
    pub created_at: Timestamp,
}

/// How far a report is, for [`set_status`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// Not there yet.
    Pending,
    /// There, and of use.
    Complete,
    /// Failed, with the reason.
    Error(&'a str),
}

/// The reports of one provider on one day, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct DayOfProvider {
    /// Ids of the reports.
    pub report_ids: Vec<ReportId>,
    /// Their statuses, in the same order.
    pub statuses: Vec<ReportStatus>,
}

/// Stores a report, or replaces the one of that id; the time of the first save stays, and a report that is there with the same
/// values is not rewritten. Saving a pending report again as complete is how a report grows.
///
/// # Errors
/// [`Error::Invalid`] if a text contains U+0000.
#[tracing::instrument(name = "db.research.save", skip_all, fields(id = %report.id), err(level = "debug"))]
pub async fn save(db: impl PgExecutor<'_>, report: &Report) -> Result<()> {
    storable("natural_language", report.natural_language.as_str())?;
    storable("error_message", report.error_message.as_deref())?;
    sqlx::query!(
        r#"
        INSERT INTO research_reports AS old (
            id, week_id, provider, model, natural_language, structured_json, status, error_message, generated_at,
            created_at
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (id) DO UPDATE
        SET week_id = EXCLUDED.week_id,
            provider = EXCLUDED.provider,
            model = EXCLUDED.model,
            natural_language = EXCLUDED.natural_language,
            structured_json = EXCLUDED.structured_json,
            status = EXCLUDED.status,
            error_message = EXCLUDED.error_message,
            generated_at = EXCLUDED.generated_at
        WHERE (
            old.week_id, old.provider, old.model, old.natural_language, old.structured_json, old.status,
            old.error_message, old.generated_at
        ) IS DISTINCT FROM (
            EXCLUDED.week_id, EXCLUDED.provider, EXCLUDED.model, EXCLUDED.natural_language, EXCLUDED.structured_json,
            EXCLUDED.status, EXCLUDED.error_message, EXCLUDED.generated_at
        )
        "#,
        report.id,
        report.week_id,
        report.provider,
        report.model,
        report.natural_language,
        report.structured_json,
        report.status,
        report.error_message,
        report.generated_at,
        report.created_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Says how far a report is, without saving the rest of it again.
///
/// # Errors
/// [`Error::NotFound`] if no report has this id.
#[tracing::instrument(name = "db.research.set_status", skip_all, fields(%id), err(level = "debug"))]
pub async fn set_status(db: impl PgExecutor<'_>, id: ReportId, outcome: Outcome<'_>) -> Result<()> {
    let (status, message) = match outcome {
        Outcome::Pending => (ReportStatus::Pending, None),
        Outcome::Complete => (ReportStatus::Complete, None),
        Outcome::Error(message) => (ReportStatus::Error, Some(message)),
    };
    storable("error_message", message)?;
    let updated = sqlx::query!(
        "UPDATE research_reports SET status = $2, error_message = $3 WHERE id = $1::report_id",
        id,
        status,
        message,
    )
    .execute(db)
    .await?;
    match updated.rows_affected() {
        0 => Err(Error::not_found("research report", id)),
        _ => Ok(()),
    }
}

/// Fetches one report.
///
/// # Errors
/// [`Error::NotFound`] if no report has this id.
#[tracing::instrument(name = "db.research.get", skip_all, fields(%id), err(level = "debug"))]
pub async fn get(db: impl PgExecutor<'_>, id: ReportId) -> Result<Report> {
    sqlx::query_as!(
        Report,
        r#"
        SELECT id, week_id, provider, model, natural_language, structured_json, status, error_message, generated_at,
               created_at
        FROM research_reports
        WHERE id = $1::report_id
        "#,
        id,
    )
    .fetch_optional(db)
    .await?
    .ok_or_else(|| Error::not_found("research report", id))
}

/// The newest complete report, if there is one.
#[tracing::instrument(name = "db.research.latest", skip_all, err(level = "debug"))]
pub async fn latest(db: impl PgExecutor<'_>) -> Result<Option<Report>> {
    let report = sqlx::query_as!(
        Report,
        r#"
        SELECT id, week_id, provider, model, natural_language, structured_json, status, error_message, generated_at,
               created_at
        FROM research_reports
        WHERE status = 'complete'
        ORDER BY created_at DESC, id DESC
        LIMIT 1
        "#,
    )
    .fetch_optional(db)
    .await?;
    Ok(report)
}

/// The newest report of each provider for a week, whatever its status, by provider.
#[tracing::instrument(name = "db.research.latest_by_provider", skip_all, fields(%week), err(level = "debug"))]
pub async fn latest_by_provider(db: impl PgExecutor<'_>, week: WeekId) -> Result<Vec<Report>> {
    let reports = sqlx::query_as!(
        Report,
        r#"
        SELECT DISTINCT ON (provider)
               id, week_id, provider, model, natural_language, structured_json, status, error_message, generated_at,
               created_at
        FROM research_reports
        WHERE week_id = $1::week_id
        -- Not by generated_at: a report without it would be lost or would always win.
        ORDER BY provider, created_at DESC, id DESC
        "#,
        week,
    )
    .fetch_all(db)
    .await?;
    Ok(reports)
}

/// The reports stored at `since` or later, by day (UTC) and provider.
#[tracing::instrument(name = "db.research.history", skip_all, fields(%since), err(level = "debug"))]
pub async fn history(
    db: impl PgExecutor<'_>,
    since: Timestamp,
) -> Result<BTreeMap<NaiveDate, BTreeMap<Provider, DayOfProvider>>> {
    let rows = sqlx::query!(
        r#"
        SELECT id, provider, status, created_at
        FROM research_reports
        WHERE created_at >= $1
        ORDER BY created_at DESC, id DESC
        "#,
        since,
    )
    .fetch_all(db)
    .await?;
    let mut history: BTreeMap<NaiveDate, BTreeMap<Provider, DayOfProvider>> = BTreeMap::new();
    for row in rows {
        let day = history.entry(row.created_at.date_naive()).or_default();
        let reports = day.entry(row.provider).or_default();
        reports.report_ids.push(row.id);
        reports.statuses.push(row.status);
    }
    Ok(history)
}
