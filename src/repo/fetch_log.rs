//! Fetch log: attempts to fetch market data (table `fetch_log`).
//!
//! | function | flights | index |
//! |---|---|---|
//! | [`append`] | 1 | primary key |
//! | [`recent`] | 1 | `fetch_log_timestamp_idx` |

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use sqlx_conditional_queries::conditional_query_as;

use crate::{
    error::Result,
    types::{FetchId, FetchStatus, FetchType, Symbol},
};

/// An attempt to fetch market data.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    pub timestamp: DateTime<Utc>,
}

/// Notes how a fetch ended: `outcome` is the error message of a failure.
#[tracing::instrument(name = "db.fetch_log.append", skip_all, fields(%fetch_type), err(level = "debug"))]
pub async fn append(
    db: impl PgExecutor<'_>,
    fetch_type: FetchType,
    symbol: Option<Symbol>,
    outcome: std::result::Result<(), &str>,
    at: DateTime<Utc>,
) -> Result<FetchId> {
    let id = FetchId::generate(at);
    let status = match outcome {
        Ok(()) => FetchStatus::Success,
        Err(_) => FetchStatus::Error,
    };
    sqlx::query!(
        r#"
        INSERT INTO fetch_log (id, fetch_type, symbol, status, error_message, timestamp)
        VALUES ($1, $2, $3, $4, $5, $6)
        "#,
        id,
        fetch_type,
        symbol,
        status,
        outcome.err(),
        at,
    )
    .execute(db)
    .await?;
    Ok(id)
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
