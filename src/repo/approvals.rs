//! Approvals: what a person said about a pitch or a report (tables `pitch_approvals`, `report_approvals`). The latest verdict
//! counts.
//!
//! | function | flights | index |
//! |---|---|---|
//! | [`decide_pitch`], [`of_pitch`] | 1 | primary keys |
//! | [`of_week`] | 1 | `pm_pitches_week_model_key`, primary key |
//! | [`decide_report`], [`of_report`] | 1 | primary keys |

use sqlx::PgExecutor;

use super::batch::storable;
use crate::{
    error::{Error, Result},
    types::{PitchId, ReportId, Timestamp, UserName, Verdict, WeekId},
};

/// A verdict to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApproval {
    /// What is said.
    pub verdict: Verdict,
    /// Who says it.
    pub decided_by: UserName,
    /// Why.
    pub note: Option<String>,
    /// When.
    pub decided_at: Timestamp,
}

/// What was said about a pitch.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct PitchApproval {
    /// The pitch.
    pub pitch_id: PitchId,
    /// What was said.
    pub verdict: Verdict,
    /// Who said it.
    pub decided_by: UserName,
    /// Why.
    pub note: Option<String>,
    /// When.
    pub decided_at: Timestamp,
}

/// What was said about a research report.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ReportApproval {
    /// The report.
    pub report_id: ReportId,
    /// What was said.
    pub verdict: Verdict,
    /// Who said it.
    pub decided_by: UserName,
    /// Why.
    pub note: Option<String>,
    /// When.
    pub decided_at: Timestamp,
}

/// Stores a verdict about a pitch as it is now, in place of an earlier one.
///
/// # Errors
/// [`Error::NotFound`] if there is no such pitch; [`Error::Invalid`] if the note contains U+0000.
#[tracing::instrument(name = "db.approvals.decide_pitch", skip_all, fields(%id, verdict = %approval.verdict), err(level = "debug"))]
pub async fn decide_pitch(
    db: impl PgExecutor<'_>,
    id: PitchId,
    approval: &NewApproval,
) -> Result<()> {
    storable("note", approval.note.as_deref())?;
    let stored = sqlx::query!(
        r#"
        INSERT INTO pitch_approvals AS old (pitch_id, verdict, decided_by, note, decided_at, pitch_updated_at)
        SELECT id, $2::verdict, $3::user_name, $4, $5::timestamptz, updated_at
        FROM pm_pitches
        WHERE id = $1::pitch_id
        ON CONFLICT (pitch_id) DO UPDATE
        SET verdict = EXCLUDED.verdict,
            decided_by = EXCLUDED.decided_by,
            note = EXCLUDED.note,
            decided_at = EXCLUDED.decided_at,
            pitch_updated_at = EXCLUDED.pitch_updated_at
        "#,
        id,
        approval.verdict,
        approval.decided_by,
        approval.note,
        approval.decided_at,
    )
    .execute(db)
    .await?;
    match stored.rows_affected() {
        0 => Err(Error::not_found("pitch", id)),
        _ => Ok(()),
    }
}

/// What was said about a pitch as it is now: nothing of a pitch that was changed since.
#[tracing::instrument(name = "db.approvals.of_pitch", skip_all, fields(%id), err(level = "debug"))]
pub async fn of_pitch(db: impl PgExecutor<'_>, id: PitchId) -> Result<Option<PitchApproval>> {
    let approval = sqlx::query_as!(
        PitchApproval,
        r#"
        SELECT approval.pitch_id, approval.verdict, approval.decided_by, approval.note, approval.decided_at
        FROM pitch_approvals AS approval
        JOIN pm_pitches AS pitch ON pitch.id = approval.pitch_id AND pitch.updated_at = approval.pitch_updated_at
        WHERE approval.pitch_id = $1::pitch_id
        "#,
        id,
    )
    .fetch_optional(db)
    .await?;
    Ok(approval)
}

/// What was said about the pitches of a week as they are now, by pitch.
#[tracing::instrument(name = "db.approvals.of_week", skip_all, fields(%week), err(level = "debug"))]
pub async fn of_week(db: impl PgExecutor<'_>, week: WeekId) -> Result<Vec<PitchApproval>> {
    let approvals = sqlx::query_as!(
        PitchApproval,
        r#"
        SELECT approval.pitch_id, approval.verdict, approval.decided_by, approval.note, approval.decided_at
        FROM pm_pitches AS pitch
        JOIN pitch_approvals AS approval
            ON approval.pitch_id = pitch.id AND approval.pitch_updated_at = pitch.updated_at
        WHERE pitch.week_id = $1::week_id
        ORDER BY approval.pitch_id
        "#,
        week,
    )
    .fetch_all(db)
    .await?;
    Ok(approvals)
}

/// Stores a verdict about a report, in place of an earlier one.
///
/// # Errors
/// [`Error::Conflict`] on `report_approvals_report_fkey` if there is no such report.
#[tracing::instrument(name = "db.approvals.decide_report", skip_all, fields(%id, verdict = %approval.verdict), err(level = "debug"))]
pub async fn decide_report(
    db: impl PgExecutor<'_>,
    id: ReportId,
    approval: &NewApproval,
) -> Result<()> {
    storable("note", approval.note.as_deref())?;
    sqlx::query!(
        r#"
        INSERT INTO report_approvals AS old (report_id, verdict, decided_by, note, decided_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (report_id) DO UPDATE
        SET verdict = EXCLUDED.verdict,
            decided_by = EXCLUDED.decided_by,
            note = EXCLUDED.note,
            decided_at = EXCLUDED.decided_at
        "#,
        id,
        approval.verdict,
        approval.decided_by,
        approval.note,
        approval.decided_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What was said about a report.
#[tracing::instrument(name = "db.approvals.of_report", skip_all, fields(%id), err(level = "debug"))]
pub async fn of_report(db: impl PgExecutor<'_>, id: ReportId) -> Result<Option<ReportApproval>> {
    let approval = sqlx::query_as!(
        ReportApproval,
        r#"
        SELECT report_id, verdict, decided_by, note, decided_at
        FROM report_approvals
        WHERE report_id = $1::report_id
        "#,
        id,
    )
    .fetch_optional(db)
    .await?;
    Ok(approval)
}
