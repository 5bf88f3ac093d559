//! `import-events`: execution events from a file with one JSON object a line, all or nothing.

use std::{
    collections::HashSet,
    mem,
    path::{Path, PathBuf},
};

use anyhow::Result;
use chrono::{DateTime, Datelike, NaiveDateTime, SubsecRound, Utc};
use llm_trading_db::{
    adopt,
    db::Db,
    documents::Event,
    repo::events::{self, NewEvent},
    types::{Account, EventId, EventType, WeekId},
};
use serde::Deserialize;
use serde_json::value::RawValue;

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
/// Digits of a second that PostgreSQL keeps.
const MICROSECONDS: u16 = 6;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Each line is an object with account, week_id, event_type, event_data and occurred_at. \
An event is known by all five: importing it again adds nothing."
)]
pub(crate) struct Args {
    /// File of JSON lines
    file: PathBuf,
}

pub(crate) async fn run(db: &Db, args: &Args) -> Result<()> {
    let path = args.file.as_path();
    let (read, new) = db
        .transaction_with(
            input::transaction_over(path),
            async |tx| -> Result<(u64, u64)> {
                let mut chunks = Chunks::read(path, read);
                // The same event twice in a file is one event.
                let mut seen = HashSet::new();
                let (mut read, mut new) = (0, 0);
                while let Some(mut chunk) = chunks.next().await? {
                    read += chunk.len() as u64;
                    chunk.retain(|event| seen.insert(event.id));
                    // Whoever wrote it took another id for it; it is the same event.
                    let known = events::known(&mut *tx, &chunk).await?;
                    chunk.retain(|event| !known.contains(&event.id));
                    new += events::append_many(&mut *tx, &chunk)
                        .await
                        .map_err(input::nothing_stored)?;
                }
                Ok((read, new))
            },
        )
        .await?;
    output::text(&format!("{}, {new} new", count(read, "event")))
}

/// Reads all events of a file.
fn read(path: &Path, send: Send<'_, NewEvent>) -> Result<()> {
    let mut lines = Lines::open(path, LONGEST_LINE)?;
    let (mut chunk, mut bytes) = (Vec::new(), 0);
    while lines.advance()? {
        let line = lines.line()?;
        bytes += line.len();
        chunk.push(parse(line).map_err(|Fault { field, why }| match field {
            Some(field) => lines.fault_in(&field, &why),
            None => lines.fault(&why),
        })?);
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

fn parse(json: &str) -> Result<NewEvent, Fault> {
    let line = parse_line(json)?;
    let event_data = Event::from_parts(line.event_type, line.event_data)
        .map_err(|invalid| Fault::new(invalid.field, invalid.why))?;
    let occurred_at = instant(&line.occurred_at).map_err(|why| Fault::new("occurred_at", why))?;
    Ok(NewEvent {
        id: id(&line, occurred_at)?,
        week_id: line.week_id,
        account: line.account,
        event_data,
        occurred_at,
    })
}

fn parse_line(json: &str) -> Result<Line<'_>, Fault> {
    // serde would take an array for the fields in their order.
    if !json.trim_start().starts_with('{') {
        let why = "is not one JSON object".to_owned();
        return Err(Fault { field: None, why });
    }
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let line = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| fault(&error.path().to_string(), error.inner()))?;
    deserializer.end().map_err(|error| fault(".", &error))?;
    Ok(line)
}

/// What serde says, with the field, and without its line, which is always the first.
fn fault(path: &str, error: &serde_json::Error) -> Fault {
    let message = error.to_string();
    let why = message
        .rsplit_once(" at line ")
        .map_or(message.as_str(), |(why, _)| why);
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

/// An instant to the microsecond, which is what is stored.
fn instant(text: &str) -> Result<DateTime<Utc>, &'static str> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        let instant = instant.with_timezone(&Utc).trunc_subsecs(MICROSECONDS);
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

/// What makes an event this event.
fn id(line: &Line<'_>, occurred_at: DateTime<Utc>) -> Result<EventId, Fault> {
    let data =
        serde_json::from_str(line.event_data.get()).map_err(|error| fault("event_data", &error))?;
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
        let id = |data, at| parse(&line(data, at)).unwrap().id;
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
