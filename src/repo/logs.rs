//! Log of the application (table `logs`).
//!
//! | function | flights | index |
//! |---|---|---|
//! | [`append`], [`append_many`] | 1 | primary key |
//! | [`recent`] | 1 | `logs_created_idx`, or `logs_level_idx` with a level |

use sqlx::PgExecutor;
use sqlx_conditional_queries::conditional_query_as;

use super::batch::{all_storable, columns, storable};
use crate::{
    documents::LogDocument,
    error::{Error, Result},
    types::{Level, LogId, Timestamp},
};

/// An entry to append.
#[derive(Debug, Clone, PartialEq)]
pub struct NewLogEntry {
    /// Severity.
    pub level: Level,
    /// The message, one line.
    pub message: String,
    /// Named values that belong to it.
    pub data: Option<LogDocument>,
}

/// An entry as stored.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct LogEntry {
    /// Orders entries of one instant.
    pub id: LogId,
    /// Severity.
    pub level: Level,
    /// The message.
    pub message: String,
    /// Named values that belong to it.
    pub data: Option<LogDocument>,
    /// When it was logged.
    pub created_at: Timestamp,
}

/// Appends an entry.
///
/// # Errors
/// [`Error::Invalid`] if the message contains U+0000.
#[tracing::instrument(name = "db.logs.append", skip_all, fields(level = %entry.level), err(level = "debug"))]
pub async fn append(db: impl PgExecutor<'_>, entry: &NewLogEntry, at: Timestamp) -> Result<LogId> {
    storable("message", entry.message.as_str())?;
    let id = LogId::generate(at);
    sqlx::query!(
        "INSERT INTO logs (id, level, message, data, created_at) VALUES ($1, $2, $3, $4, $5)",
        id,
        entry.level,
        entry.message,
        entry.data,
        at,
    )
    .execute(db)
    .await?;
    Ok(id)
}

/// Appends entries and gives their ids in the same order: one statement, all or nothing.
///
/// # Errors
/// [`Error::Invalid`] names the first entry whose message contains U+0000.
#[tracing::instrument(name = "db.logs.append_many", skip_all, fields(rows = entries.len()), err(level = "debug"))]
pub async fn append_many(
    db: impl PgExecutor<'_>,
    entries: &[NewLogEntry],
    at: Timestamp,
) -> Result<Vec<LogId>> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let messages = entries.iter().map(|entry| Some(&*entry.message));
    all_storable("entries", "message", messages)?;
    let mut id: Vec<LogId> = entries.iter().map(|_| LogId::generate(at)).collect();
    // Ids order entries of one instant; without this, by chance.
    id.sort_unstable();
    columns!(entries => level, message, data);
    let appended = sqlx::query!(
        r#"
        INSERT INTO logs (id, level, message, data, created_at)
        SELECT new.id, new.level, new.message, new.data, $1
        FROM UNNEST($2::log_id[], $3::log_level[], $4::text[], $5::log_document[]) AS new (id, level, message, data)
        "#,
        at,
        &id[..],
        &level[..],
        &message[..],
        &data[..],
    )
    .execute(db)
    .await?;
    match appended.rows_affected() {
        n if n == id.len() as u64 => Ok(id),
        actual => Err(Error::RowCount {
            expected: id.len() as u64,
            actual,
        }),
    }
}

/// The newest entries, newest first, of one level if given.
#[tracing::instrument(name = "db.logs.recent", skip_all, err(level = "debug"))]
pub async fn recent(
    db: impl PgExecutor<'_>,
    level: Option<Level>,
    limit: u32,
) -> Result<Vec<LogEntry>> {
    let limit = i64::from(limit);
    let entries = conditional_query_as!(
        LogEntry,
        r#"
        SELECT id, level, message, data, created_at
        FROM logs
        {#of_level}
        ORDER BY created_at DESC, id DESC
        LIMIT {limit}
        "#,
        #of_level = match level {
            Some(level) => "WHERE level = {level}::log_level",
            None => "",
        },
    )
    .fetch_all(db)
    .await?;
    Ok(entries)
}
