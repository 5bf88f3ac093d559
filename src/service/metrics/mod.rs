//! The metrics job: log returns and their correlations, from the closes of all bars.
//!
//! | value | formula |
//! |---|---|
//! | daily return | ln(close / close of the previous bar) |
//! | seven-day return | ln(close / close seven bars before): bars, not calendar days |
//! | correlation | Pearson's r of the seven-day returns of two symbols over the last `window` dates on which any symbol has one |
//!
//! A bar whose close is missing or zero yields no return where it is either end. A correlation is over the dates both
//! symbols have; it is NULL with fewer than two of them or if one of the series is constant. All values are rounded to
//! eight decimals when they are stored.
//!
//! What is stored is what the bars say: the job compares, writes what is new or different, and removes what the bars no
//! longer bear out, so that running it again does nothing.

pub mod math;

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU16,
};

use chrono::NaiveDate;

use crate::{
    db::{Db, Isolation, Tx, TxOptions},
    error::{Error, Result},
    repo::{
        Upserted, bars,
        correlations::{self, Coverage},
        returns::{self, Return},
    },
    types::{Invalid, Symbol},
};
use math::Panel;

/// Bars over which the seven-day return runs.
const SEVEN: usize = 7;

/// Correlations sent per statement: a few megabytes.
const CHUNK: usize = 25_000;

/// Length of the correlation window in dates, two or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window(NonZeroU16);

impl Window {
    /// A window of `dates`.
    ///
    /// # Errors
    /// [`Invalid`] if it is shorter than two.
    pub fn new(dates: u16) -> Result<Self, Invalid> {
        NonZeroU16::new(dates)
            .filter(|dates| dates.get() >= 2)
            .map(Self)
            .ok_or_else(|| Invalid::new("window", "must be at least 2"))
    }

    fn rows(self) -> usize {
        usize::from(self.0.get())
    }

    fn stored(self) -> i32 {
        i32::from(self.0.get())
    }
}

impl Default for Window {
    /// Thirty dates.
    fn default() -> Self {
        Self(NonZeroU16::MIN.saturating_add(29))
    }
}

impl std::str::FromStr for Window {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let dates = text
            .parse()
            .map_err(|_| Invalid::new("window", "must be a whole number from 2 to 65535"))?;
        Self::new(dates)
    }
}

/// Which correlations a run computes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scope {
    /// Those of dates whose window holds a changed return, and those that are missing or of another window.
    #[default]
    Changed,
    /// Those of all dates.
    All,
}

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Symbols that have bars.
    pub symbols: usize,
    /// Bars read.
    pub bars: usize,
    /// Daily returns written.
    pub daily: Upserted,
    /// Seven-day returns written.
    pub seven_day: Upserted,
    /// Dates whose correlations were computed.
    pub dates: usize,
    /// Correlations written.
    pub correlations: Upserted,
    /// Values removed because the bars no longer bear them out.
    pub removed: u64,
}

/// Brings returns and correlations up to date with the bars, in one transaction.
///
/// # Errors
/// Those of the database; then nothing has changed.
#[tracing::instrument(name = "service.metrics.run", skip_all, fields(window = window.rows(), ?scope), err(level = "debug"))]
pub async fn run(db: &Db, window: Window, scope: Scope) -> Result<Summary> {
    // One snapshot for what is read and what it is compared with.
    let options = TxOptions::new().isolation(Isolation::RepeatableRead);
    db.transaction_with(options, async |tx| -> Result<Summary> {
        run_in(tx, window, scope).await
    })
    .await
}

async fn run_in(tx: &mut Tx, window: Window, scope: Scope) -> Result<Summary> {
    // A run beside this one waits, and then finds nothing to do. Before anything is read: the snapshot is to see its work.
    correlations::lock(&mut *tx).await?;
    let closes = bars::closes(&mut *tx).await?;
    let mut summary = Summary {
        bars: closes.len(),
        ..Summary::default()
    };
    let mut daily = Vec::new();
    let mut series: Vec<(Symbol, Vec<(NaiveDate, f64)>)> = Vec::new();
    for bars in closes.chunk_by(|a, b| a.symbol == b.symbol) {
        summary.symbols += 1;
        let symbol = bars[0].symbol;
        let prices: Vec<_> = bars
            .iter()
            .map(|bar| bar.close.map(|close| close.value()))
            .collect();
        let dated = |lag| {
            let returns = math::log_returns(&prices, lag);
            bars.iter()
                .zip(returns)
                .filter_map(|(bar, r)| Some((bar.date, r?)))
                .collect::<Vec<_>>()
        };
        daily.extend(to_rows(symbol, &dated(1)));
        series.push((symbol, dated(SEVEN)));
    }
    series.retain(|(_, returns)| !returns.is_empty());

    let change = Change::between(&returns::all_daily(&mut *tx).await?, &daily);
    summary.daily = returns::upsert_daily(&mut *tx, &change.write).await?;
    if !change.remove.is_empty() {
        summary.removed += returns::delete_daily(&mut *tx, &change.remove).await?;
    }

    let seven: Vec<Return> = series
        .iter()
        .flat_map(|(symbol, returns)| to_rows(*symbol, returns))
        .collect();
    let stored = returns::all_7day(&mut *tx).await?;
    let change = Change::between(&stored, &seven);
    summary.seven_day = returns::upsert_7day(&mut *tx, &change.write).await?;
    if !change.remove.is_empty() {
        summary.removed += returns::delete_7day(&mut *tx, &change.remove).await?;
    }

    let symbols: Vec<Symbol> = series.iter().map(|(symbol, _)| *symbol).collect();
    let stored_symbols: BTreeSet<Symbol> = stored.iter().map(|row| row.symbol).collect();
    let panel = Panel::new(
        &series
            .iter()
            .map(|(_, returns)| returns.as_slice())
            .collect::<Vec<_>>(),
    );
    let plan = Plan::new(&Facts {
        panel: &panel,
        window,
        scope,
        cells: symbols.len() * symbols.len(),
        same_symbols: stored_symbols.iter().eq(symbols.iter()),
        changed: &change.dates(),
        coverage: &correlations::coverage(&mut *tx).await?,
    });
    if !plan.remove.is_empty() {
        summary.removed += correlations::delete_dates(&mut *tx, &plan.remove).await?;
    }
    summary.dates = plan.replace.len() + plan.add.len();
    let cells = correlate(&panel, &plan.replace, &symbols, window)?;
    for chunk in cells.chunks(CHUNK) {
        summary.correlations += correlations::upsert_many(&mut *tx, chunk).await?;
    }
    let cells = correlate(&panel, &plan.add, &symbols, window)?;
    for chunk in cells.chunks(CHUNK) {
        correlations::insert_many(&mut *tx, chunk).await?;
    }
    summary.correlations.inserted += cells.len() as u64;
    tracing::info!(?summary, "metrics are up to date");
    Ok(summary)
}

fn to_rows(symbol: Symbol, returns: &[(NaiveDate, f64)]) -> impl Iterator<Item = Return> {
    returns.iter().map(move |(date, r)| Return {
        symbol,
        date: *date,
        log_return: math::to_numeric(*r),
    })
}

fn correlate(
    panel: &Panel,
    rows: &[usize],
    symbols: &[Symbol],
    window: Window,
) -> Result<Vec<correlations::Correlation>> {
    let mut cells = Vec::with_capacity(rows.len() * symbols.len() * symbols.len());
    for &row in rows {
        let matrix = panel.correlations(row, window.rows()).ok_or_else(|| {
            Error::from(Invalid::new(
                "window",
                "is longer than the history before a planned date",
            ))
        })?;
        cells.extend(
            matrix
                .pairs()
                .map(|(a, b, correlation)| correlations::Correlation {
                    symbol_1: symbols[a],
                    symbol_2: symbols[b],
                    date: panel.dates()[row],
                    correlation,
                    window_rows: window.stored(),
                }),
        );
    }
    Ok(cells)
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
        let mut write = Vec::new();
        for row in wanted {
            if stored.remove(&(row.symbol, row.date)) != Some(row.log_return) {
                write.push(*row);
            }
        }
        Self {
            write,
            remove: stored.into_keys().collect(),
        }
    }

    fn dates(&self) -> BTreeSet<NaiveDate> {
        let written = self.write.iter().map(|row| row.date);
        written
            .chain(self.remove.iter().map(|(_, date)| *date))
            .collect()
    }
}

/// What decides which correlations to compute.
struct Facts<'a> {
    panel: &'a Panel,
    window: Window,
    scope: Scope,
    /// Ordered pairs per date.
    cells: usize,
    /// The stored returns are of the same symbols.
    same_symbols: bool,
    /// Dates on which a seven-day return changed, came or went.
    changed: &'a BTreeSet<NaiveDate>,
    coverage: &'a [Coverage],
}

/// What to do about the correlations: rows of the panel to compute, and dates whose stored values must go first.
#[derive(Debug, Default, PartialEq)]
struct Plan {
    /// Dates without values.
    add: Vec<usize>,
    /// Dates with values that may have changed.
    replace: Vec<usize>,
    remove: Vec<NaiveDate>,
}

impl Plan {
    fn new(facts: &Facts<'_>) -> Self {
        let dates = facts.panel.dates();
        let first = facts.window.rows() - 1;
        let all = facts.scope == Scope::All || !facts.same_symbols;

        let mut touched = vec![false; dates.len()];
        for date in facts.changed {
            // A date that is gone still moved the windows that used to hold it.
            let row = dates.partition_point(|other| other < date);
            let end = (row + facts.window.rows()).min(dates.len());
            touched[row.min(end)..end].fill(true);
        }
        let valid: BTreeSet<&NaiveDate> = dates.iter().skip(first).collect();
        let (stay, go): (Vec<&Coverage>, Vec<&Coverage>) = facts.coverage.iter().partition(|c| {
            let whole = usize::try_from(c.cells) == Ok(facts.cells);
            valid.contains(&c.date) && whole && facts.same_symbols
        });
        let stored: BTreeMap<NaiveDate, &Coverage> = stay.iter().map(|c| (c.date, *c)).collect();
        let is_current = |row: usize| {
            let window = facts.window.stored();
            let stored = stored.get(&dates[row]);
            stored.is_some_and(|c| (c.min_window, c.max_window) == (window, window))
        };
        let (replace, add) = (first..dates.len())
            .filter(|&row| all || touched[row] || !is_current(row))
            .partition(|row| stored.contains_key(&dates[*row]));
        Self {
            add,
            replace,
            remove: go.iter().map(|c| c.date).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: u64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + chrono::Days::new(n)
    }

    fn panel(dates: impl Iterator<Item = u64>) -> Panel {
        let series: Vec<_> = dates.map(|n| (day(n), n as f64)).collect();
        Panel::new(&[series])
    }

    fn coverage(dates: std::ops::Range<u64>, window: i32) -> Vec<Coverage> {
        dates
            .map(|n| Coverage {
                date: day(n),
                cells: 1,
                min_window: window,
                max_window: window,
            })
            .collect()
    }

    fn plan(
        panel: &Panel,
        changed: &[u64],
        coverage: &[Coverage],
        scope: Scope,
        same_symbols: bool,
    ) -> Plan {
        Plan::new(&Facts {
            panel,
            window: Window::new(3).unwrap(),
            scope,
            cells: 1,
            same_symbols,
            changed: &changed.iter().map(|n| day(*n)).collect(),
            coverage,
        })
    }

    #[test]
    fn nothing_changed_nothing_to_compute() {
        let panel = panel(0..10);
        assert_eq!(
            plan(&panel, &[], &coverage(2..10, 3), Scope::Changed, true),
            Plan::default()
        );
    }

    #[test]
    fn a_change_touches_the_windows_that_hold_it() {
        let panel = panel(0..10);
        let plan = plan(&panel, &[4], &coverage(2..10, 3), Scope::Changed, true);
        assert_eq!((plan.replace, plan.remove), (vec![4, 5, 6], vec![]));
        assert!(plan.add.is_empty());
    }

    #[test]
    fn a_date_that_is_gone_moves_the_windows_that_held_it() {
        let panel = panel((0..10).filter(|n| *n != 4));
        let plan = plan(&panel, &[4], &coverage(2..10, 3), Scope::Changed, true);
        // Rows 4 and 5 are days 5 and 6, whose windows held day 4; day 7 is recomputed in vain.
        assert_eq!((plan.replace, plan.remove), (vec![4, 5, 6], vec![day(4)]));
    }

    #[test]
    fn missing_dates_and_other_windows_are_computed() {
        let panel = panel(0..6);
        let mut stored = coverage(2..5, 3);
        stored[1].min_window = 30;
        let plan = plan(&panel, &[], &stored, Scope::Changed, true);
        assert_eq!((plan.replace, plan.add), (vec![3], vec![5]));
    }

    #[test]
    fn other_symbols_or_a_backfill_compute_all() {
        let panel = panel(0..6);
        let stored = coverage(2..6, 3);
        assert_eq!(
            plan(&panel, &[], &stored, Scope::All, true),
            Plan {
                replace: vec![2, 3, 4, 5],
                ..Plan::default()
            }
        );
        assert_eq!(
            plan(&panel, &[], &stored, Scope::Changed, false),
            Plan {
                add: vec![2, 3, 4, 5],
                remove: stored.iter().map(|c| c.date).collect(),
                ..Plan::default()
            }
        );
    }

    #[test]
    fn a_history_shorter_than_the_window_has_none() {
        let panel = panel(0..2);
        let stored = coverage(0..2, 3);
        let plan = plan(&panel, &[0, 1], &stored, Scope::All, true);
        assert!(plan.replace.is_empty() && plan.add.is_empty());
        assert_eq!(plan.remove.len(), 2);
    }
}
