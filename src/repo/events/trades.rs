use sqlx::PgExecutor;

use crate::{
    documents::{self, Content},
    error::Result,
    types::{Account, EventId, Invalid, Timestamp, WeekId},
};

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
    pub occurred_at: Timestamp,
}

/// The entries and exits of all accounts, by account, by week, then by time, an entry before an exit of the same instant: what
/// performance is made of. A document that cannot be read does not hide the others.
#[tracing::instrument(name = "db.events.trades", skip_all, err(level = "debug"))]
pub async fn trades(db: impl PgExecutor<'_>) -> Result<Vec<TradeEvent>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT id, week_id, account, event_data::text AS "event_data!", occurred_at
        FROM execution_events AS event
        WHERE event_type IN ('ENTRY', 'EXIT', 'CORRECTION')
          AND NOT EXISTS (SELECT FROM execution_events AS later WHERE later.corrects = event.id)
        "#,
    )
    .fetch_all(db)
    .await?;
    Ok(in_order(rows))
}

/// The entries and exits of these accounts and weeks; else as [`trades`].
#[tracing::instrument(name = "db.events.trades_of", skip_all, fields(weeks = weeks.len()), err(level = "debug"))]
pub async fn trades_of(
    db: impl PgExecutor<'_>,
    weeks: &[(Account, WeekId)],
) -> Result<Vec<TradeEvent>> {
    let (account, week): (Vec<Account>, Vec<WeekId>) = weeks.iter().copied().unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT event.id, event.week_id, event.account, event.event_data::text AS "event_data!", event.occurred_at
        FROM (
            SELECT DISTINCT given.account, given.week_id
            FROM UNNEST($1::account[], $2::week_id[]) AS given (account, week_id)
        ) AS asked
        JOIN execution_events AS event ON event.account = asked.account AND event.week_id = asked.week_id
        WHERE event.event_type IN ('ENTRY', 'EXIT', 'CORRECTION')
          AND NOT EXISTS (SELECT FROM execution_events AS later WHERE later.corrects = event.id)
        "#,
        &account[..],
        &week[..],
    )
    .fetch_all(db)
    .await?;
    Ok(in_order(rows))
}

/// The entries and exits of an account; else as [`trades`].
#[tracing::instrument(name = "db.events.trades_of_account", skip_all, fields(%account), err(level = "debug"))]
pub async fn trades_of_account(
    db: impl PgExecutor<'_>,
    account: Account,
) -> Result<Vec<TradeEvent>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT id, week_id, account, event_data::text AS "event_data!", occurred_at
        FROM execution_events AS event
        WHERE account = $1::account
          AND event_type IN ('ENTRY', 'EXIT', 'CORRECTION')
          AND NOT EXISTS (SELECT FROM execution_events AS later WHERE later.corrects = event.id)
        "#,
        account,
    )
    .fetch_all(db)
    .await?;
    Ok(in_order(rows))
}

/// A row of the journal, its document as text.
struct Row {
    id: EventId,
    week_id: WeekId,
    account: Account,
    event_data: String,
    occurred_at: Timestamp,
}

fn in_order(rows: Vec<Row>) -> Vec<TradeEvent> {
    let trades = rows
        .into_iter()
        .map(|row| TradeEvent {
            id: row.id,
            week_id: row.week_id,
            account: row.account,
            event: as_counted(&row.event_data),
            occurred_at: row.occurred_at,
        })
        .collect();
    sorted(trades)
}

/// By account, by week, then by time, an entry before an exit of the same instant.
pub(crate) fn sorted(mut trades: Vec<TradeEvent>) -> Vec<TradeEvent> {
    let is_exit = |trade: &TradeEvent| matches!(trade.event, Ok(documents::Event::Exit(_)));
    trades.sort_by_key(|trade| {
        let time = (trade.occurred_at, is_exit(trade), trade.id);
        (trade.account, trade.week_id, time)
    });
    trades
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
