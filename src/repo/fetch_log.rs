//! Fetch log: attempts to fetch market data (table `fetch_log`).
//!
//! | function | flights | index |
//! |---|---|---|
//! | [`append`], [`append_many`] | 1 | primary key |
//! | [`recent`] | 1 | `fetch_log_timestamp_idx` |

use sqlx::PgExecutor;
use sqlx_conditional_queries::conditional_query_as;

use super::batch::{all_of, all_storable, columns, storable};
use crate::{
    error::Result,
    types::{FetchId, FetchStatus, FetchType, Symbol, Timestamp},
};

/// An attempt to note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFetch {
    /// What was fetched.
    pub fetch_type: FetchType,
    /// Ticker; `None` if the fetch was for all symbols.
    pub symbol: Option<Symbol>,
    /// How it ended: the error message of a failure.
    pub outcome: std::result::Result<(), String>,
    /// When it ended.
    pub at: Timestamp,
}

/// An attempt to fetch market data.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Fetch {
    /// Made by [`append`].
    pub id: FetchId,
    /// What was fetched.
    pub fetch_type: FetchType,
    /// Ticker; `None` if the fetch was for all symbols.
    pub symbol: Option<Symbol>,
    /// How it ended.
    pub status: FetchStatus,
    /// Why it failed; `None` exactly if it succeeded.
    pub error_message: Option<String>,
    /// When it ended.
    pub timestamp: Timestamp,
}

/// Notes how a fetch ended: `outcome` is the error message of a failure.
///
/// # Errors
/// [`Error::Invalid`](crate::error::Error::Invalid) if the message contains U+0000.
#[tracing::instrument(name = "db.fetch_log.append", skip_all, fields(%fetch_type), err(level = "debug"))]
pub async fn append(
    db: impl PgExecutor<'_>,
    fetch_type: FetchType,
    symbol: Option<Symbol>,
    outcome: std::result::Result<(), &str>,
    at: Timestamp,
) -> Result<FetchId> {
    storable("outcome", outcome.err())?;
    let id = FetchId::generate(at);
    sqlx::query!(
        r#"
        INSERT INTO fetch_log (id, fetch_type, symbol, status, error_message, timestamp)
        VALUES ($1, $2, $3, $4, $5, $6)
        "#,
        id,
        fetch_type,
        symbol,
        status_of(&outcome),
        outcome.err(),
        at,
    )
    .execute(db)
    .await?;
    Ok(id)
}

/// Notes how fetches ended, and returns their ids in the same order: one statement, all or nothing.
///
/// # Errors
/// [`Error::Invalid`](crate::error::Error::Invalid) names the first fetch whose message contains U+0000.
#[tracing::instrument(name = "db.fetch_log.append_many", skip_all, fields(rows = fetches.len()), err(level = "debug"))]
pub async fn append_many(db: impl PgExecutor<'_>, fetches: &[NewFetch]) -> Result<Vec<FetchId>> {
    if fetches.is_empty() {
        return Ok(Vec::new());
    }
    let messages = fetches
        .iter()
        .map(|fetch| fetch.outcome.as_ref().err().map(String::as_str));
    all_storable("fetches", "outcome", messages)?;
    let id: Vec<FetchId> = fetches
        .iter()
        .map(|fetch| FetchId::generate(fetch.at))
        .collect();
    let status: Vec<FetchStatus> = fetches
        .iter()
        .map(|fetch| status_of(&fetch.outcome))
        .collect();
    // An array of texts has no room for one that is absent; a success has no message, and no symbol is empty.
    let error_message: Vec<String> = fetches
        .iter()
        .map(|fetch| fetch.outcome.clone().err().unwrap_or_default())
        .collect();
    columns!(fetches => fetch_type, at);
    let symbol: Vec<String> = fetches
        .iter()
        .map(|fetch| {
            fetch
                .symbol
                .map(|symbol| symbol.to_string())
                .unwrap_or_default()
        })
        .collect();
    let appended = sqlx::query!(
        r#"
        INSERT INTO fetch_log (id, fetch_type, symbol, status, error_message, timestamp)
        SELECT new.id, new.fetch_type, NULLIF(new.symbol, '')::symbol, new.status,
               CASE WHEN new.status = 'error' THEN new.error_message END, new.timestamp
        FROM UNNEST($1::fetch_id[], $2::fetch_type[], $3::text[], $4::fetch_status[], $5::text[], $6::timestamptz[])
            AS new (id, fetch_type, symbol, status, error_message, timestamp)
        "#,
        &id[..],
        &fetch_type[..],
        &symbol[..],
        &status[..],
        &error_message[..],
        &at[..],
    )
    .execute(db)
    .await?;
    all_of(fetches.len(), appended.rows_affected())?;
    Ok(id)
}

fn status_of<E>(outcome: &std::result::Result<(), E>) -> FetchStatus {
    match outcome {
        Ok(()) => FetchStatus::Success,
        Err(_) => FetchStatus::Error,
    }
}

/// The newest attempts, newest first, of one symbol if given.
#[tracing::instrument(name = "db.fetch_log.recent", skip_all, err(level = "debug"))]
pub async fn recent(
    db: impl PgExecutor<'_>,
    symbol: Option<Symbol>,
    limit: u32,
) -> Result<Vec<Fetch>> {
    let limit = i64::from(limit);
    let fetches = conditional_query_as!(
        Fetch,
        r#"
        SELECT id, fetch_type, symbol, status, error_message, timestamp
        FROM fetch_log
        {#of_symbol}
        ORDER BY timestamp DESC, id DESC
        LIMIT {limit}
        "#,
        #of_symbol = match symbol {
            Some(symbol) => "WHERE symbol = {symbol}::symbol",
            None => "",
        },
    )
    .fetch_all(db)
    .await?;
    Ok(fetches)
}
