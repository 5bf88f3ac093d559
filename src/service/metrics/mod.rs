//! The metrics job: log returns and their correlations, from the closes of the bars.
//!
//! | value | formula |
//! |---|---|
//! | daily return | ln(close / close of the previous bar) |
//! | seven-day return | ln(close / close seven bars before): bars, not calendar days |
//! | correlation | Pearson's r of the seven-day returns of two symbols over the last `window` dates on which any symbol has one |
//!
//! A bar whose close is missing or zero yields no return where it is either end. A matrix has the symbols that have a return in its
//! window. A correlation is over the dates both symbols have; it is NULL with fewer than two of them or if one of the series is
//! constant. All values are rounded to eight decimals when they are stored.
//!
//! What is stored is what the bars say: the job writes what is new or different, and removes what the bars no longer support.
//!
//! A bar that cannot be read stops nobody: its close counts as missing, [`Summary::misfits`] names it, and so does each later run until
//! it is mended, which calculates what rests on it.
//!
//! **What a run does.** The database notes which closes change ([`repo::pending`](crate::repo::pending)), so a run reads and writes
//! what they touch: the returns of the next seven bars, and the correlations whose windows hold one of those. It works in
//! transactions of a few seconds each, in little memory however long the history is, and computes on a thread of its own. A run that
//! is interrupted has done its part, and the next one goes on there; while a run is under way the newest returns may have no
//! correlations yet. Two runs at once share the work.

pub mod math;
mod matrices;
mod plan;
mod returns;

use std::{collections::BTreeSet, num::NonZeroU16};

use chrono::NaiveDate;
use tokio::task;

use crate::{
    db::{Db, Tx},
    error::{Error, Result},
    repo::{
        Upserted,
        bars::{self, Close},
        correlations, pending, returns as stored_returns,
        rows::{Misfit, Replay, readable},
    },
    types::{Invalid, Symbol},
};

/// Bars over which the seven-day return runs.
const SEVEN: usize = 7;

/// The first and the last day that the database takes.
const ALWAYS: (NaiveDate, NaiveDate) = (
    match NaiveDate::from_ymd_opt(1, 1, 1) {
        Some(date) => date,
        None => NaiveDate::MIN,
    },
    match NaiveDate::from_ymd_opt(9999, 12, 31) {
        Some(date) => date,
        None => NaiveDate::MAX,
    },
);

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

    /// Its length.
    #[must_use]
    pub fn dates(self) -> u16 {
        self.0.get()
    }

    fn rows(self) -> usize {
        usize::from(self.0.get())
    }

    fn stored(self) -> i32 {
        i32::from(self.0.get())
    }

    /// Dates before one that its window holds.
    fn before(self) -> u32 {
        u32::from(self.0.get()) - 1
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

/// What a run looks at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scope {
    /// What changed since the last run.
    #[default]
    Changed,
    /// Everything: finds what was changed in the tables of returns and correlations themselves.
    All,
}

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Symbols of which a close changed.
    pub symbols: usize,
    /// Their bars on the days that were looked at.
    pub bars: usize,
    /// Daily returns written.
    pub daily: Upserted,
    /// Seven-day returns written.
    pub seven_day: Upserted,
    /// Dates whose correlations were computed.
    pub dates: usize,
    /// Correlations written.
    pub correlations: Upserted,
    /// Values removed because the bars no longer support them.
    pub removed: u64,
    /// Dates that the history lacks until it fills one window; zero if it does.
    pub dates_missing: usize,
    /// What cannot be read: a close among these counted as one that is not known, any other row was left out. Each run tells again.
    pub misfits: Vec<Misfit>,
}

impl std::ops::AddAssign for Summary {
    fn add_assign(&mut self, other: Self) {
        self.symbols += other.symbols;
        self.bars += other.bars;
        self.daily += other.daily;
        self.seven_day += other.seven_day;
        self.dates += other.dates;
        self.correlations += other.correlations;
        self.removed += other.removed;
        self.dates_missing += other.dates_missing;
        self.misfits.extend(other.misfits);
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// The returns of so many bars are calculated.
    Returns {
        /// Bars looked at.
        bars: usize,
    },
    /// The correlations of so many dates are calculated. Said once before the first of them, as an outlook.
    Correlations {
        /// Dates done.
        done: usize,
        /// Dates in all.
        dates: usize,
        /// Values that a date has at most.
        values_per_date: usize,
    },
}

/// Symbols whose bars were looked at.
type Found = BTreeSet<Symbol>;

/// Brings returns and correlations up to date with the bars.
///
/// # Errors
/// As [`run_with`].
pub async fn run(db: &Db, window: Window, scope: Scope) -> Result<Summary> {
    run_with(db, window, scope, drop).await
}

/// As [`run`]; `progress` hears how far it is.
///
/// # Errors
/// [`Error::Invalid`] if the window is another one than that of the stored correlations and longer than the history, which would
/// leave none of them; else those of the database. What was done before the error stays, and the next run goes on there.
#[tracing::instrument(name = "service.metrics.run", skip_all, fields(window = window.rows(), ?scope), err(level = "debug"))]
pub async fn run_with(
    db: &Db,
    window: Window,
    scope: Scope,
    mut progress: impl FnMut(Progress),
) -> Result<Summary> {
    refuse_what_leaves_nothing(db, window).await?;
    if scope == Scope::All {
        pending::note_all_returns(db).await?;
    }
    let mut summary = Summary::default();
    let mut symbols = Found::new();
    let mut stuck = Vec::new();
    while let Some(part) = returns::next(db, window, &stuck).await? {
        summary += part.summary;
        symbols.extend(part.symbols);
        stuck.extend(part.stuck);
        progress(Progress::Returns { bars: summary.bars });
    }
    summary.symbols = symbols.len();

    let (dates, size) = db
        .transaction(async |tx| {
            adopt_window(&mut *tx, window, scope).await?;
            matrices::outlook(tx, window).await
        })
        .await?;
    let tell = |done: usize, progress: &mut dyn FnMut(Progress)| {
        progress(Progress::Correlations {
            done: done.min(dates),
            dates,
            values_per_date: size * size,
        });
    };
    if dates > 0 {
        tell(0, &mut progress);
    }
    while matrices::next(db, window, &mut summary).await? {
        tell(summary.dates, &mut progress);
    }
    let history = stored_returns::dates_since(db, ALWAYS.0, u32::from(window.0.get())).await?;
    if !history.is_empty() {
        summary.dates_missing = window.rows().saturating_sub(history.len());
    }
    summary.misfits.extend(elsewhere(db).await?);
    let place = |misfit: &Misfit| (misfit.table.clone(), misfit.key.clone());
    summary.misfits.sort_by_cached_key(place);
    summary.misfits.dedup();
    tracing::info!(?summary, "metrics are up to date");
    Ok(summary)
}

/// The closes that cannot be read.
fn misfits(closes: &[(usize, Close)]) -> Vec<Misfit> {
    let misfits = closes
        .iter()
        .filter_map(|(_, close)| close.misfit.as_deref());
    misfits.cloned().collect()
}

/// Bars that no run looks at: those with invalid dates or invalid symbols.
async fn elsewhere(db: &Db) -> Result<Vec<Misfit>> {
    let mut undated = readable(db, |replay: Replay| bars::with_invalid_dates(replay)).await?;
    let symbols = readable(db, |replay: Replay| bars::symbols(replay)).await?;
    undated.misfits.extend(symbols.misfits);
    Ok(undated.misfits)
}

/// As [`run`], all of it in the caller's transaction: nothing of it is seen, or stays, before that is committed.
pub(crate) async fn run_in(
    tx: &mut Tx,
    window: Window,
    scope: Scope,
    mut progress: impl FnMut(Progress),
) -> Result<Summary> {
    if scope == Scope::All {
        pending::note_all_returns(&mut *tx).await?;
    }
    let mut summary = Summary::default();
    let mut stuck = Vec::new();
    while let Some(part) = returns::next_in(tx, window, &stuck).await? {
        summary += part.summary;
        stuck.extend(part.stuck);
    }
    adopt_window(&mut *tx, window, scope).await?;
    let (dates, size) = matrices::outlook(&mut *tx, window).await?;
    while matrices::next_in(tx, window, &mut summary).await? {
        progress(Progress::Correlations {
            done: summary.dates.min(dates),
            dates,
            values_per_date: size * size,
        });
    }
    Ok(summary)
}

/// Refuses a new window that no matrix would have, as far as the bars tell, before anything is changed.
async fn refuse_what_leaves_nothing(db: &Db, window: Window) -> Result<()> {
    if !would_replace(db, window).await? {
        return Ok(());
    }
    // Seven bars have no return yet.
    let needed = u32::from(window.0.get()) + SEVEN as u32;
    let days = bars::dates(db, needed).await?;
    match days.len() < needed as usize {
        true => Err(longer_than(window, days.len().saturating_sub(SEVEN))),
        false => Ok(()),
    }
}

/// Whether there are correlations, of another window.
async fn would_replace(db: &Db, window: Window) -> Result<bool> {
    let current = pending::window(db).await?;
    Ok(current.is_some_and(|current| current != window.stored())
        && correlations::extent(db).await?.is_some())
}

fn longer_than(window: Window, history: usize) -> Error {
    let why = format!(
        "{} is longer than the history: {history} dates have a seven-day return; the correlations stay as they are",
        window.rows()
    );
    Error::invalid("window", why)
}

/// Makes this the window of the correlations, and notes all of them if it is a new one.
async fn adopt_window(tx: &mut Tx, window: Window, scope: Scope) -> Result<()> {
    correlations::lock(&mut *tx).await?;
    let current = pending::window(&mut *tx).await?;
    if current == Some(window.stored()) && scope == Scope::Changed {
        return Ok(());
    }
    let stored = correlations::extent(&mut *tx).await?;
    if current.is_some_and(|current| current != window.stored()) && stored.is_some() {
        let history = stored_returns::dates_since(&mut *tx, ALWAYS.0, window.before() + 1).await?;
        if history.len() < window.rows() {
            return Err(longer_than(window, history.len()));
        }
    }
    pending::set_window(&mut *tx, window.stored()).await?;
    let first = stored_returns::dates_since(&mut *tx, ALWAYS.0, 1).await?;
    let last = stored_returns::dates_before(&mut *tx, ALWAYS.1, 1).await?;
    let ends = first.into_iter().chain(last);
    let ends: Vec<NaiveDate> = ends
        .chain(stored.into_iter().flat_map(|(first, last)| [first, last]))
        .collect();
    let span = ends.iter().min().copied().zip(ends.iter().max().copied());
    pending::note_correlations(tx, &Vec::from_iter(span)).await
}

/// Computes on a thread that may take its time.
async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    match task::spawn_blocking(work).await {
        Ok(result) => Ok(result),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Error::Driver("the runtime ended during a computation")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_two_dates_or_more() {
        let refused = [0, 1].map(|dates| Window::new(dates).unwrap_err().to_string());
        assert_eq!(refused, ["window: must be at least 2"; 2]);
        let taken = [2, u16::MAX].map(|dates| Window::new(dates).unwrap().dates());
        assert_eq!(taken, [2, 65535]);
    }

    #[test]
    fn what_parts_did_is_added_up() {
        let upserted = |n| Upserted {
            inserted: n,
            updated: n + 1,
            unchanged: n + 2,
        };
        let part = |n: u64| Summary {
            symbols: n as usize,
            bars: n as usize + 1,
            daily: upserted(n + 2),
            seven_day: upserted(n + 3),
            dates: n as usize + 4,
            correlations: upserted(n + 5),
            removed: n + 6,
            dates_missing: n as usize + 7,
            misfits: Vec::new(),
        };
        let mut sum = part(100);
        sum += part(10);
        let two = |n| Upserted {
            inserted: n,
            updated: n + 2,
            unchanged: n + 4,
        };
        let both = Summary {
            symbols: 110,
            bars: 112,
            daily: two(114),
            seven_day: two(116),
            dates: 118,
            correlations: two(120),
            removed: 122,
            dates_missing: 124,
            misfits: Vec::new(),
        };
        assert_eq!(sum, both);
    }
}
