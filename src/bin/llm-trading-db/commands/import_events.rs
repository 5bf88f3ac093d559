//! `import-events`: execution events from a file with one JSON object a line, all or nothing.

use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    mem,
    path::{Path, PathBuf},
};

use anyhow::{Result, anyhow, bail};
use checked_pg::document::no_number;
use chrono::{DateTime, Datelike, NaiveDateTime};
use llm_trading_db::{
    adopt,
    db::{Db, Tx},
    documents::Event,
    error::Error,
    repo::events::{self, NewEvent},
    service::journal::{self, Doubts},
    types::{Account, EventId, EventType, Timestamp, WeekId},
};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

use super::count;
use crate::{
    input::{self, Chunks, Lines, Send},
    output,
};

/// Longest line in bytes.
const LONGEST_LINE: usize = 1024 * 1024;
/// Events per statement, and bytes of them.
const CHUNK: usize = 5_000;
const CHUNK_BYTES: usize = 8 * 1024 * 1024;
/// Findings that are told one by one.
const TOLD: usize = 5;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Each line is an object with account, week_id, event_type, event_data and occurred_at. \
An event is known by all five: importing it again adds nothing. Where the source has a key of its own for each event, as a broker has \
for each fill, give it as source_id: an event is then known by its account and that key, and two equal fills of one second are two. \
The id that `events` shows may be given as well."
)]
pub(crate) struct Args {
    /// File of JSON lines
    file: PathBuf,
    /// Takes prices that are a thousand times another one of the same trade, or a thousandth
    #[arg(long)]
    force: bool,
}

/// What an import did.
#[derive(Default)]
struct Imported {
    read: u64,
    new: u64,
    /// Lines that say what an earlier one says.
    repeated: u64,
    /// The lines of entries and exits, and the weeks of those that may be new.
    lines: HashMap<EventId, u64>,
    weeks: BTreeSet<(Account, WeekId)>,
}

pub(crate) async fn run(db: &Db, args: &Args) -> Result<()> {
    let path = args.file.as_path();
    let (imported, doubts) = db
        .transaction_with(
            input::transaction_over(path),
            async |tx| -> Result<(Imported, Doubts)> {
                let imported = append(&mut *tx, path).await?;
                let doubts = imported.doubts(tx).await?;
                if !args.force {
                    refuse_far_prices(path, &imported, &doubts)?;
                }
                Ok((imported, doubts))
            },
        )
        .await
        .map_err(|error| about_nothing(path, error))?;
    imported.warn(path, &doubts.exits_without_entry);
    let mut said = format!("{}, {} new", count(imported.read, "event"), imported.new);
    if imported.repeated > 0 {
        let lines = match imported.repeated {
            1 => "1 line repeats another one".to_owned(),
            lines => format!("{lines} lines repeat another one"),
        };
        said = format!("{said}\n{lines}; two equal events need a source_id each to be two");
    }
    output::text(&said)
}

/// Says of a correction that there is nothing for it to correct.
fn about_nothing(path: &Path, error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref() {
        Some(Error::Conflict { constraint, .. })
            if constraint == "execution_events_corrects_fkey" =>
        {
            anyhow!(
                "nothing was stored: {}: a VOID or a CORRECTION is about an event that is neither in the file nor in the journal",
                path.display()
            )
        }
        _ => error,
    }
}

/// Appends all events of a file.
async fn append(tx: &mut Tx, path: &Path) -> Result<Imported> {
    let mut chunks = Chunks::read(path, read);
    let mut done = Imported::default();
    while let Some(chunk) = chunks.next().await? {
        done.read += chunk.len() as u64;
        let lines = chunk.len();
        let mut fresh: Vec<(u64, NewEvent)> = Vec::with_capacity(lines);
        fresh.extend(
            chunk
                .into_iter()
                .filter_map(|read| Some((read.line, read.event?))),
        );
        done.repeated += (lines - fresh.len()) as u64;
        for (line, event) in &fresh {
            if matches!(*event.event_data, Event::Entry(_) | Event::Exit(_)) {
                done.lines.insert(event.id, *line);
            }
        }
        let mut events: Vec<NewEvent> = fresh.into_iter().map(|(_, event)| event).collect();
        // Whoever wrote it took another id for it; it is the same event.
        let known = events::known(&mut *tx, &events).await?;
        events.retain(|event| !known.contains(&event.id));
        done.new += events::append_many(&mut *tx, &events)
            .await
            .map_err(input::nothing_stored)?;
        let trades = events
            .iter()
            .filter(|event| done.lines.contains_key(&event.id));
        done.weeks
            .extend(trades.map(|event| (event.account, event.week_id)));
    }
    Ok(done)
}

impl Imported {
    /// What is probably wrong with the trades of the file.
    async fn doubts(&self, tx: &mut Tx) -> Result<Doubts> {
        let weeks: Vec<(Account, WeekId)> = self.weeks.iter().copied().collect();
        let mut all = Doubts::default();
        for part in weeks.chunks(CHUNK) {
            let part = journal::doubts(&mut *tx, part).await?;
            all.exits_without_entry.extend(part.exits_without_entry);
            all.far_prices.extend(part.far_prices);
        }
        all.exits_without_entry
            .retain(|id| self.lines.contains_key(id));
        all.far_prices.retain(|far| {
            self.lines.contains_key(&far.id) || self.lines.contains_key(&far.first_id)
        });
        Ok(all)
    }

    /// Where an event is, in words.
    fn place(&self, id: EventId) -> String {
        match self.lines.get(&id) {
            Some(line) => format!("line {line}"),
            None => format!("event {id}"),
        }
    }

    fn warn(&self, path: &Path, exits: &[EventId]) {
        let mut lines: Vec<u64> = exits
            .iter()
            .filter_map(|id| self.lines.get(id).copied())
            .collect();
        lines.sort_unstable();
        for line in lines.iter().take(TOLD) {
            crate::say(&format!(
                "warning: {}, line {line}: an EXIT without an ENTRY before it in its week counts for nothing",
                path.display()
            ));
        }
        if let more @ 1.. = lines.len().saturating_sub(TOLD) {
            crate::say(&format!("warning: {more} more of these"));
        }
    }
}

/// A price a thousand times another one is a slip of a decimal point, or another instrument.
fn refuse_far_prices(path: &Path, imported: &Imported, doubts: &Doubts) -> Result<()> {
    let Some(far) = doubts.far_prices.first() else {
        return Ok(());
    };
    let more = match doubts.far_prices.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    bail!(
        "nothing was stored: {}, {}: the price {} is a thousand times that of the same trade in {}, {}, or a thousandth{more}; \
         --force takes it all the same",
        path.display(),
        imported.place(far.id),
        far.price,
        imported.place(far.first_id),
        far.first_price,
    )
}

/// An event of a file.
struct Read {
    line: u64,
    /// None if an earlier line says the same.
    event: Option<NewEvent>,
}

/// Reads all events of a file.
fn read(path: &Path, send: Send<'_, Read>) -> Result<()> {
    let mut lines = Lines::open(path, LONGEST_LINE)?;
    let (mut chunk, mut bytes) = (Vec::new(), 0);
    let mut seen = HashMap::new();
    while lines.advance()? {
        let line = lines.line()?;
        bytes += line.len();
        let Parsed { event, content } =
            parse(line).map_err(|Fault { field, why }| match field {
                Some(field) => lines.fault_in(&field, &why),
                None => lines.fault(&why),
            })?;
        let number = lines.number();
        let event = match seen.entry(event.id) {
            Entry::Vacant(first) => {
                first.insert((number, content));
                Some(event)
            }
            Entry::Occupied(first) if first.get().1 == content => None,
            Entry::Occupied(first) => {
                let why = format!("is that of line {}, which has other content", first.get().0);
                return Err(lines.fault_in("id or source_id", &why));
            }
        };
        chunk.push(Read {
            line: number,
            event,
        });
        if chunk.len() == CHUNK || bytes >= CHUNK_BYTES {
            bytes = 0;
            send(mem::take(&mut chunk))?;
        }
    }
    send(chunk)
}

/// A line of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    id: Option<EventId>,
    source_id: Option<String>,
    account: Account,
    week_id: WeekId,
    event_type: EventType,
    #[serde(borrow)]
    event_data: &'a RawValue,
    occurred_at: String,
}

/// What is wrong with a line, and in which field if in one.
#[derive(Debug)]
struct Fault {
    field: Option<String>,
    why: String,
}

impl Fault {
    fn new(field: impl ToString, why: impl ToString) -> Self {
        Self {
            field: Some(field.to_string()),
            why: why.to_string(),
        }
    }
}

/// An event, and what its content alone would be known by.
#[derive(Debug)]
struct Parsed {
    event: NewEvent,
    content: EventId,
}

fn parse(json: &str) -> Result<Parsed, Fault> {
    let line = parse_line(json)?;
    let with_source;
    let data = match &line.source_id {
        None => line.event_data,
        Some(source_id) => {
            with_source = with_source_id(line.event_data, source_id)?;
            &*with_source
        }
    };
    let event_data = Event::from_parts(line.event_type, data)
        .map_err(|invalid| Fault::new(invalid.field, invalid.why))?;
    let occurred_at = instant(&line.occurred_at).map_err(|why| Fault::new("occurred_at", why))?;
    let content = content(&line, data, occurred_at)?;
    let id = match (line.id, &line.source_id) {
        (None, None) => content,
        (Some(id), None) => id,
        (None, Some(source)) => EventId::from_key(&format!("{} {source}", line.account)),
        (Some(_), Some(_)) => {
            return Err(Fault::new(
                "id",
                "is given beside source_id: give one of them",
            ));
        }
    };
    Ok(Parsed {
        content,
        event: NewEvent {
            id,
            week_id: line.week_id,
            account: line.account,
            event_data,
            occurred_at,
        },
    })
}

/// The document with the key of the source in it, so that whoever reads the journal can find the event there.
fn with_source_id(data: &RawValue, source_id: &str) -> Result<Box<RawValue>, Fault> {
    const FIELD: &str = "source_id";
    const LONGEST: usize = 200;
    if source_id.trim().is_empty() || source_id.len() > LONGEST {
        return Err(Fault::new(
            FIELD,
            format!("must be one to {LONGEST} bytes, not all blank"),
        ));
    }
    let mut body: std::collections::BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(data.get())
            .map_err(|_| Fault::new("event_document", "must be a JSON object"))?;
    let text = to_raw_value(source_id).map_err(|error| fault("", FIELD, &error))?;
    if let Some(inner) = body.insert(FIELD.to_owned(), text.clone())
        && inner.get() != text.get()
    {
        return Err(Fault::new(FIELD, "is another one inside of event_data"));
    }
    to_raw_value(&body).map_err(|error| fault("", FIELD, &error))
}

fn parse_line(json: &str) -> Result<Line<'_>, Fault> {
    // serde would take an array for the fields in their order.
    if !json.trim_start().starts_with('{') {
        let why = "is not one JSON object".to_owned();
        return Err(Fault { field: None, why });
    }
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let line = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| fault(json, &error.path().to_string(), error.inner()))?;
    deserializer
        .end()
        .map_err(|error| fault(json, ".", &error))?;
    Ok(line)
}

/// What serde says, with the field, and without its line, which is always the first.
fn fault(json: &str, path: &str, error: &serde_json::Error) -> Fault {
    let message = error.to_string();
    let why = message
        .rsplit_once(" at line ")
        .map_or(message.as_str(), |(why, _)| why);
    if let Some(why) = error.is_syntax().then(|| no_number(json)).flatten() {
        return Fault { field: None, why };
    }
    if error.is_syntax() || error.is_eof() {
        let why = format!("is not one JSON object: {why} at column {}", error.column());
        return Fault { field: None, why };
    }
    match why.strip_prefix(&format!("{path}: ")) {
        Some(why) => Fault::new(path, why),
        None if path == "." => Fault {
            field: None,
            why: format!("does not fit: {why}"),
        },
        None => Fault::new(path, why),
    }
}

fn instant(text: &str) -> Result<Timestamp, &'static str> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        let instant = Timestamp::from(instant.to_utc());
        return match instant.year() {
            1..=9999 => Ok(instant),
            _ => Err("must be in the years 1 to 9999, UTC"),
        };
    }
    if text.parse::<NaiveDateTime>().is_ok() {
        return Err("has no offset from UTC: end it with Z, or with one such as -05:00");
    }
    Err("must be an instant, such as 2026-01-07T14:30:00Z")
}

/// What makes an event this event, where it has no key of its own.
fn content(line: &Line<'_>, data: &RawValue, occurred_at: Timestamp) -> Result<EventId, Fault> {
    let data = serde_json::from_str(data.get())
        .map_err(|error| fault(data.get(), "event_data", &error))?;
    let (account, week) = (line.account.to_string(), line.week_id.to_string());
    let event_type = line.event_type.to_string();
    Ok(adopt::content_key(
        &account,
        &week,
        &event_type,
        occurred_at,
        data,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(data: &str, occurred_at: &str) -> String {
        format!(
            r#"{{"account":"GROQ","week_id":"2026-01-07","event_type":"NOTE","event_data":{data},"occurred_at":"{occurred_at}"}}"#
        )
    }

    #[test]
    fn an_event_is_known_by_what_it_says() {
        let id = |data, at| parse(&line(data, at)).unwrap().event.id;
        let first = id(r#"{"a":1,"b":{"c":2,"d":3}}"#, "2026-01-07T14:30:00Z");
        assert_eq!(
            first,
            id(
                r#"{ "b": {"d":3, "c":2}, "a":1 }"#,
                "2026-01-07T09:30:00.0-05:00"
            )
        );
        let exported = r#"{"event_type":"NOTE","a":1,"b":{"c":2,"d":3}}"#;
        assert_eq!(first, id(exported, "2026-01-07T14:30:00Z"));
        assert_ne!(
            first,
            id(r#"{"a":1,"b":{"c":2,"d":4}}"#, "2026-01-07T14:30:00Z")
        );
        assert_ne!(
            first,
            id(
                r#"{"a":1,"b":{"c":2,"d":3}}"#,
                "2026-01-07T14:30:00.000001Z"
            )
        );
    }

    #[test]
    fn each_fault_names_its_field() {
        let good = line("{}", "2026-01-07T14:30:00Z");
        let cases = [
            (
                good.replace("2026-01-07\",\"event", "2026-01-08\",\"event"),
                Some("week_id"),
                "is a Thursday",
            ),
            (good.replace("00Z", "00"), Some("occurred_at"), "no offset"),
            (
                good.replace("2026-01-07T", ""),
                Some("occurred_at"),
                "must be an instant",
            ),
            (
                good.replace("GROQ", "groq"),
                Some("account"),
                "one to twenty",
            ),
            (
                good.replace("{}", "[]"),
                Some("event_document"),
                "must be a JSON object",
            ),
            (
                good.replace("NOTE", "EXIT"),
                Some("event_document"),
                "price",
            ),
            (
                good.replace("{\"account", "{\"more\":1,\"account"),
                Some("more"),
                "unknown field",
            ),
            (
                good.replace("\"account\":\"GROQ\",", ""),
                None,
                "missing field `account`",
            ),
            (good[..40].to_owned(), None, "is not one JSON object"),
            (format!("{good} {good}"), None, "is not one JSON object"),
            ("7".to_owned(), None, "is not one JSON object"),
        ];
        for (json, field, why) in cases {
            let fault = parse(&json).unwrap_err();
            assert_eq!(fault.field.as_deref(), field, "{json}: {fault:?}");
            assert!(fault.why.contains(why), "{json}: {fault:?}");
        }
    }
}
