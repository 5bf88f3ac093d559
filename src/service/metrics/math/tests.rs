//! Against pandas: `tests/fixtures/make_metrics_oracle.py` says how the expected values were made.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;

/// Half a unit of the eighth decimal, and a hair for the twelve that the oracle has.
const TOLERANCE: f64 = 0.5e-8 + 1e-11;

/// A date and the cells of its matrix, row by row.
type Row = (NaiveDate, Vec<Option<f64>>);

#[derive(Deserialize)]
struct Oracle {
    lag: usize,
    symbols: Vec<String>,
    closes: BTreeMap<String, Vec<(NaiveDate, Option<String>)>>,
    returns_1: BTreeMap<String, Vec<Option<f64>>>,
    returns_lag: BTreeMap<String, Vec<Option<f64>>>,
    correlations: BTreeMap<usize, Vec<Row>>,
}

impl Oracle {
    fn load() -> Self {
        serde_json::from_str(include_str!(
            "../../../../tests/fixtures/metrics_oracle.json"
        ))
        .unwrap()
    }

    fn closes(&self, symbol: &str) -> Vec<Option<Decimal>> {
        let rows = self.closes[symbol].iter();
        rows.map(|(_, close)| Some(close.as_deref()?.parse().unwrap()))
            .collect()
    }

    fn panel(&self) -> Panel {
        let series: Vec<Vec<(NaiveDate, f64)>> = self
            .symbols
            .iter()
            .map(|symbol| self.series(symbol))
            .collect();
        Panel::new(&series)
    }

    fn series(&self, symbol: &str) -> Vec<(NaiveDate, f64)> {
        let dates = self.closes[symbol].iter().map(|(date, _)| *date);
        let returns = log_returns(&self.closes(symbol), self.lag);
        dates
            .zip(returns)
            .filter_map(|(date, r)| Some((date, r?)))
            .collect()
    }
}

fn agree(ours: Option<Decimal>, expected: Option<f64>) -> bool {
    match (ours, expected) {
        (Some(ours), Some(expected)) => (ours.to_f64().unwrap() - expected).abs() <= TOLERANCE,
        (ours, expected) => ours.is_none() && expected.is_none(),
    }
}

fn day(n: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 1, 1).unwrap() + chrono::Days::new(n)
}

/// One series per slice, on consecutive days; NaN where there is none.
fn panel(columns: &[&[f64]]) -> Panel {
    let dated = |values: &[f64]| -> Vec<_> { (0..).map(day).zip(values.iter().copied()).collect() };
    Panel::new(
        &columns
            .iter()
            .map(|values| dated(values))
            .collect::<Vec<_>>(),
    )
}

/// All ordered pairs of `size` symbols, row by row; those of a symbol that is not in the matrix have no correlation.
fn pairs(matrix: &Matrix, size: usize) -> Vec<(usize, usize, Option<Decimal>)> {
    let place = |symbol| matrix.members().iter().position(|member| *member == symbol);
    let cell = |a, b| {
        let cell = place(a)? * matrix.members().len() + place(b)?;
        Some(Decimal::new(matrix.cells()[cell]?, SCALE))
    };
    (0..size * size)
        .map(|n| (n / size, n % size, cell(n / size, n % size)))
        .collect()
}

fn correlation(columns: &[&[f64]]) -> Option<Decimal> {
    let panel = panel(columns);
    let matrix = panel.correlations(panel.dates().len() - 1, 2).unwrap();
    pairs(&matrix, 2)[1].2
}

#[test]
fn returns_agree_with_pandas() {
    let oracle = Oracle::load();
    for symbol in &oracle.symbols {
        for (lag, expected) in [
            (1, &oracle.returns_1[symbol]),
            (oracle.lag, &oracle.returns_lag[symbol]),
        ] {
            let ours = log_returns(&oracle.closes(symbol), lag);
            assert_eq!(ours.len(), expected.len());
            for (row, (ours, expected)) in ours.iter().zip(expected).enumerate() {
                assert!(
                    agree(ours.map(to_numeric), *expected),
                    "{symbol} lag {lag} row {row}: {ours:?} {expected:?}"
                );
            }
        }
    }
}

#[test]
fn correlations_agree_with_pandas() {
    let oracle = Oracle::load();
    let panel = oracle.panel();
    for (window, expected) in &oracle.correlations {
        assert_eq!(panel.dates().len(), expected.len() + window - 1);
        assert_eq!(panel.correlations(window - 2, *window), None);
        for (row, (date, cells)) in (window - 1..).zip(expected) {
            assert_eq!(panel.dates()[row], *date);
            let matrix = panel.correlations(row, *window).unwrap();
            let ours = pairs(&matrix, oracle.symbols.len());
            assert_eq!(ours.len(), cells.len());
            for ((a, b, ours), expected) in ours.into_iter().zip(cells) {
                assert!(
                    agree(ours, *expected),
                    "window {window} {date} ({a}, {b}): {ours:?} {expected:?}"
                );
            }
        }
    }
}

#[test]
fn oracle_covers_the_blemishes() {
    let oracle = Oracle::load();
    let blanks = |cells: &[Option<f64>]| cells.iter().filter(|cell| cell.is_none()).count();
    // A NULL and a zero close cost two daily returns each, beside the first row.
    assert_eq!(blanks(&oracle.returns_1["AAA"]), 3);
    assert_eq!(blanks(&oracle.returns_1["BBB"]), 3);
    assert_eq!(oracle.returns_1["CCC"].len(), 56);
    for rows in oracle.correlations.values() {
        assert!(rows.iter().any(|(_, cells)| blanks(cells) == 0));
    }
    assert!(
        oracle.correlations[&10]
            .iter()
            .any(|(_, cells)| blanks(cells) == 7)
    );
}

#[test]
fn closes_without_a_logarithm_yield_no_return() {
    let closes = ["100", "0", "110", "-5", "121"].map(|close| Some(close.parse().unwrap()));
    assert_eq!(log_returns(&closes, 1), [None; 5]);
    let lagged = log_returns(&closes, 2);
    assert_eq!(lagged.iter().filter(|r| r.is_some()).count(), 2);
    assert_eq!(lagged[2].map(to_numeric), Some(Decimal::new(9_531_018, 8)));
    assert_eq!(log_returns(&closes, 9), [None; 5]);
    assert_eq!(log_returns(&[], 1), []);
}

#[test]
fn rounding_is_half_to_even() {
    assert_eq!(to_numeric(1.0 / 3.0).to_string(), "0.33333333");
    assert_eq!(to_numeric(-2.0 / 3.0).to_string(), "-0.66666667");
    assert_eq!(to_numeric(27.6).to_string(), "27.60000000");
    // 0.001953125 and 0.005859375, which an f64 holds exactly: a tie goes to the even digit.
    assert_eq!(to_numeric(1.0 / 512.0).to_string(), "0.00195312");
    assert_eq!(to_numeric(3.0 / 512.0).to_string(), "0.00585938");
    assert_eq!(to_numeric(-1.0 / 512.0).to_string(), "-0.00195312");
}

#[test]
fn too_little_in_common_is_no_correlation() {
    let nan = f64::NAN;
    assert_eq!(correlation(&[&[0.01, 0.02], &[nan, 0.01]]), None);
    assert_eq!(correlation(&[&[nan, 0.02], &[0.01, nan]]), None);
    assert_eq!(
        correlation(&[&[0.01, 0.02], &[0.03, 0.01]]),
        Some(Decimal::NEGATIVE_ONE)
    );
}

#[test]
fn constant_series_is_no_correlation() {
    assert_eq!(correlation(&[&[0.01, 0.02], &[0.1, 0.1]]), None);
    // The same price ratio, off by the last bit of an f64.
    assert_eq!(correlation(&[&[0.01, 0.02], &[0.1 + 0.2, 0.3]]), None);
    // The smallest difference that the column shows is a difference.
    assert_eq!(
        correlation(&[&[0.01, 0.02], &[0.1, 0.100_000_01]]),
        Some(Decimal::ONE)
    );
}

/// The spread of four returns at the limit is no smaller than the limit, with a gap in the series and without one.
#[test]
fn a_series_at_the_limit_is_not_constant() {
    let limit = [CONSTANT, -CONSTANT, CONSTANT, -CONSTANT];
    let under = limit.map(|r| r / 2.0);
    let other = [1.0, -1.0, 1.0, -1.0];
    let with_gap = |mut values: Vec<f64>| {
        values.push(f64::NAN);
        values
    };
    for (series, expected) in [(limit, Some(Decimal::ONE)), (under, None)] {
        let panel = panel(&[&series, &other]);
        let whole = panel.correlations(3, 4).unwrap();
        assert_eq!(pairs(&whole, 2)[1].2, expected);

        let (series, mut longer) = (with_gap(series.to_vec()), other.to_vec());
        longer.push(0.5);
        let panel = self::panel(&[&series, &longer]);
        let gap = panel.correlations(4, 5).unwrap();
        assert_eq!(pairs(&gap, 2)[1].2, expected, "with a gap");
    }
}

#[test]
fn a_row_beyond_the_history_has_no_matrix() {
    let panel = panel(&[&[0.01, 0.02, 0.03, 0.04]]);
    assert_eq!(panel.correlations(4, 2), None);
    assert_eq!(panel.correlations(usize::MAX, 2), None);
}

#[test]
fn a_symbol_without_a_return_in_the_window_is_not_in_the_matrix() {
    let nan = f64::NAN;
    let panel = panel(&[
        &[0.01, nan, nan, nan],
        &[0.01, 0.02, 0.03, 0.05],
        &[nan, nan, nan, 0.01],
    ]);
    let members = |row| panel.correlations(row, 2).unwrap().members().to_vec();
    assert_eq!(
        [members(1), members(2), members(3)],
        [vec![0, 1], vec![1], vec![1, 2]]
    );
}

#[test]
fn a_gap_makes_no_difference_to_the_others() {
    // The prepared way and the one for gaps agree where there is no gap.
    let (xs, ys) = ([0.011, -0.02, 0.005, 0.04], [0.3, 0.1, -0.2, 0.25]);
    let prepared = Series::new(&xs).correlation(&Series::new(&ys)).unwrap();
    assert!((prepared - pearson(&xs, &ys).unwrap()).abs() < 1e-14);
    let itself = Series::new(&xs).correlation(&Series::new(&xs)).unwrap();
    assert_eq!(to_units(itself), 100_000_000);
}

#[test]
fn every_day_with_a_full_window_has_every_pair() {
    // A multiplicative sequence is noise enough.
    let mut state = 1_u64;
    let mut noise = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 40) as f64 / 1e9
    };
    let columns: Vec<Vec<f64>> = (0..10)
        .map(|_| (0..2500).map(|_| noise()).collect())
        .collect();
    let panel = panel(&columns.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let cells: usize = (29..2500)
        .filter_map(|row| panel.correlations(row, 30))
        .map(|m| m.cells().len())
        .sum();
    assert_eq!(cells, 2471 * 100);
}
