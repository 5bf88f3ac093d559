//! `events`, `void-event` and `correct-event`: the journal, and what puts it right.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use checked_pg::document::no_number;
use llm_trading_db::{
    db::Db,
    documents::{Event, EventDocument},
    error::Error,
    repo::{
        events::{self, Filter, StoredEvent},
        rows::{Misfit, Replay, readable},
    },
    service::journal::{self, Instead},
    types::{Account, EventId, EventType, Timestamp, WeekId},
};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{all_read, far_prices, now};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// Only events of this account
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<Account>,

    /// Only events of this week, named by its Wednesday
    #[arg(long, value_name = "DATE")]
    week: Option<WeekId>,

    /// Only events of this type
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<EventType>,

    /// At most so many, the newest
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,

    /// All of them
    #[arg(long, conflicts_with = "limit")]
    all: bool,

    /// Shows JSON instead of a table: an event a line, in the form that `import-events` takes
    #[arg(long)]
    json: bool,
}

/// An event as JSON, in the form that `import-events` takes.
#[derive(Serialize)]
struct Row<'a> {
    id: EventId,
    account: Account,
    week_id: WeekId,
    event_type: EventType,
    event_data: &'a EventDocument,
    occurred_at: Timestamp,
}

/// Events read at once.
const PAGE: u32 = 5_000;

pub(crate) async fn list(db: &Db, args: &List) -> Result<()> {
    let mut table = output::table(&["id", "occurred at", "account", "week", "type", "what"], 6);
    let misfits = pages(db, args, |found: &[StoredEvent]| {
        if args.json {
            return lines(found);
        }
        for event in found {
            table.add_row([
                event.id.to_string(),
                event.occurred_at.to_string(),
                event.account.to_string(),
                event.week_id.to_string(),
                event.event_type.to_string(),
                in_words(&event.event_data),
            ]);
        }
        Ok(())
    })
    .await?;
    if !args.json {
        output::text(&table.to_string())?;
    }
    all_read(&misfits)
}

/// Reads the events page by page, and gives where those do not fit that cannot be read.
async fn pages(
    db: &Db,
    args: &List,
    mut show: impl FnMut(&[StoredEvent]) -> Result<()>,
) -> Result<Vec<Misfit>> {
    let filter = Filter {
        account: args.account,
        week: args.week,
        event_type: args.event_type,
    };
    let mut left = if args.all { u32::MAX } else { args.limit };
    let mut after = None;
    while left > 0 {
        let size = left.min(PAGE);
        let list = |replay: Replay| events::history(replay, &filter, after, size);
        let page = readable(db, list).await?;
        if !page.misfits.is_empty() {
            // All that is left at once: where the next page begins, a row that cannot be read does not tell.
            let list = |replay: Replay| events::history(replay, &filter, after, left);
            let rest = readable(db, list).await?;
            show(&rest.rows)?;
            return Ok(rest.misfits);
        }
        show(&page.rows)?;
        let Some(last) = page.rows.last() else { break };
        after = Some(last.cursor());
        left -= size;
    }
    Ok(Vec::new())
}

fn lines(found: &[StoredEvent]) -> Result<()> {
    let line = |event| Ok(serde_json::to_string(&Row::from(event))?);
    let lines: Vec<String> = found.iter().map(line).collect::<Result<_>>()?;
    match lines.is_empty() {
        true => Ok(()),
        false => output::text(&lines.join("\n")),
    }
}

fn in_words(event: &Event) -> String {
    match event {
        Event::Entry(entry) => format!("{} at {}", entry.direction, entry.price),
        Event::Exit(exit) => format!("at {}", exit.price),
        Event::Void(void) => format!("voids {}", void.event_id),
        Event::Correction(correction) => format!(
            "{} {}, in the place of {}",
            correction.event.event_type(),
            in_words(&correction.event),
            correction.event_id
        ),
        _ => String::new(),
    }
}

impl<'a> From<&'a StoredEvent> for Row<'a> {
    fn from(event: &'a StoredEvent) -> Self {
        Self {
            id: event.id,
            account: event.account,
            week_id: event.week_id,
            event_type: event.event_type,
            event_data: &event.event_data,
            occurred_at: event.occurred_at,
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct VoidArgs {
    /// Id of the event, as `events` and `performance` show it
    id: EventId,

    /// Why, for whoever reads the journal later
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub(crate) async fn void(db: &Db, args: &VoidArgs) -> Result<()> {
    let voided = journal::void(db, args.id, &args.reason, now()).await?;
    output::text(&format!("{} is voided, by event {voided}", args.id))
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "What is not given is as in the event, so that `--price` alone corrects a price. Run `performance` afterwards."
)]
pub(crate) struct CorrectArgs {
    /// Id of the event, as `events` and `performance` show it
    id: EventId,

    /// Why, for whoever reads the journal later
    #[arg(long, value_name = "TEXT")]
    reason: String,

    /// Price that is right
    #[arg(long, value_name = "PRICE", allow_negative_numbers = true, value_parser = price)]
    price: Option<Decimal>,

    /// Week that is right, named by its Wednesday
    #[arg(long, value_name = "DATE")]
    week: Option<WeekId>,

    /// Account that is right
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<Account>,

    /// Instant that is right, such as 2026-01-07T14:30:00Z
    #[arg(long, value_name = "INSTANT")]
    occurred_at: Option<Timestamp>,

    /// Type that is right: ENTRY or EXIT
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<EventType>,

    /// All that is right, as a JSON object, such as {"price":101.5,"direction":"LONG","conviction":1}
    #[arg(long, value_name = "JSON", conflicts_with = "price")]
    event_data: Option<String>,

    /// Takes a price that is a thousand times another one of the same trade, or a thousandth
    #[arg(long)]
    force: bool,
}

/// Whether it is one that a trade may have is for its document to say.
fn price(text: &str) -> Result<Decimal, &'static str> {
    checked_pg::exact::parse(text).ok_or("must be a number of US dollars, such as 101.25")
}

pub(crate) async fn correct(db: &Db, args: &CorrectArgs) -> Result<()> {
    let wrong = events::head(db, args.id).await?;
    let instead = Instead {
        week_id: args.week.unwrap_or(wrong.week_id),
        account: args.account.unwrap_or(wrong.account),
        event: match events::get(db, args.id).await {
            // Nothing of it is kept.
            Err(Error::Decode(_)) if let Some(json) = &args.event_data => {
                let event_type = args.event_type.unwrap_or(wrong.event_type);
                of_type(event_type, json, args.price)?
            }
            event => right(&event?.event_data, args)?,
        },
        occurred_at: args.occurred_at.unwrap_or(wrong.occurred_at),
    };
    let far = far_prices(args.force);
    let correction = journal::correct(db, args.id, &args.reason, &instead, far).await?;
    output::text(&format!("{} is corrected, by event {correction}", args.id))
}

/// The event as it should have been.
fn right(wrong: &Event, args: &CorrectArgs) -> Result<Event> {
    let wrong = match wrong {
        Event::Correction(correction) => &correction.event,
        wrong => wrong,
    };
    // Raw, so that every digit of what is kept stays.
    let json = match &args.event_data {
        Some(json) => json.clone(),
        None => serde_json::to_string(wrong)?,
    };
    let event_type = args.event_type.unwrap_or(wrong.event_type());
    of_type(event_type, &json, args.price)
}

/// An event of this type, at this price if one is given.
fn of_type(event_type: EventType, json: &str, price: Option<Decimal>) -> Result<Event> {
    let mut body: BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(json).map_err(|error| {
            let why = no_number(json).unwrap_or_else(|| error.to_string());
            anyhow!("--event-data must be a JSON object: {why}")
        })?;
    body.remove("event_type");
    if let Some(price) = price {
        body.insert(
            "price".to_owned(),
            RawValue::from_string(price.to_string())?,
        );
    }
    Ok(Event::from_parts(event_type, &to_raw_value(&body)?)?.into_inner())
}
