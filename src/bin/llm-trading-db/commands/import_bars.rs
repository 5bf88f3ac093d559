//! `import-bars`: daily bars from CSV, all or nothing.

use std::{
    borrow::Cow,
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasher, RandomState},
    io::Read,
    mem,
    path::{Path, PathBuf},
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Result, bail};
use chrono::{Datelike, NaiveDate, TimeDelta};
use llm_trading_db::{
    db::Db,
    repo::{
        Upserted,
        bars::{self, Bar, Missing},
    },
    types::{Invalid, Price, Symbol, Timestamp},
};

use super::{changes::Changes, count, date, far_prices, now};
use crate::{
    input::{self, Lines, Send},
    output,
};

const HEADER: &str = "symbol,date,open,high,low,close,volume";
const COLUMNS: usize = 7;
/// Longest line in bytes; a row has a hundred at most.
const LONGEST_LINE: usize = 64 * 1024;
/// Bars that go from the reader to the database at once.
const CHUNK: usize = 10_000;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The header must be symbol,date,open,high,low,close,volume. An empty field is a value that is not known. \
A bar that is there already gets the values of the file; what the file does not have stays as it was."
)]
pub(crate) struct Args {
    /// CSV file
    file: PathBuf,
    /// Takes bars of days that have not begun anywhere on earth
    #[arg(long)]
    allow_future: bool,
    /// Takes closes that are a thousand times that of the bar before or behind, or a thousandth
    #[arg(long)]
    force: bool,
    /// Lets an empty field erase a value that is known
    #[arg(long)]
    erase: bool,
    /// Lists the bars that were written, with what was there before, in a new CSV file
    #[arg(long, value_name = "FILE")]
    changes: Option<PathBuf>,
}

impl Args {
    /// The last day that a bar may be of. On Kiribati, 14 hours ahead of UTC, a day begins first.
    fn last_day(&self, now: Timestamp) -> NaiveDate {
        const FIRST_TO_BEGIN: TimeDelta = TimeDelta::hours(14);
        match self.allow_future {
            true => NaiveDate::MAX,
            false => now
                .checked_add_signed(FIRST_TO_BEGIN)
                .map_or(NaiveDate::MAX, |there| there.date_naive()),
        }
    }
}

pub(crate) async fn run(db: &Db, args: &Args) -> Result<()> {
    let path = args.file.as_path();
    let last_day = args.last_day(now());
    let repeated = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&repeated);
    let read = move |path: &Path, send: Send<'_, Bar>| read(path, last_day, &counter, send);
    let missing = match args.erase {
        true => Missing::Erases,
        false => Missing::Keeps,
    };
    let mut changes = args.changes.as_deref().map(Changes::create).transpose()?;
    let far_prices = far_prices(args.force);
    let items = input::items(path, read);
    let outcome = bars::import_with(db, items, missing, far_prices, |so_far, written| {
        tracing::debug!(?so_far, "importing");
        changes.as_mut().map_or(Ok(()), |list| list.bars(written))
    })
    .await
    .map_err(input::nothing_stored);
    if let Some(list) = changes {
        list.keep_if_stored(&outcome);
    }
    let Upserted {
        inserted,
        updated,
        unchanged,
    } = outcome?;
    let bars = count(inserted + updated + unchanged, "bar");
    let mut said = format!("{bars}: {inserted} inserted, {updated} updated, {unchanged} unchanged");
    match repeated.load(Ordering::Relaxed) {
        0 => {}
        1 => said.push_str("\n1 line repeats another one"),
        lines => said.push_str(&format!("\n{lines} lines repeat another one")),
    }
    output::text(&said)
}

/// Reads all bars of a file.
fn read(path: &Path, last_day: NaiveDate, repeated: &AtomicU64, send: Send<'_, Bar>) -> Result<()> {
    read_lines(Lines::open(path, LONGEST_LINE)?, last_day, repeated, send)
}

/// All bars of a text that this program brings along.
pub(crate) fn parse_all(name: &str, text: &str) -> Result<Vec<Bar>> {
    let mut bars = Vec::new();
    let lines = Lines::new(Path::new(name), text.as_bytes(), LONGEST_LINE);
    read_lines(lines, NaiveDate::MAX, &AtomicU64::new(0), &mut |chunk| {
        bars.extend(chunk);
        Ok(())
    })?;
    Ok(bars)
}

fn read_lines<R: Read>(
    mut lines: Lines<R>,
    last_day: NaiveDate,
    repeated: &AtomicU64,
    send: Send<'_, Bar>,
) -> Result<()> {
    if !lines.advance()? {
        bail!(
            "{} is empty: its first line must be {HEADER}",
            lines.path().display()
        );
    }
    let is_header = lines.line()?.split(',').map(unquoted).eq(HEADER.split(','));
    if lines.number() != 1 || !is_header {
        return Err(lines.fault(&format!(
            "is not the header: the first line must be {HEADER}"
        )));
    }
    let mut seen = Seen::default();
    let mut chunk = Vec::with_capacity(CHUNK);
    while lines.advance()? {
        let bar = parse(lines.line()?).map_err(|Fault { column, why }| match column {
            Some(column) => lines.fault_in(&format!("column {column}"), &why),
            None => lines.fault(&why),
        })?;
        if bar.date > last_day {
            let why = format!(
                "{} lies in the future; --allow-future takes it all the same",
                bar.date
            );
            return Err(lines.fault_in("column date", &why));
        }
        match seen.insert(&bar, lines.number()) {
            None => chunk.push(bar),
            Some(Earlier { same: true, .. }) => {
                repeated.fetch_add(1, Ordering::Relaxed);
            }
            Some(Earlier { line, .. }) => {
                let why = format!(
                    "{} of {} is in line {line} already, with other values; keep one of them",
                    bar.symbol, bar.date
                );
                return Err(lines.fault_in("column date", &why));
            }
        }
        if chunk.len() == CHUNK {
            send(mem::replace(&mut chunk, Vec::with_capacity(CHUNK)))?;
        }
    }
    send(chunk)
}

/// Which symbols and days came in which line, and a hash of their values: 25 bytes or so for each.
#[derive(Default)]
struct Seen {
    hasher: RandomState,
    symbols: HashMap<Symbol, u32>,
    lines: HashMap<(u32, i32), (u64, u64)>,
}

/// An earlier line of a symbol and day.
struct Earlier {
    line: u64,
    /// Whether it has the same values.
    same: bool,
}

impl Seen {
    /// Notes a bar; gives the earlier line of that symbol and day.
    fn insert(&mut self, bar: &Bar, line: u64) -> Option<Earlier> {
        let next = u32::try_from(self.symbols.len()).unwrap_or(u32::MAX);
        let symbol = *self.symbols.entry(bar.symbol).or_insert(next);
        let values = self.hasher.hash_one(bar);
        match self.lines.entry((symbol, bar.date.num_days_from_ce())) {
            Entry::Occupied(first) => {
                let (line, first) = *first.get();
                let same = first == values;
                Some(Earlier { line, same })
            }
            Entry::Vacant(place) => {
                place.insert((line, values));
                None
            }
        }
    }
}

/// What is wrong with a row, and in which column if in one.
#[derive(Debug)]
struct Fault {
    column: Option<Cow<'static, str>>,
    why: String,
}

impl Fault {
    fn new(column: &'static str, why: impl ToString) -> Self {
        Self {
            column: Some(column.into()),
            why: why.to_string(),
        }
    }
}

fn parse(row: &str) -> Result<Bar, Fault> {
    let ragged = || {
        let found = row.split(',').count();
        Fault {
            column: None,
            why: format!("has {found} fields instead of {COLUMNS}: {HEADER}"),
        }
    };
    let mut fields = [""; COLUMNS];
    let mut rest = row.split(',');
    for field in &mut fields {
        *field = unquoted(rest.next().ok_or_else(ragged)?);
    }
    if rest.next().is_some() {
        return Err(ragged());
    }
    let [symbol, day, open, high, low, close, raw_volume] = fields;
    let bar = Bar {
        symbol: Symbol::new(symbol)
            .map_err(|invalid| Fault::new("symbol", format!("must be {}", invalid.why)))?,
        date: date(day)
            .ok()
            .filter(|date| (1..=9999).contains(&date.year()))
            .ok_or_else(|| Fault::new("date", "must be a date, such as 2026-01-07"))?,
        open: price("open", open)?,
        high: price("high", high)?,
        low: price("low", low)?,
        close: price("close", close)?,
        volume: volume(raw_volume)?,
    };
    bar.check().map_err(|Invalid { field, why }| Fault {
        column: Some(field),
        why: why.into_owned(),
    })?;
    Ok(bar)
}

fn price(column: &'static str, text: &str) -> Result<Option<Price>, Fault> {
    optional(text, Price::from_str).map_err(|invalid| Fault::new(column, invalid.why))
}

fn volume(text: &str) -> Result<Option<i64>, Fault> {
    let why = "must be a whole number, zero or more";
    match optional(text, i64::from_str) {
        Ok(volume) if volume.is_none_or(|volume| volume >= 0) => Ok(volume),
        _ => Err(Fault::new("volume", why)),
    }
}

/// A value, or an empty field, which is a value that is not known.
fn optional<T, E>(text: &str, parse: impl Fn(&str) -> Result<T, E>) -> Result<Option<T>, E> {
    if text.is_empty() {
        return Ok(None);
    }
    parse(text).map(Some)
}

/// Some programs quote their words. None of our values holds a comma or a quote.
fn unquoted(field: &str) -> &str {
    let inner = field
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inner.unwrap_or(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_field_is_not_known() {
        let bar = parse("BRK.B,2026-01-07,,\"12.5\",12.25,,0").unwrap();
        assert_eq!((bar.open, bar.close, bar.volume), (None, None, Some(0)));
        assert_eq!(bar.high.unwrap().to_string(), "12.5");
    }

    #[test]
    fn each_fault_names_its_column() {
        let cases = [
            ("aapl,2026-01-07,1,1,1,1,1", Some("symbol")),
            ("A,2026-1-7,1,1,1,1,1", Some("date")),
            ("A,0000-01-07,1,1,1,1,1", Some("date")),
            ("A,2026-01-07,x,1,1,1,1", Some("open")),
            ("A,2026-01-07,1,1,2,1,1", Some("high")),
            ("A,2026-01-07,1,1,-1,1,1", Some("low")),
            ("A,2026-01-07,5,4,2,3,1", Some("open")),
            ("A,2026-01-07,1,4,2,3,1", Some("open")),
            ("A,2026-01-07,,4,2,4.0001,1", Some("close")),
            ("A,2026-01-07,3,,2,1.9999,1", Some("close")),
            ("A,2026-01-07,1,1,1,1.00001,1", Some("close")),
            ("A,2026-01-07,1,1,1,1,-1", Some("volume")),
            ("A,2026-01-07,1,1,1,1,1.5", Some("volume")),
            ("A,2026-01-07,1,1,1,1", None),
            ("A,2026-01-07,1,1,1,1,1,1", None),
        ];
        for (row, column) in cases {
            assert_eq!(parse(row).unwrap_err().column.as_deref(), column, "{row}");
        }
    }
}
