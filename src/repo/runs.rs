//! Runs of the pipeline of a week, and their jobs (tables `pipeline_runs`, `pipeline_jobs`).
//!
//! A job goes from queued to running to complete or error, and never back: of two programs that begin or end it, one is told
//! that it was too late.
//!
//! | function | flights | index |
//! |---|---|---|
//! | [`start`], [`queue`], [`begin`], [`finish`], [`job`] | 1 | primary keys |
//! | [`latest`] | 1 | `pipeline_runs_week_idx` |
//! | [`jobs`] | 1 | `pipeline_jobs_run_idx` |

use std::collections::BTreeMap;

use sqlx::PgExecutor;

use super::batch::storable;
use crate::{
    error::{Error, Result},
    types::{JobId, JobStatus, Model, RunId, Stage, Timestamp, WeekId},
};

/// A run of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Run {
    /// Made with [`RunId::generate`].
    pub id: RunId,
    /// Week the run is for.
    pub week_id: WeekId,
    /// When it was started.
    pub started_at: Timestamp,
}

/// A job to queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Made with [`JobId::generate`].
    pub id: JobId,
    /// Run it belongs to.
    pub run_id: RunId,
    /// Stage it works on.
    pub stage: Stage,
    /// Model it is for; `None` for a job of all models.
    pub model: Option<Model>,
}

/// A job as stored.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Run it belongs to.
    pub run_id: RunId,
    /// Stage it works on.
    pub stage: Stage,
    /// Model it is for; `None` for a job of all models.
    pub model: Option<Model>,
    /// How far it is.
    pub status: JobStatus,
    /// Why it failed; `None` exactly if it did not.
    pub error_message: Option<String>,
    /// When it was asked for.
    pub queued_at: Timestamp,
    /// When it was begun.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// Starts a run.
///
/// # Errors
/// [`Error::Conflict`] on `pipeline_runs_pkey` if the id is taken.
#[tracing::instrument(name = "db.runs.start", skip_all, fields(id = %run.id, week = %run.week_id), err(level = "debug"))]
pub async fn start(db: impl PgExecutor<'_>, run: &Run) -> Result<()> {
    sqlx::query!(
        "INSERT INTO pipeline_runs (id, week_id, started_at) VALUES ($1, $2, $3)",
        run.id,
        run.week_id,
        run.started_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The newest run of a week, if there is one.
#[tracing::instrument(name = "db.runs.latest", skip_all, fields(%week), err(level = "debug"))]
pub async fn latest(db: impl PgExecutor<'_>, week: WeekId) -> Result<Option<Run>> {
    let run = sqlx::query_as!(
        Run,
        r#"
        SELECT id, week_id, started_at
        FROM pipeline_runs
        WHERE week_id = $1::week_id
        ORDER BY started_at DESC, id DESC
        LIMIT 1
        "#,
        week,
    )
    .fetch_optional(db)
    .await?;
    Ok(run)
}

/// Queues a job.
///
/// # Errors
/// [`Error::Conflict`] on `pipeline_jobs_pkey` if the id is taken, on `pipeline_jobs_run_fkey` if there is no such run.
#[tracing::instrument(name = "db.runs.queue", skip_all, fields(id = %job.id, stage = %job.stage), err(level = "debug"))]
pub async fn queue(db: impl PgExecutor<'_>, job: &NewJob, at: Timestamp) -> Result<()> {
    sqlx::query!(
        r#"
        INSERT INTO pipeline_jobs (id, run_id, stage, model, status, queued_at)
        VALUES ($1, $2, $3, $4, 'queued', $5)
        "#,
        job.id,
        job.run_id,
        job.stage,
        job.model,
        at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Begins a queued job; false if it is not queued any more, or there is none, and then the caller must leave it alone.
#[tracing::instrument(name = "db.runs.begin", skip_all, fields(%id), err(level = "debug"))]
pub async fn begin(db: impl PgExecutor<'_>, id: JobId, at: Timestamp) -> Result<bool> {
    let begun = sqlx::query!(
        r#"
        UPDATE pipeline_jobs
        SET status = 'running', started_at = $2
        WHERE id = $1::job_id AND status = 'queued'
        "#,
        id,
        at,
    )
    .execute(db)
    .await?;
    Ok(begun.rows_affected() == 1)
}

/// Ends a running job: `outcome` is the error message of a failure. False if it is not running, or there is none.
///
/// # Errors
/// [`Error::Invalid`] if the message contains U+0000.
#[tracing::instrument(name = "db.runs.finish", skip_all, fields(%id), err(level = "debug"))]
pub async fn finish(
    db: impl PgExecutor<'_>,
    id: JobId,
    outcome: std::result::Result<(), &str>,
    at: Timestamp,
) -> Result<bool> {
    storable("outcome", outcome.err())?;
    let status = match outcome {
        Ok(()) => JobStatus::Complete,
        Err(_) => JobStatus::Error,
    };
    let finished = sqlx::query!(
        r#"
        UPDATE pipeline_jobs
        SET status = $2, error_message = $3, finished_at = $4
        WHERE id = $1::job_id AND status = 'running'
        "#,
        id,
        status,
        outcome.err(),
        at,
    )
    .execute(db)
    .await?;
    Ok(finished.rows_affected() == 1)
}

/// Fetches one job.
///
/// # Errors
/// [`Error::NotFound`] if no job has this id.
#[tracing::instrument(name = "db.runs.job", skip_all, fields(%id), err(level = "debug"))]
pub async fn job(db: impl PgExecutor<'_>, id: JobId) -> Result<Job> {
    sqlx::query_as!(
        Job,
        r#"
        SELECT id, run_id, stage, model, status, error_message, queued_at, started_at, finished_at
        FROM pipeline_jobs
        WHERE id = $1::job_id
        "#,
        id,
    )
    .fetch_optional(db)
    .await?
    .ok_or_else(|| Error::not_found("job", id))
}

/// The jobs of a run in the order in which they were queued.
#[tracing::instrument(name = "db.runs.jobs", skip_all, fields(%run), err(level = "debug"))]
pub async fn jobs(db: impl PgExecutor<'_>, run: RunId) -> Result<Vec<Job>> {
    let jobs = sqlx::query_as!(
        Job,
        r#"
        SELECT id, run_id, stage, model, status, error_message, queued_at, started_at, finished_at
        FROM pipeline_jobs
        WHERE run_id = $1::run_id
        ORDER BY queued_at, id
        "#,
        run,
    )
    .fetch_all(db)
    .await?;
    Ok(jobs)
}

/// How far each stage is that has jobs: queued or running as long as one of its jobs is, then error if one of them failed.
#[must_use]
pub fn stages(jobs: &[Job]) -> BTreeMap<Stage, JobStatus> {
    let mut of_stage: BTreeMap<Stage, Vec<JobStatus>> = BTreeMap::new();
    for job in jobs {
        of_stage.entry(job.stage).or_default().push(job.status);
    }
    let whole = |of: Vec<JobStatus>| {
        let all = |status| of.iter().all(|one| *one == status);
        let any = |status| of.contains(&status);
        match () {
            () if all(JobStatus::Queued) => JobStatus::Queued,
            () if any(JobStatus::Running) || any(JobStatus::Queued) => JobStatus::Running,
            () if any(JobStatus::Error) => JobStatus::Error,
            () => JobStatus::Complete,
        }
    };
    of_stage
        .into_iter()
        .map(|(stage, of)| (stage, whole(of)))
        .collect()
}
