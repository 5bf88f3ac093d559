//! `import-bars`

use std::{collections::HashSet, io, path::Path, str::FromStr};

use anyhow::{Context, Result, anyhow, bail, ensure};
use chrono::NaiveDate;
use llm_trading_db::{
    db::Db,
    repo::{
        Upserted,
        bars::{self, Bar},
    },
    types::{Price, Symbol},
};
use sqlx::PgConnection;

use crate::{lines::Lines, output::print};

const HEADER: [&str; 7] = ["symbol", "date", "open", "high", "low", "close", "volume"];
const LONGEST_LINE: usize = 64 * 1024;
/// Rows sent at a time: what bounds the memory.
const CHUNK: usize = 10_000;

pub async fn run(db: &Db, path: &Path) -> Result<()> {
    // Reads the file anew if the transaction has to run again.
    let counts = db
        .transaction(async |tx| import(tx, path).await)
        .await
        .with_context(|| format!("{}: nothing was stored", path.display()))?;
    let Upserted {
        inserted,
        updated,
        unchanged,
    } = counts;
    let total = inserted + updated + unchanged;
    print(format_args!(
        "{total} bars: {inserted} inserted, {updated} updated, {unchanged} unchanged"
    ))
}

/// Imports the file in the transaction `tx`; the memory in use is that of a chunk and of the keys.
pub async fn import(tx: &mut PgConnection, path: &Path) -> Result<Upserted> {
    let mut rows = Rows::open(path)?;
    let mut counts = Upserted::default();
    let mut chunk = Vec::with_capacity(CHUNK);
    loop {
        let bar = rows.next()?;
        let end = bar.is_none();
        chunk.extend(bar);
        if end || chunk.len() == CHUNK {
            counts += bars::upsert_many(&mut *tx, &chunk).await?;
            chunk.clear();
        }
        if end {
            return Ok(counts);
        }
    }
}

/// The rows of a file, checked.
struct Rows {
    lines: Lines,
    seen: HashSet<(Symbol, NaiveDate)>,
}

impl Rows {
    fn open(path: &Path) -> Result<Self> {
        let mut lines = Lines::open(path, LONGEST_LINE)?;
        let expected = HEADER.join(",");
        match lines.next()? {
            // Excel begins a file with a mark.
            Some((_, header)) if header.trim_start_matches('\u{feff}') == expected => {}
            Some(_) => bail!("line 1 must be the header {expected}"),
            None => bail!("is empty; line 1 must be the header {expected}"),
        }
        Ok(Self {
            lines,
            seen: HashSet::new(),
        })
    }

    fn next(&mut self) -> Result<Option<Bar>> {
        let Some((number, line)) = self.lines.next()? else {
            return Ok(None);
        };
        let bar = bar(line).with_context(|| format!("line {number}"))?;
        let new = self.seen.insert((bar.symbol, bar.date));
        ensure!(
            new,
            "line {number}: a second bar of {} on {}; keep one",
            bar.symbol,
            bar.date
        );
        Ok(Some(bar))
    }
}

fn bar(line: &str) -> Result<Bar> {
    let fields = fields(line)?;
    ensure!(
        fields.len() == HEADER.len(),
        "has {} fields, not {}",
        fields.len(),
        HEADER.len()
    );
    let bar = Bar {
        symbol: required(&fields, 0)?,
        date: required(&fields, 1)?,
        open: optional(&fields, 2)?,
        high: optional(&fields, 3)?,
        low: optional(&fields, 4)?,
        close: optional(&fields, 5)?,
        volume: optional::<i64>(&fields, 6)?,
    };
    if let (Some(high), Some(low)) = (bar.high, bar.low) {
        ensure!(high >= low, "column high: {high} is below the low, {low}");
    }
    ensure!(
        bar.volume.is_none_or(|volume| volume >= 0),
        "column volume: must be zero or more"
    );
    Ok(bar)
}

/// The fields of one line of CSV, quoted or not.
fn fields(line: &str) -> Result<csv::StringRecord> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(io::Cursor::new(line));
    let mut record = csv::StringRecord::new();
    reader
        .read_record(&mut record)
        .map_err(|_| anyhow!("is no CSV"))?;
    Ok(record)
}

fn required<T: Column>(fields: &csv::StringRecord, column: usize) -> Result<T> {
    optional(fields, column)?.ok_or_else(|| anyhow!("column {}: is empty", HEADER[column]))
}

fn optional<T: Column>(fields: &csv::StringRecord, column: usize) -> Result<Option<T>> {
    match &fields[column] {
        "" => Ok(None),
        text => T::read(text)
            .map(Some)
            .map_err(|why| anyhow!("column {}: {why}", HEADER[column])),
    }
}

/// A value of a column, and what is wrong with a text that is none.
trait Column: Sized {
    fn read(text: &str) -> Result<Self, String>;
}

impl Column for Symbol {
    fn read(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|e: llm_trading_db::types::Invalid| e.why.into_owned())
    }
}

impl Column for Price {
    fn read(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|e: llm_trading_db::types::Invalid| e.why.into_owned())
    }
}

impl Column for NaiveDate {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse_from_str(text, "%Y-%m-%d")
            .map_err(|_| "must be a date such as 2026-01-07".to_owned())
    }
}

impl Column for i64 {
    fn read(text: &str) -> Result<Self, String> {
        Self::from_str(text).map_err(|_| "must be a whole number".to_owned())
    }
}
