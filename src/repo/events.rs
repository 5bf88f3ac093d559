//! Execution events: the journal of what happened in the accounts (table `execution_events`).
//!
//! An event's id is made from the caller's key ([`EventId::from_key`]), so that appending it again adds nothing. What was
//! recorded wrongly is put right by another event, a [`Void`](documents::Void) or a [`Correction`](documents::Correction), which
//! the journal's service makes; all functions but [`trades`] return the journal as it was written.
//!
//! | function | flights | index |
//! |---|---|---|
//! | [`append`], [`append_many`] | 1 (2 if the event is there already) | primary key |
//! | [`get`] | 1 | primary key |
//! | [`history`] | 1 | `execution_events_account_idx`, `…_week_idx`, `…_type_idx` or `…_occurred_idx` |
//! | [`latest_of_account`], [`known`] | 1 | `execution_events_account_idx` |
//! | [`counts_by_type`] | 1 | `execution_events_week_idx` or `…_account_idx` |
//! | [`trades`], [`corrected_weeks`] | 1 | `execution_events_type_idx`, or whole table |
//! | [`find_correction`] | 1 | `execution_events_corrects_key` |
//! | [`accounts`] | 1 | `execution_events_account_idx` |

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use sqlx_conditional_queries::conditional_query_as;

use super::batch::{columns, sorted};
use crate::{
    db::Tx,
    documents::{self, Content, EventDocument},
    error::{Error, Result},
    types::{Account, EventId, EventType, Invalid, WeekId},
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
    pub occurred_at: DateTime<Utc>,
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
    pub occurred_at: DateTime<Utc>,
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
    pub occurred_at: DateTime<Utc>,
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

/// Appends an event; says whether it was new. An event that is there already with the same content adds nothing.
///
/// # Errors
/// [`Error::Invalid`] if the id is taken by an event of other content.
#[tracing::instrument(name = "db.events.append", skip_all, fields(id = %event.id), err(level = "debug"))]
pub async fn append(tx: &mut Tx, event: &NewEvent) -> Result<bool> {
    let added = append_many(&mut *tx, std::slice::from_ref(event)).await?;
    if added == 1 {
        return Ok(true);
    }
    let stored = get(tx, event.id).await?;
    // The server keeps time in microseconds.
    let same_time = (stored.occurred_at - event.occurred_at).num_microseconds() == Some(0);
    let same = (stored.week_id, stored.account) == (event.week_id, event.account)
        && same_time
        && stored.event_data == event.event_data;
    if same {
        Ok(false)
    } else {
        Err(Invalid::new(
            "id",
            format!(
                "event {} is stored with other content; give this one a key of its own",
                event.id
            ),
        )
        .into())
    }
}

/// Appends events and says how many were new; those whose id is there already are left as they are. One statement, all or
/// nothing.
///
/// # Errors
/// [`Error::Invalid`] lists the ids given twice.
#[tracing::instrument(name = "db.events.append_many", skip_all, fields(rows = events.len()), err(level = "debug"))]
pub async fn append_many(db: impl PgExecutor<'_>, events: &[NewEvent]) -> Result<u64> {
    if events.is_empty() {
        return Ok(0);
    }
    let rows = sorted("events", events, |event| event.id)?;
    columns!(rows => id, week_id, account, event_data, occurred_at);
    let appended = sqlx::query!(
        r#"
        INSERT INTO execution_events (id, week_id, account, event_data, occurred_at)
        SELECT * FROM UNNEST($1::event_id[], $2::week_id[], $3::account[], $4::event_document[], $5::timestamptz[])
        ON CONFLICT (id) DO NOTHING
        "#,
        &id[..],
        &week_id[..],
        &account[..],
        &event_data[..],
        &occurred_at[..],
    )
    .execute(db)
    .await?;
    Ok(appended.rows_affected())
}

/// The ids of those events that are stored already with the same content under another id, as by a program of the Python layer,
/// which took an id at random.
#[tracing::instrument(name = "db.events.known", skip_all, fields(rows = events.len()), err(level = "debug"))]
pub async fn known(db: impl PgExecutor<'_>, events: &[NewEvent]) -> Result<HashSet<EventId>> {
    if events.is_empty() {
        return Ok(HashSet::new());
    }
    columns!(events => id, week_id, account, event_data, occurred_at);
    let known = sqlx::query_scalar!(
        r#"
        SELECT new.place AS "place!"
        FROM UNNEST($1::event_id[], $2::week_id[], $3::account[], $4::event_document[], $5::timestamptz[])
            WITH ORDINALITY AS new (id, week_id, account, event_data, occurred_at, place)
        WHERE EXISTS (
            SELECT
            FROM execution_events AS stored
            WHERE stored.account = new.account
              AND stored.occurred_at = new.occurred_at
              AND stored.week_id = new.week_id
              AND stored.event_data = new.event_data
              AND stored.id <> new.id
        )
        "#,
        &id[..],
        &week_id[..],
        &account[..],
        &event_data[..],
        &occurred_at[..],
    )
    .fetch_all(db)
    .await?;
    let known: HashSet<i64> = known.into_iter().collect();
    let places = (1..).zip(events);
    Ok(places
        .filter(|(place, _)| known.contains(place))
        .map(|(_, event)| event.id)
        .collect())
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

/// An entry or an exit that counts: neither voided nor replaced by a later correction.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TradeEvent {
    /// Id of the event, or of the correction that counts in its place.
    pub id: EventId,
    /// Week of the trade.
    pub week_id: WeekId,
    /// Account it happened in.
    pub account: Account,
    /// The [`Entry`](documents::Event::Entry) or [`Exit`](documents::Event::Exit); or why the stored document cannot be read.
    pub event: Result<documents::Event, Invalid>,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
}

/// The entries and exits of all accounts, by account, by week, then by time, an entry before an exit of the same instant: what
/// performance is made of. A document that cannot be read does not hide the others.
#[tracing::instrument(name = "db.events.trades", skip_all, err(level = "debug"))]
pub async fn trades(db: impl PgExecutor<'_>) -> Result<Vec<TradeEvent>> {
    let rows = sqlx::query!(
        r#"
        SELECT id, week_id, account, event_data::text AS "event_data!", occurred_at
        FROM execution_events AS event
        WHERE event_type IN ('ENTRY', 'EXIT', 'CORRECTION')
          AND NOT EXISTS (SELECT FROM execution_events AS later WHERE later.corrects = event.id)
        "#,
    )
    .fetch_all(db)
    .await?;
    let mut trades: Vec<TradeEvent> = rows
        .into_iter()
        .map(|row| TradeEvent {
            id: row.id,
            week_id: row.week_id,
            account: row.account,
            event: as_counted(&row.event_data),
            occurred_at: row.occurred_at,
        })
        .collect();
    let is_exit = |trade: &TradeEvent| matches!(trade.event, Ok(documents::Event::Exit(_)));
    trades.sort_by_key(|trade| {
        let time = (trade.occurred_at, is_exit(trade), trade.id);
        (trade.account, trade.week_id, time)
    });
    Ok(trades)
}

/// What a document of the journal says that happened.
fn as_counted(json: &str) -> Result<documents::Event, Invalid> {
    let event = documents::Event::parse(json)?;
    Ok(match event {
        documents::Event::Correction(correction) => *correction.event,
        event => event,
    })
}

/// The accounts and weeks of events that were voided or replaced, in order.
#[tracing::instrument(name = "db.events.corrected_weeks", skip_all, err(level = "debug"))]
pub async fn corrected_weeks(db: impl PgExecutor<'_>) -> Result<Vec<(Account, WeekId)>> {
    let weeks = sqlx::query!(
        r#"
        SELECT DISTINCT old.account, old.week_id
        FROM execution_events AS new
        JOIN execution_events AS old ON old.id = new.corrects
        WHERE new.event_type IN ('VOID', 'CORRECTION')
        ORDER BY old.account, old.week_id
        "#,
    )
    .fetch_all(db)
    .await?;
    Ok(weeks
        .into_iter()
        .map(|row| (row.account, row.week_id))
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
