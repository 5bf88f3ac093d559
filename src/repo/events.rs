//! Execution events: the journal of what happened in the accounts (table `execution_events`).
//!
//! An event's id is made from the caller's key ([`EventId::from_key`]), so that appending it again adds nothing. What was
//! recorded wrongly is put right by another event, a [`Void`](crate::documents::Void) or a
//! [`Correction`](crate::documents::Correction), which the journal's service makes; all functions but those of [`trades`] return the journal as it was written.
//!
//! | function | flights | index |
//! |---|---|---|
//! | [`append`], [`append_many`] | 1 (2 if one of them is there already) | primary key |
//! | [`get`], [`head`] | 1 | primary key |
//! | [`history`] | 1 | `execution_events_account_idx`, `…_week_idx`, `…_type_idx` or `…_occurred_idx` |
//! | [`latest_of_account`], [`trades_of_account`], [`known`] | 1 | `execution_events_account_idx` |
//! | [`counts_by_type`] | 1 | `execution_events_week_idx` or `…_account_idx` |
//! | [`trades`], [`corrected_weeks`] | 1 | `execution_events_type_idx`, or whole table |
//! | [`trades_of`] | 1 | `execution_events_account_idx` or `…_week_idx` |
//! | [`find_correction`] | 1 | `execution_events_corrects_key` |
//! | [`accounts`] | 1 | `execution_events_account_idx` |

mod append;
mod trades;

pub(crate) use trades::sorted;

pub use append::{append, append_many, known};
pub use trades::{TradeEvent, corrected_weeks, trades, trades_of, trades_of_account};

use std::collections::BTreeMap;

use sqlx::PgExecutor;
use sqlx_conditional_queries::conditional_query_as;

use crate::{
    documents::EventDocument,
    error::{Error, Result},
    types::{Account, EventId, EventType, Timestamp, WeekId},
};

/// An event to append.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// The caller's key: the same event has the same id.
    pub id: EventId,
    /// Week of the trade.
    pub week_id: WeekId,
    /// Account it happened in.
    pub account: Account,
    /// What happened.
    pub event_data: EventDocument,
    /// When it happened.
    pub occurred_at: Timestamp,
}

/// An event as stored.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct StoredEvent {
    /// Made from the caller's key.
    pub id: EventId,
    /// Week of the trade.
    pub week_id: WeekId,
    /// Copy of the type in the document.
    pub event_type: EventType,
    /// Account it happened in.
    pub account: Account,
    /// What happened.
    pub event_data: EventDocument,
    /// When it happened.
    pub occurred_at: Timestamp,
}

/// An event without its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Head {
    /// Week of the trade.
    pub week_id: WeekId,
    /// Copy of the type in the document.
    pub event_type: EventType,
    /// Account it happened in.
    pub account: Account,
    /// When it happened.
    pub occurred_at: Timestamp,
}

/// Which events [`history`] gives; all that are `None` do not filter.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Only events of this account.
    pub account: Option<Account>,
    /// Only events of this week.
    pub week: Option<WeekId>,
    /// Only events of this type.
    pub event_type: Option<EventType>,
}

/// Where a page of [`history`] ended; the next page starts behind it. A [`PageToken`](checked_pg::page::PageToken) carries it
/// through a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cursor {
    /// Time of the last event of the page.
    pub occurred_at: Timestamp,
    /// Its id, which orders events of one instant.
    pub id: EventId,
}

impl StoredEvent {
    /// The cursor of the page that ends with this event.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor {
            occurred_at: self.occurred_at,
            id: self.id,
        }
    }
}

/// Fetches one event.
///
/// # Errors
/// [`Error::NotFound`] if no event has this id.
#[tracing::instrument(name = "db.events.get", skip_all, fields(%id), err(level = "debug"))]
pub async fn get(db: impl PgExecutor<'_>, id: EventId) -> Result<StoredEvent> {
    sqlx::query_as!(
        StoredEvent,
        r#"
        SELECT id, week_id, event_type, account, event_data, occurred_at
        FROM execution_events
        WHERE id = $1::event_id
        "#,
        id,
    )
    .fetch_optional(db)
    .await?
    .ok_or_else(|| Error::not_found("event", id))
}

/// Fetches all of an event but its document, which may be one that cannot be read.
///
/// # Errors
/// [`Error::NotFound`] if no event has this id.
#[tracing::instrument(name = "db.events.head", skip_all, fields(%id), err(level = "debug"))]
pub async fn head(db: impl PgExecutor<'_>, id: EventId) -> Result<Head> {
    sqlx::query_as!(
        Head,
        r#"
        SELECT week_id, event_type, account, occurred_at
        FROM execution_events
        WHERE id = $1::event_id
        "#,
        id,
    )
    .fetch_optional(db)
    .await?
    .ok_or_else(|| Error::not_found("event", id))
}

/// One page of at most `limit` events, newest first, that pass the filter and lie behind `after`.
#[tracing::instrument(
    name = "db.events.history",
    skip_all,
    fields(limit),
    err(level = "debug")
)]
pub async fn history(
    db: impl PgExecutor<'_>,
    filter: &Filter,
    after: Option<Cursor>,
    limit: u32,
) -> Result<Vec<StoredEvent>> {
    let limit = i64::from(limit);
    let events = conditional_query_as!(
        StoredEvent,
        r#"
        SELECT id, week_id, event_type, account, event_data, occurred_at
        FROM execution_events
        WHERE {#behind} {#of_account} {#of_week} {#of_type}
        ORDER BY occurred_at DESC, id DESC
        LIMIT {limit}
        "#,
        #behind = match after {
            Some(Cursor { occurred_at, id }) => "(occurred_at, id) < ({occurred_at}, {id}::event_id)",
            None => "true",
        },
        #of_account = match filter.account {
            Some(account) => "AND account = {account}::account",
            None => "",
        },
        #of_week = match filter.week {
            Some(week) => "AND week_id = {week}::week_id",
            None => "",
        },
        #of_type = match filter.event_type {
            Some(event_type) => "AND event_type = {event_type}::event_type",
            None => "",
        },
    )
    .fetch_all(db)
    .await?;
    Ok(events)
}

/// The newest event of an account, if it has any.
#[tracing::instrument(name = "db.events.latest_of_account", skip_all, fields(%account), err(level = "debug"))]
pub async fn latest_of_account(
    db: impl PgExecutor<'_>,
    account: Account,
) -> Result<Option<StoredEvent>> {
    let event = sqlx::query_as!(
        StoredEvent,
        r#"
        SELECT id, week_id, event_type, account, event_data, occurred_at
        FROM execution_events
        WHERE account = $1::account
        ORDER BY occurred_at DESC, id DESC
        LIMIT 1
        "#,
        account,
    )
    .fetch_optional(db)
    .await?;
    Ok(event)
}

/// The number of events of each type, of one week and one account if given.
#[tracing::instrument(name = "db.events.counts_by_type", skip_all, err(level = "debug"))]
pub async fn counts_by_type(
    db: impl PgExecutor<'_>,
    week: Option<WeekId>,
    account: Option<Account>,
) -> Result<BTreeMap<EventType, i64>> {
    let counts = sqlx::query!(
        r#"
        SELECT event_type, count(*) AS "count!"
        FROM execution_events
        WHERE ($1::week_id IS NULL OR week_id = $1::week_id)
          AND ($2::account IS NULL OR account = $2::account)
        GROUP BY event_type
        "#,
        week,
        account,
    )
    .fetch_all(db)
    .await?;
    Ok(counts
        .into_iter()
        .map(|row| (row.event_type, row.count))
        .collect())
}

/// The event that voids or replaces this one, if there is one.
#[tracing::instrument(name = "db.events.find_correction", skip_all, fields(%id), err(level = "debug"))]
pub async fn find_correction(db: impl PgExecutor<'_>, id: EventId) -> Result<Option<StoredEvent>> {
    let event = sqlx::query_as!(
        StoredEvent,
        r#"
        SELECT id, week_id, event_type, account, event_data, occurred_at
        FROM execution_events
        WHERE corrects = $1::event_id
        "#,
        id,
    )
    .fetch_optional(db)
    .await?;
    Ok(event)
}

/// The accounts that have events, in order.
#[tracing::instrument(name = "db.events.accounts", skip_all, err(level = "debug"))]
pub async fn accounts(db: impl PgExecutor<'_>) -> Result<Vec<Account>> {
    // One index probe per account, where DISTINCT would read every row.
    let accounts = sqlx::query_scalar!(
        r#"
        WITH RECURSIVE known AS (
            (SELECT account FROM execution_events ORDER BY account LIMIT 1)
            UNION ALL
            SELECT (
                SELECT event.account
                FROM execution_events AS event
                WHERE event.account > known.account
                ORDER BY event.account
                LIMIT 1
            )
            FROM known
            WHERE known.account IS NOT NULL
        )
        SELECT account AS "account!: Account"
        FROM known
        WHERE account IS NOT NULL
        "#,
    )
    .fetch_all(db)
    .await?;
    Ok(accounts)
}
