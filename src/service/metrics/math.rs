//! Log returns and their rolling correlations: pure functions, no database.
//!
//! **Arithmetic.** Returns and correlations are dimensionless ratios, so they are computed in `f64` from exact prices
//! and rounded once, by [`to_numeric`], when they are stored. Correlations are taken of the unrounded returns. Each
//! window is computed afresh in two passes (means, then centred sums): nothing is carried from one window to the next,
//! so nothing drifts, and a date has the same correlations however many other dates are computed with it.

use std::{collections::BTreeSet, ops::Range};

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
    // At most 28 for a return and 1 for a correlation: the scaled value is exact in an `i64`.
    Decimal::new((value * UNITS).round_ties_even() as i64, SCALE)
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

    /// The rows on or after `date`: what an incremental run computes.
    #[must_use]
    pub fn rows_since(&self, date: NaiveDate) -> Range<usize> {
        self.dates.partition_point(|row| *row < date)..self.dates.len()
    }

    /// The correlations over the `window` rows that end with `row`, or `None` if there are fewer rows before it.
    ///
    /// Each pair is computed over the dates in the window on which both symbols have a return.
    #[must_use]
    pub fn correlations(&self, row: usize, window: usize) -> Option<Matrix> {
        let end = row.checked_add(1).filter(|end| *end <= self.dates.len())?;
        let rows = end.checked_sub(window)?..end;
        let size = self.columns.len();
        let mut matrix = Matrix {
            size,
            cells: vec![None; size * size],
        };
        for a in 0..size {
            for b in a..size {
                let r = pearson(
                    &self.columns[a][rows.clone()],
                    &self.columns[b][rows.clone()],
                )
                .map(to_numeric);
                matrix.cells[a * size + b] = r;
                matrix.cells[b * size + a] = r;
            }
        }
        Some(matrix)
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

/// The correlations of every symbol with every symbol, itself included; symmetric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    size: usize,
    cells: Vec<Option<Decimal>>,
}

impl Matrix {
    /// All ordered pairs `(a, b, correlation)` by symbol position, row by row.
    ///
    /// A correlation is in [-1, 1] and rounded to eight decimals; it is `None` if the two have fewer than two dates in
    /// common or if one of them does not vary over those.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize, Option<Decimal>)> {
        let cells = self.cells.iter().enumerate();
        cells.map(|(cell, r)| (cell / self.size, cell % self.size, *r))
    }
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
    // Rounding can carry r a hair past 1.
    Some((xy / x_spread / y_spread).clamp(-1.0, 1.0))
}

/// The pairs in which both values are finite.
fn common(xs: &[f64], ys: &[f64]) -> impl Iterator<Item = (f64, f64)> {
    let pairs = xs.iter().copied().zip(ys.iter().copied());
    pairs.filter(|(x, y)| x.is_finite() && y.is_finite())
}

#[cfg(test)]
mod tests;
