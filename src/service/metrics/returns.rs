//! First half of the job: the returns of the closes that changed.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use uuid::Uuid;

use super::{Found, SEVEN, Summary, Window, math, misfits, off_the_runtime};
use crate::{
    db::{Db, Tx},
    error::{Error, Result},
    repo::{
        bars::{self, Close},
        correlations, pending,
        returns::{self, Return},
        rows::{Readable, Replay, readable},
    },
    types::Symbol,
};

/// Entries looked at in one transaction.
const ENTRIES: u32 = 1_000;
/// Days of bars in one transaction, all symbols together: a few megabytes, and a fraction of a second.
const DAYS: i64 = 15_000;
/// Entries of a symbol as near to each other as this share most of the bars that they read.
const NEAR: i64 = 30;

/// Days of a symbol whose closes changed.
type Span = (Symbol, NaiveDate, NaiveDate);

/// What became of some closes that changed.
pub(super) struct Part {
    pub(super) summary: Summary,
    pub(super) symbols: Found,
    /// Entries that stay for the next run, since a close cannot be read.
    pub(super) stuck: Vec<Uuid>,
}

/// Calculates the returns of the next closes that changed, `stuck` entries aside, in a transaction of its own. None if there are none.
pub(super) async fn next(db: &Db, window: Window, stuck: &[Uuid]) -> Result<Option<Part>> {
    db.transaction(async |tx| next_in(tx, window, stuck).await)
        .await
}

/// As [`next`], in the caller's transaction.
pub(super) async fn next_in(tx: &mut Tx, window: Window, stuck: &[Uuid]) -> Result<Option<Part>> {
    // Another run waits, and then finds less to do. Before anything is read: what is read is to be its work, too.
    correlations::lock(&mut *tx).await?;
    let entries = readable_entries(tx, stuck).await?;
    let (spans, ids) = batch(&entries);
    if spans.is_empty() {
        return Ok(None);
    }
    let closes = bars::closes_around(&mut *tx, &spans, SEVEN as u32, SEVEN as u32).await?;
    let unreadable: Vec<(Symbol, NaiveDate)> = closes
        .iter()
        .filter(|(_, close)| close.misfit.is_some())
        .map(|(_, close)| (close.symbol, close.date))
        .collect();
    let misfits = misfits(&closes);
    let (wanted, spans) = off_the_runtime(move || (Wanted::of(&spans, &closes), spans)).await?;
    let mut summary = write(&mut *tx, window, wanted).await?;
    summary.misfits.extend(misfits);
    // Whoever runs it again is told again, until the bar is mended.
    let is_stuck = |entry: &&pending::Returns| {
        let days = entry.first_date..=entry.last_date;
        let in_it = |(symbol, date)| symbol == entry.symbol && days.contains(&date);
        unreadable.iter().copied().any(in_it)
    };
    let (stuck, done): (Vec<_>, Vec<_>) = entries[..ids.len()].iter().partition(is_stuck);
    let ids = |entries: Vec<&pending::Returns>| -> Vec<Uuid> {
        entries.into_iter().map(|entry| entry.id).collect()
    };
    pending::finish_returns(tx, &ids(done)).await?;
    Ok(Some(Part {
        summary,
        symbols: spans.iter().map(|span| span.0).collect(),
        stuck: ids(stuck),
    }))
}

/// The next entries; those of a symbol that cannot be read are left alone.
async fn readable_entries(tx: &mut Tx, stuck: &[Uuid]) -> Result<Vec<pending::Returns>> {
    match pending::returns(&mut *tx, ENTRIES, stuck).await {
        Err(Error::Decode(_)) => {}
        other => return other,
    }
    let list = |replay: Replay| pending::returns(replay, ENTRIES, stuck);
    Ok(readable(tx, list).await?.rows)
}

/// The entries of a transaction, by symbol, those that are near each other in one.
fn batch(entries: &[pending::Returns]) -> (Vec<Span>, Vec<Uuid>) {
    let (mut spans, mut ids): (Vec<Span>, Vec<Uuid>) = (Vec::new(), Vec::new());
    let mut days = 0;
    for entry in entries {
        let (first, last) = (entry.first_date, entry.last_date);
        let before = days;
        match spans.last_mut() {
            Some((symbol, _, end))
                if *symbol == entry.symbol && (first - *end).num_days() <= NEAR =>
            {
                days += (last - *end).num_days().max(0);
                if days > DAYS && before > 0 && last > *end {
                    break;
                }
                *end = last.max(*end);
            }
            _ => {
                days += (last - first).num_days() + 1;
                if days > DAYS && before > 0 {
                    break;
                }
                spans.push((entry.symbol, first, last));
            }
        }
        ids.push(entry.id);
    }
    (spans, ids)
}

/// What the bars say of some spans.
struct Wanted {
    daily: Vec<Return>,
    seven_day: Vec<Return>,
    /// The spans, with the days behind them whose returns are of a bar in them.
    reach: Vec<Span>,
    bars: usize,
}

impl Wanted {
    fn of(spans: &[Span], closes: &[(usize, Close)]) -> Self {
        let mut wanted = Self {
            daily: Vec::new(),
            seven_day: Vec::new(),
            reach: Vec::new(),
            bars: 0,
        };
        let mut rest = closes;
        for (place, &(symbol, first, last)) in spans.iter().enumerate() {
            let (of_span, others) = rest.split_at(rest.partition_point(|(at, _)| *at <= place));
            rest = others;
            let end = of_span
                .last()
                .map_or(last, |(_, close)| close.date.max(last));
            wanted.reach.push((symbol, first, end));
            wanted.bars += of_span
                .iter()
                .filter(|(_, close)| (first..=last).contains(&close.date))
                .count();
            let prices: Vec<_> = of_span
                .iter()
                .map(|(_, close)| close.close.map(|close| close.value()))
                .collect();
            let dated = |lag| {
                let returns = math::log_returns(&prices, lag);
                let rows = of_span.iter().zip(returns);
                rows.filter(move |((_, close), _)| close.date >= first)
                    .filter_map(move |((_, close), r)| {
                        Some(Return {
                            symbol,
                            date: close.date,
                            log_return: math::to_numeric(r?),
                        })
                    })
                    .collect::<Vec<_>>()
            };
            wanted.daily.extend(dated(1));
            wanted.seven_day.extend(dated(SEVEN));
        }
        wanted
    }
}

async fn write(tx: &mut Tx, window: Window, wanted: Wanted) -> Result<Summary> {
    let Wanted {
        daily,
        seven_day,
        reach,
        bars,
    } = wanted;
    let mut summary = Summary {
        bars,
        ..Summary::default()
    };
    let stored = daily_of(&mut *tx, &reach).await?;
    let is_partial = !stored.misfits.is_empty();
    let change = off_the_runtime(move || Change::between(&stored.rows, &daily)).await?;
    summary.daily = returns::upsert_daily(&mut *tx, &change.write).await?;
    if !change.remove.is_empty() {
        summary.removed += returns::delete_daily(&mut *tx, &change.remove).await?;
    }
    if is_partial {
        // A value in the place of one that cannot be read mends that.
        summary
            .misfits
            .extend(daily_of(&mut *tx, &reach).await?.misfits);
    }
    let stored = seven_day_of(&mut *tx, &reach).await?;
    let is_partial = !stored.misfits.is_empty();
    let change = off_the_runtime(move || Change::between(&stored.rows, &seven_day)).await?;
    summary.seven_day = returns::upsert_7day(&mut *tx, &change.write).await?;
    if !change.remove.is_empty() {
        summary.removed += returns::delete_7day(&mut *tx, &change.remove).await?;
    }
    if is_partial {
        summary
            .misfits
            .extend(seven_day_of(&mut *tx, &reach).await?.misfits);
    }
    pending::note_correlations(tx, &change.spans(window)).await?;
    Ok(summary)
}

/// The one-bar returns that can be read.
async fn daily_of(tx: &mut Tx, reach: &[Span]) -> Result<Readable<Return>> {
    match returns::daily_of(&mut *tx, reach).await {
        Err(Error::Decode(_)) => {
            readable(tx, |replay: Replay| returns::daily_of(replay, reach)).await
        }
        all => Ok(all?.into()),
    }
}

/// The seven-bar returns that can be read.
async fn seven_day_of(tx: &mut Tx, reach: &[Span]) -> Result<Readable<Return>> {
    match returns::seven_day_of(&mut *tx, reach).await {
        Err(Error::Decode(_)) => {
            readable(tx, |replay: Replay| returns::seven_day_of(replay, reach)).await
        }
        all => Ok(all?.into()),
    }
}

/// How stored returns differ from what the bars say.
#[derive(Debug, Default, PartialEq)]
struct Change {
    write: Vec<Return>,
    remove: Vec<(Symbol, NaiveDate)>,
}

impl Change {
    fn between(stored: &[Return], wanted: &[Return]) -> Self {
        let mut stored: BTreeMap<_, _> = stored
            .iter()
            .map(|row| ((row.symbol, row.date), row.log_return))
            .collect();
        // A bar that two spans reach is in both.
        let wanted: BTreeMap<_, _> = wanted
            .iter()
            .map(|row| ((row.symbol, row.date), row.log_return))
            .collect();
        let mut write = Vec::new();
        for ((symbol, date), log_return) in wanted {
            if stored.remove(&(symbol, date)) != Some(log_return) {
                write.push(Return {
                    symbol,
                    date,
                    log_return,
                });
            }
        }
        Self {
            write,
            remove: stored.into_keys().collect(),
        }
    }

    /// The dates, those near each other together: the windows of the one hold the next one anyway.
    fn spans(&self, window: Window) -> Vec<(NaiveDate, NaiveDate)> {
        let written = self.write.iter().map(|row| row.date);
        let mut dates: Vec<_> = written
            .chain(self.remove.iter().map(|(_, date)| *date))
            .collect();
        dates.sort_unstable();
        dates.dedup();
        let near = i64::from(window.stored());
        dates
            .chunk_by(|a, b| (*b - *a).num_days() < near)
            .map(|dates| (dates[0], dates[dates.len() - 1]))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: i64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + chrono::TimeDelta::days(n)
    }

    fn entries(spans: &[(&str, i64, i64)]) -> Vec<pending::Returns> {
        let entry = |(n, (symbol, first, last)): (usize, &(&str, i64, i64))| pending::Returns {
            id: Uuid::from_u128(n as u128),
            symbol: symbol.parse().unwrap(),
            first_date: day(*first),
            last_date: day(*last),
        };
        spans.iter().enumerate().map(entry).collect()
    }

    fn batched(spans: &[(&str, i64, i64)]) -> (Vec<(String, i64, i64)>, usize) {
        let (spans, ids) = batch(&entries(spans));
        let number = |date: NaiveDate| (date - day(0)).num_days();
        let spans = spans
            .iter()
            .map(|(s, a, b)| (s.to_string(), number(*a), number(*b)));
        (spans.collect(), ids.len())
    }

    #[test]
    fn entries_that_are_near_each_other_are_one() {
        let (spans, ids) = batched(&[
            ("A", 0, 9),
            ("A", 3, 4),
            ("A", 39, 40),
            ("A", 90, 91),
            ("B", 91, 91),
        ]);
        let expected = [("A", 0, 40), ("A", 90, 91), ("B", 91, 91)];
        assert_eq!(spans, expected.map(|(s, a, b)| (s.to_owned(), a, b)));
        assert_eq!(ids, 5);
    }

    #[test]
    fn a_batch_is_bounded_and_never_empty() {
        assert_eq!(batched(&[("A", 0, 20_000), ("B", 0, 1)]).1, 1);
        assert_eq!(
            batched(&[("A", 0, 9_000), ("B", 0, 9_000), ("C", 0, 1)]).1,
            1
        );
        assert_eq!(batched(&[("A", 0, 9_000), ("A", 9_001, 18_000)]).1, 1);
        assert_eq!(batched(&[]).1, 0);
    }

    #[test]
    fn what_is_as_stored_is_left_alone() {
        let row = |n, log_return| Return {
            symbol: "A".parse().unwrap(),
            date: day(n),
            log_return: rust_decimal::Decimal::new(log_return, 8),
        };
        let change = Change::between(
            &[row(1, 5), row(2, 6), row(50, 7)],
            &[row(1, 5), row(2, 9), row(3, 1), row(2, 9)],
        );
        assert_eq!(change.write, [row(2, 9), row(3, 1)]);
        assert_eq!(change.remove, [(row(50, 7).symbol, day(50))]);
        let window = Window::new(30).unwrap();
        assert_eq!(change.spans(window), [(day(2), day(3)), (day(50), day(50))]);
    }
}
