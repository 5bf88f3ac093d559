//! `import-events`

use std::{collections::HashSet, path::Path};

use anyhow::{Context, Result, anyhow, ensure};
use chrono::{DateTime, Utc};
use llm_trading_db::{
    db::Db,
    documents::EventDocument,
    repo::events::{self, NewEvent},
    types::{Account, EventId, EventType, Invalid, WeekId},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::PgConnection;

use crate::{lines::Lines, output::print};

const LONGEST_LINE: usize = 1024 * 1024;
const CHUNK: usize = 1_000;

/// One line of the file. All text first: what is wrong with a value is said by its type, not by serde.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    account: String,
    week_id: String,
    event_type: String,
    #[serde(borrow)]
    event_data: &'a RawValue,
    occurred_at: String,
}

pub async fn run(db: &Db, path: &Path) -> Result<()> {
    let (lines, new) = db
        .transaction(async |tx| import(tx, path).await)
        .await
        .with_context(|| format!("{}: nothing was stored", path.display()))?;
    print(format_args!("{lines} events, {new} new"))
}

async fn import(tx: &mut PgConnection, path: &Path) -> Result<(u64, u64)> {
    let mut lines = Lines::open(path, LONGEST_LINE)?;
    let (mut count, mut new) = (0, 0);
    let mut seen = HashSet::new();
    let mut chunk = Vec::with_capacity(CHUNK);
    loop {
        let line = lines.next()?;
        let end = line.is_none();
        if let Some((number, line)) = line.filter(|(_, line)| !line.trim().is_empty()) {
            let event = event(line).with_context(|| format!("line {number}"))?;
            count += 1;
            if seen.insert(event.id) {
                chunk.push(event);
            }
        }
        if end || chunk.len() == CHUNK {
            new += events::append_many(&mut *tx, &chunk).await?;
            chunk.clear();
        }
        if end {
            return Ok((count, new));
        }
    }
}

fn event(line: &str) -> Result<NewEvent> {
    let line: Line<'_> = serde_json::from_str(line).map_err(|error| anyhow!(shape(&error)))?;
    let account: Account = line.account.parse().map_err(named("account"))?;
    let week_id: WeekId = line.week_id.parse().map_err(named("week_id"))?;
    let event_type: EventType = line.event_type.parse().map_err(named("event_type"))?;
    let occurred_at = DateTime::parse_from_rfc3339(&line.occurred_at)
        .map_err(|_| {
            anyhow!("occurred_at: must be a time with its offset, such as 2026-01-07T14:30:00Z")
        })?
        .with_timezone(&Utc);
    ensure!(
        line.event_data.get().starts_with('{'),
        "event_data: must be a JSON object"
    );
    let event_data =
        EventDocument::from_parts(event_type, line.event_data).map_err(named("event_data"))?;
    // The same event has the same text, whatever order and spaces its line has.
    let key = format!(
        "{account}|{week_id}|{occurred_at:?}|{}",
        serde_json::to_string(&event_data)?
    );
    Ok(NewEvent {
        id: EventId::from_key(&key),
        week_id,
        account,
        event_data,
        occurred_at,
    })
}

fn named(field: &'static str) -> impl Fn(Invalid) -> anyhow::Error {
    move |invalid| match invalid.field.split_once('.') {
        Some((_, path)) => anyhow!("{field}.{path}: {}", invalid.why),
        None => anyhow!("{field}: {}", invalid.why),
    }
}

/// What is wrong with the line as JSON, without repeating its values.
fn shape(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    match message.find("expected ") {
        Some(at) => format!("column {}: {}", error.column(), &message[at..]),
        None => format!("column {}: {message}", error.column()),
    }
}
