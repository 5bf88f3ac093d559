//! What the program itself has to say about the old rows: which documents it can read, and which ids are made of what.

use chrono::SecondsFormat;
use serde_json::Value;
use uuid::Uuid;

use super::statements::{self, EventParts, Verdict};
use crate::{
    db::Tx,
    documents::{Content, Decision, Event, LogData, Pitch, Research, Review},
    error::Result,
    types::{EventId, OrderId, Timestamp, TradeId},
};

/// Judges all documents but reviews, whose pitches are not settled yet.
pub(super) async fn documents(tx: &mut Tx) -> Result<()> {
    statements::judge(
        tx,
        "research_reports",
        "structured_json",
        verdict::<Research>,
    )
    .await?;
    statements::judge(tx, "pm_pitches", "pitch_data", verdict::<Pitch>).await?;
    statements::judge(
        tx,
        "chairman_decisions",
        "decision_data",
        verdict::<Decision>,
    )
    .await?;
    events(tx).await?;
    statements::judge(tx, "logs", "data", verdict::<LogData>).await
}

/// Judges events; those that got another type must be looked at again.
pub(super) async fn events(tx: &mut Tx) -> Result<()> {
    statements::judge(tx, "execution_events", "event_data", verdict::<Event>).await
}

/// Judges reviews.
pub(super) async fn reviews(tx: &mut Tx) -> Result<()> {
    statements::judge(tx, "peer_reviews", "review_data", verdict::<Review>).await
}

/// What is wrong with a document; none if nothing is. It repeats no value of it.
fn verdict<C: Content>(json: &str) -> Option<Verdict> {
    let (readable, invalid) = match C::parse(json) {
        Err(invalid) => (false, invalid),
        Ok(content) => (true, content.validate().err()?),
    };
    Some(Verdict {
        readable,
        field: invalid.field.into_owned(),
        why: invalid.why.into_owned(),
    })
}

/// Tables whose rows may need a new id.
const TABLES: [&str; 10] = [
    "research_reports",
    "pm_pitches",
    "chairman_decisions",
    "execution_events",
    "fetch_log",
    "users",
    "accounts",
    "logs",
    "account_performance",
    "market_condition_performance",
];

/// Makes the ids of all rows but reviews. The same old row always gets the same id.
pub(super) async fn ids(tx: &mut Tx) -> Result<()> {
    for table in TABLES {
        statements::make_ids(tx, table, id).await?;
    }
    statements::make_event_ids(tx, event_id).await
}

/// Makes the ids of trades.
pub(super) async fn trade_ids(tx: &mut Tx) -> Result<()> {
    statements::make_ids(tx, "trades", id).await
}

/// Makes the ids of orders, as the program makes them.
pub(super) async fn order_ids(tx: &mut Tx) -> Result<()> {
    let made = |trade, attempt| OrderId::of_attempt(TradeId::from_uuid(trade), attempt).as_uuid();
    statements::make_order_ids(tx, made).await
}

/// Makes the ids of reviews.
pub(super) async fn review_ids(tx: &mut Tx) -> Result<()> {
    statements::make_ids(tx, "peer_reviews", id).await
}

fn id(name: &str) -> Uuid {
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, b"llm-trading-db/adopt");
    Uuid::new_v5(&namespace, name.as_bytes())
}

fn event_id(parts: &EventParts) -> Uuid {
    let data = serde_json::from_str(&parts.document).unwrap_or(Value::Null);
    let EventParts {
        account,
        week,
        event_type,
        occurred_at,
        ..
    } = parts;
    content_key(account, week, event_type, *occurred_at, data).as_uuid()
}

/// The id of an event that has no key of its own: what makes it this event is its content. The order of keys and blanks are no part
/// of that. An import of the same event has the same id.
#[must_use]
pub fn content_key(
    account: &str,
    week: &str,
    event_type: &str,
    occurred_at: Timestamp,
    mut data: Value,
) -> EventId {
    // A stored event has its type inside, too: an export comes back as the events it was.
    if let Value::Object(body) = &mut data {
        body.remove("event_type");
    }
    data.sort_all_objects();
    let instant = occurred_at.to_rfc3339_opts(SecondsFormat::Micros, true);
    EventId::from_key(&format!("{account} {week} {event_type} {instant} {data}"))
}
