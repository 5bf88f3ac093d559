//! Log returns and their rolling correlations: pure functions, no database.
//!
//! **Arithmetic.** Returns and correlations are dimensionless ratios, so they are computed in `f64` from exact prices
//! and rounded once, by [`to_numeric`], when they are stored. Correlations are taken of the unrounded returns. Each
//! window is computed afresh in two passes (means, then centred sums): nothing is carried from one window to the next,
//! so nothing drifts, and a date has the same correlations however many other dates are computed with it.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use rust_decimal::{Decimal, prelude::ToPrimitive};

/// Decimals of the columns of returns and correlations, `numeric(12,8)`.
const SCALE: u32 = 8;
/// Ten to the [`SCALE`].
const UNITS: f64 = 1e8;
/// Returns whose standard deviation is below this are one and the same: a price in ticks of 0.0001 cannot vary by so
/// little, rounding in `f64` can.
const CONSTANT: f64 = 1e-12;

/// Rounds a return or a correlation to the eight decimals it is stored with, half to even.
#[must_use]
pub fn to_numeric(value: f64) -> Decimal {
    Decimal::new(to_units(value), SCALE)
}

/// The same as a whole number of units of the eighth decimal.
fn to_units(value: f64) -> i64 {
    // At most 28 for a return and 1 for a correlation: the scaled value is exact in an `i64`.
    (value * UNITS).round_ties_even() as i64
}

/// The log return ln(`close[t]` / `close[t - lag]`) of every row of one symbol, in the order of the rows.
///
/// `closes` are the symbol's bars in date order. The lag counts rows (trading bars), not calendar days. A row has no
/// return if it is one of the first `lag`, or if either close is missing, zero or negative; a row without a close still
/// counts as a row.
#[must_use]
pub fn log_returns(closes: &[Option<Decimal>], lag: usize) -> Vec<Option<f64>> {
    let prices: Vec<Option<f64>> = closes.iter().map(|close| price(*close)).collect();
    (0..prices.len())
        .map(|row| {
            let before = prices[row.checked_sub(lag)?]?;
            Some((prices[row]? / before).ln())
        })
        .collect()
}

/// A close that has a logarithm.
fn price(close: Option<Decimal>) -> Option<f64> {
    close?.to_f64().filter(|close| *close > 0.0)
}

/// The returns of several symbols, laid out over the union of their dates.
///
/// Symbols are known by their position in the input.
#[derive(Debug, Clone)]
pub struct Panel {
    dates: Vec<NaiveDate>,
    /// One column per symbol, as long as `dates`; NaN where the symbol has no return.
    columns: Vec<Vec<f64>>,
}

impl Panel {
    /// Aligns one series of dated returns per symbol; the order within a series does not matter.
    ///
    /// The rows are the dates on which at least one symbol has a return. Of two returns of one symbol and date the later
    /// one counts.
    #[must_use]
    pub fn new<S: AsRef<[(NaiveDate, f64)]>>(series: &[S]) -> Self {
        let dates: BTreeSet<NaiveDate> = series
            .iter()
            .flat_map(|s| s.as_ref())
            .map(|(date, _)| *date)
            .collect();
        let dates: Vec<NaiveDate> = dates.into_iter().collect();
        let columns = series.iter().map(|s| column(&dates, s.as_ref())).collect();
        Self { dates, columns }
    }

    /// The dates of the rows, ascending.
    #[must_use]
    pub fn dates(&self) -> &[NaiveDate] {
        &self.dates
    }

    /// The correlations over the `window` rows that end with `row`, or `None` if there are fewer rows before it.
    ///
    /// Each pair is computed over the dates in the window on which both symbols have a return; a symbol without any return in the
    /// window is not in the matrix.
    #[must_use]
    pub fn correlations(&self, row: usize, window: usize) -> Option<Matrix> {
        let end = row.checked_add(1).filter(|end| *end <= self.dates.len())?;
        let rows = end.checked_sub(window)?..end;
        let (members, series): (Vec<usize>, Vec<Series<'_>>) = self
            .columns
            .iter()
            .map(|column| &column[rows.clone()])
            .enumerate()
            .filter(|(_, returns)| returns.iter().any(|r| r.is_finite()))
            .map(|(member, returns)| (member, Series::new(returns)))
            .unzip();
        let size = members.len();
        let mut cells = vec![None; size * size];
        for a in 0..size {
            for b in a..size {
                let r = series[a].correlation(&series[b]).map(to_units);
                cells[a * size + b] = r;
                cells[b * size + a] = r;
            }
        }
        Some(Matrix { members, cells })
    }
}

/// One symbol's returns over `dates`, which hold every date of `series`.
fn column(dates: &[NaiveDate], series: &[(NaiveDate, f64)]) -> Vec<f64> {
    let mut column = vec![f64::NAN; dates.len()];
    for (date, value) in series {
        if let Ok(row) = dates.binary_search(date) {
            column[row] = *value;
        }
    }
    column
}

/// The correlations of every member with every member, itself included; symmetric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    members: Vec<usize>,
    cells: Vec<Option<i64>>,
}

impl Matrix {
    /// The symbols that have a return in the window, by their position, ascending.
    #[must_use]
    pub fn members(&self) -> &[usize] {
        &self.members
    }

    /// The correlations in units of the eighth decimal, row by row; `None` if two have fewer than two dates in common or if one of
    /// them does not vary over those.
    #[must_use]
    pub fn cells(&self) -> &[Option<i64>] {
        &self.cells
    }
}

/// The returns of a symbol in a window, prepared once for all its pairs.
struct Series<'a> {
    returns: &'a [f64],
    /// The returns less their mean, by the root of the sum of their squares: a correlation of two is their product. Only of a series
    /// without a gap.
    normal: Option<Normal>,
}

enum Normal {
    Constant,
    Varying(Vec<f64>),
}

impl<'a> Series<'a> {
    fn new(returns: &'a [f64]) -> Self {
        let whole = returns.len() >= 2 && returns.iter().all(|r| r.is_finite());
        Self {
            returns,
            normal: whole.then(|| Normal::of(returns)),
        }
    }

    fn correlation(&self, other: &Self) -> Option<f64> {
        match (&self.normal, &other.normal) {
            (Some(Normal::Constant), Some(_)) | (Some(_), Some(Normal::Constant)) => None,
            (Some(Normal::Varying(xs)), Some(Normal::Varying(ys))) => {
                // Rounding can carry r a hair past 1.
                Some(product(xs, ys).clamp(-1.0, 1.0))
            }
            _ => pearson(self.returns, other.returns),
        }
    }
}

impl Normal {
    fn of(returns: &[f64]) -> Self {
        let n = returns.len() as f64;
        let mean = returns.iter().sum::<f64>() / n;
        let centred: Vec<f64> = returns.iter().map(|r| r - mean).collect();
        let spread = product(&centred, &centred).sqrt();
        if spread < CONSTANT * n.sqrt() {
            return Self::Constant;
        }
        Self::Varying(centred.iter().map(|r| r / spread).collect())
    }
}

/// The sum of the products of two series of one length. A plain loop: it is most of the job's work, and builds without
/// optimisation run it, too.
fn product(xs: &[f64], ys: &[f64]) -> f64 {
    let (mut sum, mut row) = (0.0, 0);
    while row < xs.len() {
        sum += xs[row] * ys[row];
        row += 1;
    }
    sum
}

/// Pearson's r over the positions at which both have a finite value.
fn pearson(xs: &[f64], ys: &[f64]) -> Option<f64> {
    let (mut n, mut x_sum, mut y_sum) = (0.0, 0.0, 0.0);
    for (x, y) in common(xs, ys) {
        n += 1.0;
        x_sum += x;
        y_sum += y;
    }
    if n < 2.0 {
        return None;
    }
    let (x_mean, y_mean) = (x_sum / n, y_sum / n);
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in common(xs, ys) {
        let (dx, dy) = (x - x_mean, y - y_mean);
        xx += dx * dx;
        yy += dy * dy;
        xy += dx * dy;
    }
    let (x_spread, y_spread) = (xx.sqrt(), yy.sqrt());
    if x_spread.min(y_spread) < CONSTANT * n.sqrt() {
        return None;
    }
    Some((xy / x_spread / y_spread).clamp(-1.0, 1.0))
}

/// The pairs in which both values are finite.
fn common(xs: &[f64], ys: &[f64]) -> impl Iterator<Item = (f64, f64)> {
    let pairs = xs.iter().copied().zip(ys.iter().copied());
    pairs.filter(|(x, y)| x.is_finite() && y.is_finite())
}

#[cfg(test)]
mod tests;
