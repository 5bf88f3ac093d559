use std::{
    collections::{BTreeMap, HashMap, HashSet},
    mem,
    pin::pin,
};

use chrono::NaiveDate;
use futures_util::{Stream, TryStreamExt};

use super::{Bar, Written, upsert_many};
use crate::{
    db::{Db, Tx},
    error::{Error, Result},
    repo::Upserted,
    types::{FarPrices, Price, Symbol, far_apart},
};

/// Bars per statement: about a megabyte.
const CHUNK: usize = 10_000;

/// What a value that an imported bar does not have does to the one that is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Missing {
    /// Nothing: what is known stays.
    #[default]
    Keeps,
    /// It takes its place, as in [`upsert_many`].
    Erases,
}

/// A bar that an import wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// What was there; `None` if nothing was.
    pub before: Option<Bar>,
    /// What is there.
    pub after: Bar,
}

/// Stores a stream of bars in one transaction: all of them, or none if the stream or the database fails or this future is
/// dropped. It does what [`upsert_many`] would do with all of them at once.
///
/// Memory is that of 10 000 bars, and of 12 bytes or so for each bar, however long the stream is. Other writers of bars wait for the
/// end of the import, readers do not. `progress` hears after each 10 000 bars what has become of all so far; they are not committed
/// yet.
///
/// ```no_run
/// # use llm_trading_db::{db::Db, error::{Error, Result}, repo::bars::{self, Bar}};
/// # async fn f(db: &Db, bars: Vec<Bar>) -> Result<()> {
/// let bars = futures_util::stream::iter(bars.into_iter().map(Ok::<_, Error>));
/// let stored = bars::import(db, bars, |so_far| println!("{} new bars", so_far.inserted)).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// The errors of the stream; those of [`upsert_many`], of which a symbol and day given twice is found at the second one. A stream
/// cannot be read twice, so nothing is run again: with serializable isolation as the server's default, [`Error::Retryable`] is for
/// the caller.
#[tracing::instrument(name = "db.bars.import", skip_all)]
pub async fn import<E: From<Error>>(
    db: &Db,
    bars: impl Stream<Item = Result<Bar, E>>,
    mut progress: impl FnMut(Upserted),
) -> Result<Upserted, E> {
    in_chunks(db, bars, async |tx, chunk, stored| {
        *stored += upsert_many(tx, &chunk).await?;
        progress(*stored);
        Ok(())
    })
    .await
}

/// As [`import`], by what `missing` and `far_prices` say, and with a list of what it changes: `progress` hears after each 10 000 bars
/// what has become of all so far, and which of these were written. An error of `progress` ends the import, and nothing is stored.
///
/// # Errors
/// As [`import`], and those of `progress`; [`Error::Invalid`] if a bar is [implausible](Bar::check) with what is kept, or if a close is
/// [far](far_apart) from the one of the bar before it or behind it, a month away at most, and such are refused.
#[tracing::instrument(name = "db.bars.import_with", skip_all, fields(?missing, ?far_prices))]
pub async fn import_with<E: From<Error>>(
    db: &Db,
    bars: impl Stream<Item = Result<Bar, E>>,
    missing: Missing,
    far_prices: FarPrices,
    mut progress: impl FnMut(Upserted, &[Change]) -> Result<(), E>,
) -> Result<Upserted, E> {
    in_chunks(db, bars, async |tx, mut chunk, stored| {
        let before = stored_bars(&mut *tx, &chunk).await?;
        if missing == Missing::Keeps {
            keep_known(&mut chunk, &before)?;
        }
        *stored += upsert_many(&mut *tx, &chunk).await?;
        let changes = chunk.into_iter().map(|after| Change {
            before: before.get(&(after.symbol, after.date)).copied(),
            after,
        });
        let written = changes.filter(|change| change.before != Some(change.after));
        let written = Vec::from_iter(written);
        if far_prices == FarPrices::Refused {
            refuse_far_closes(tx, &written).await?;
        }
        progress(*stored, &written)
    })
    .await
}

async fn in_chunks<E: From<Error>>(
    db: &Db,
    bars: impl Stream<Item = Result<Bar, E>>,
    mut store: impl AsyncFnMut(&mut Tx, Vec<Bar>, &mut Upserted) -> Result<(), E>,
) -> Result<Upserted, E> {
    db.transaction_once(async |tx| {
        let mut bars = pin!(bars);
        let mut chunk = Vec::new();
        let mut seen = Seen::default();
        let mut stored = Upserted::default();
        while let Some(bar) = bars.try_next().await? {
            if !seen.insert(&bar) {
                let key = format!("{} {}", bar.symbol, bar.date);
                let why = format!("more than one row for {key}; give each key once");
                return Err(Error::invalid("bars", why).into());
            }
            if chunk.len() == CHUNK {
                // A later chunk may hold what a writer in between waits for: a deadlock.
                lock(&mut *tx).await?;
                store(&mut *tx, mem::take(&mut chunk), &mut stored).await?;
            }
            chunk.push(bar);
        }
        lock(&mut *tx).await?;
        store(tx, chunk, &mut stored).await?;
        Ok(stored)
    })
    .await
}

/// Keeps other writers of bars out until the transaction ends; readers go on.
#[tracing::instrument(name = "db.bars.lock", skip_all, err(level = "debug"))]
pub async fn lock(tx: &mut Tx) -> Result<()> {
    sqlx::query!("LOCK TABLE daily_bars IN SHARE ROW EXCLUSIVE MODE")
        .execute(tx)
        .await?;
    Ok(())
}

/// Which symbols and days came.
#[derive(Default)]
struct Seen {
    symbols: HashMap<Symbol, u32>,
    days: HashSet<(u32, NaiveDate)>,
}

impl Seen {
    /// Notes a bar; false if there was one of that symbol and day.
    fn insert(&mut self, bar: &Bar) -> bool {
        let next = u32::try_from(self.symbols.len()).unwrap_or(u32::MAX);
        let symbol = *self.symbols.entry(bar.symbol).or_insert(next);
        self.days.insert((symbol, bar.date))
    }
}

type ByKey = BTreeMap<(Symbol, NaiveDate), Bar>;

/// What is stored of these symbols and days. A value that cannot be read is one that is not known, so that an import mends it.
async fn stored_bars(tx: &mut Tx, bars: &[Bar]) -> Result<ByKey> {
    let symbol: Vec<Symbol> = bars.iter().map(|bar| bar.symbol).collect();
    let date: Vec<NaiveDate> = bars.iter().map(|bar| bar.date).collect();
    let stored = sqlx::query_as!(
        Written,
        r#"
        SELECT bar.symbol, bar.date, bar.open::text AS open, bar.high::text AS high, bar.low::text AS low,
               bar.close::text AS close, bar.volume
        FROM UNNEST($1::symbol[], $2::date[]) AS asked (ticker, day)
        JOIN daily_bars AS bar ON bar.symbol = asked.ticker AND bar.date = asked.day
        "#,
        &symbol[..],
        &date[..],
    )
    .fetch_all(tx)
    .await?;
    let bars = stored.into_iter().map(Bar::from);
    Ok(bars.map(|bar| ((bar.symbol, bar.date), bar)).collect())
}

/// Refuses a close that is far from that of a neighbour.
async fn refuse_far_closes(tx: &mut Tx, written: &[Change]) -> Result<()> {
    let closes = written
        .iter()
        .filter(|change| change.before.and_then(|bar| bar.close) != change.after.close)
        .filter_map(|change| Some((change.after, change.after.close?)));
    let closes: Vec<(Bar, Price)> = closes.collect();
    let symbol: Vec<Symbol> = closes.iter().map(|(bar, _)| bar.symbol).collect();
    let date: Vec<NaiveDate> = closes.iter().map(|(bar, _)| bar.date).collect();
    let neighbours = sqlx::query!(
        r#"
        SELECT asked.place AS "place!", beside.date AS "date!", beside.close::text AS "close!"
        FROM UNNEST($1::symbol[], $2::date[]) WITH ORDINALITY AS asked (ticker, day, place)
        CROSS JOIN LATERAL (
            (
                SELECT date, close
                FROM daily_bars
                WHERE daily_bars.symbol = asked.ticker
                  AND daily_bars.date < asked.day
                  AND daily_bars.date >= asked.day - 31
                  AND daily_bars.close IS NOT NULL
                ORDER BY daily_bars.date DESC
                LIMIT 1
            )
            UNION ALL
            (
                SELECT date, close
                FROM daily_bars
                WHERE daily_bars.symbol = asked.ticker
                  AND daily_bars.date > asked.day
                  AND daily_bars.date <= asked.day + 31
                  AND daily_bars.close IS NOT NULL
                ORDER BY daily_bars.date
                LIMIT 1
            )
        ) AS beside
        ORDER BY asked.place, beside.date
        "#,
        &symbol[..],
        &date[..],
    )
    .fetch_all(tx)
    .await?;
    for row in neighbours {
        // Places begin with 1. A close that cannot be read is far from none.
        let place = usize::try_from(row.place - 1).unwrap_or_default();
        let (bar, close) = closes[place];
        let beside: Option<Price> = row.close.parse().ok();
        if let Some(beside) = beside.filter(|beside| far_apart(close.value(), beside.value())) {
            let why = format!(
                "{close} of {} on {} is a thousand times the {beside} of {}, or a thousandth; FarPrices::Taken takes it all the same",
                bar.symbol, bar.date, row.date
            );
            return Err(Error::invalid("close", why));
        }
    }
    Ok(())
}

/// Fills what the bars do not have with what is stored.
fn keep_known(bars: &mut [Bar], stored: &ByKey) -> Result<()> {
    for bar in bars {
        let Some(known) = stored.get(&(bar.symbol, bar.date)) else {
            continue;
        };
        let filled = Bar {
            open: bar.open.or(known.open),
            high: bar.high.or(known.high),
            low: bar.low.or(known.low),
            close: bar.close.or(known.close),
            volume: bar.volume.or(known.volume),
            ..*bar
        };
        // What is stored may be implausible by itself, and is then left to whoever stored it.
        if filled != *known {
            filled.check().map_err(|invalid| {
                let why = format!(
                    "{} of {} {}, with what is stored",
                    bar.symbol, bar.date, invalid.why
                );
                Error::invalid(invalid.field, why)
            })?;
        }
        *bar = filled;
    }
    Ok(())
}
