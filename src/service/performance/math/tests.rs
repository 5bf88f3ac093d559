//! Against numpy: `tests/fixtures/make_metrics_oracle.py` says how the expected values were made.

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Oracle {
    account: String,
    trades: Vec<(String, String, Option<String>, String)>,
    weekly_returns: Vec<f64>,
    weeks_traded: i32,
    profitable_weeks: i32,
    win_rate: f64,
    total_return: f64,
    volatility: Option<f64>,
    sharpe_ratio: Option<f64>,
    max_drawdown: f64,
    avg_conviction: f64,
    max_conviction: f64,
}

impl Oracle {
    fn load() -> Vec<Self> {
        serde_json::from_str(include_str!(
            "../../../../tests/fixtures/performance_oracle.json"
        ))
        .unwrap()
    }

    fn weeks(&self) -> Vec<Week> {
        let week =
            |(direction, entry, exit, conviction): &(String, String, Option<String>, String)| {
                Week {
                    weekly_return: weekly_return(
                        direction.parse().unwrap(),
                        dec(entry),
                        exit.as_deref().map(dec),
                    )
                    .unwrap(),
                    conviction: conviction.parse().unwrap(),
                }
            };
        self.trades.iter().map(week).collect()
    }
}

/// Also in scientific notation.
fn dec(text: &str) -> Decimal {
    text.parse()
        .or_else(|_| Decimal::from_scientific(text))
        .unwrap()
}

fn statistics(weeks: &[Week]) -> Statistics {
    Statistics::of(weeks).unwrap()
}

/// Weeks of these returns, each with conviction 1.
fn weeks(returns: &[&str]) -> Vec<Week> {
    let week = |text: &&str| Week {
        weekly_return: dec(text),
        conviction: "1".parse().unwrap(),
    };
    returns.iter().map(week).collect()
}

fn convictions(values: &[&str]) -> Statistics {
    let week = |text: &&str| Week {
        weekly_return: Decimal::ZERO,
        conviction: text.parse().unwrap(),
    };
    statistics(&values.iter().map(week).collect::<Vec<_>>())
}

/// Asserts that `ours` is `expected` rounded to `scale` decimals.
#[track_caller]
fn assert_agrees(ours: Option<Decimal>, expected: Option<f64>, scale: i32) {
    let ours = ours.map(|value| value.to_f64().unwrap());
    let close = match (ours, expected) {
        (Some(ours), Some(expected)) => {
            (ours - expected).abs() <= 0.5 * 10_f64.powi(-scale) + 1e-11
        }
        (ours, expected) => ours == expected,
    };
    assert!(close, "{ours:?} is not {expected:?}");
}

#[test]
fn agrees_with_numpy() {
    for oracle in Oracle::load() {
        println!("{}", oracle.account);
        let weeks = oracle.weeks();
        for (week, expected) in weeks.iter().zip(&oracle.weekly_returns) {
            assert_agrees(Some(week.weekly_return), Some(*expected), 11);
        }
        let ours = statistics(&weeks);
        assert_eq!(ours.weeks_traded, oracle.weeks_traded);
        assert_eq!(ours.profitable_weeks, oracle.profitable_weeks);
        assert_agrees(ours.win_rate, Some(oracle.win_rate), 4);
        assert_agrees(Some(ours.total_return), Some(oracle.total_return), 6);
        assert_agrees(ours.volatility, oracle.volatility, 6);
        assert_agrees(ours.sharpe_ratio, oracle.sharpe_ratio, 6);
        assert_agrees(ours.max_drawdown, Some(oracle.max_drawdown), 6);
        assert_agrees(
            ours.avg_conviction.map(Conviction::value),
            Some(oracle.avg_conviction),
            2,
        );
        assert_agrees(
            ours.max_conviction.map(Conviction::value),
            Some(oracle.max_conviction),
            2,
        );
    }
}

#[test]
fn weekly_return_by_direction() {
    let (entry, exit) = (dec("100"), Some(dec("110")));
    assert_eq!(
        weekly_return(Direction::Long, entry, exit),
        Some(dec("0.1"))
    );
    assert_eq!(
        weekly_return(Direction::Short, entry, exit),
        Some(dec("-0.1"))
    );
    assert_eq!(
        weekly_return(Direction::Flat, entry, exit),
        Some(Decimal::ZERO)
    );
    assert_eq!(
        weekly_return(Direction::Long, entry, None),
        Some(Decimal::ZERO)
    );
    assert_eq!(weekly_return(Direction::Long, Decimal::ZERO, exit), None);
    assert_eq!(
        weekly_return(Direction::Long, dec("0.0001"), Some(Decimal::MAX)),
        None
    );
}

#[test]
fn no_weeks() {
    assert_eq!(Statistics::of(&[]), Some(Statistics::default()));
    assert_eq!(Statistics::default().total_return, Decimal::ZERO);
}

#[test]
fn a_loss_in_the_first_week_is_a_drawdown() {
    let first = statistics(&weeks(&["-0.1"]));
    assert_eq!(first.max_drawdown, Some(dec("-0.1")));
    assert_eq!(first.total_return, dec("-0.1"));
    assert_eq!((first.volatility, first.sharpe_ratio), (None, None));
    // Up to 1.2, down to 0.9: a quarter of the peak.
    assert_eq!(
        statistics(&weeks(&["0.2", "-0.25", "0.1"])).max_drawdown,
        Some(dec("-0.25"))
    );
}

#[test]
fn ratios_by_hand() {
    // Returns of 0 and 0.02: mean 0.01, deviation 0.01; 0.01 · √52 and (0.01 − 0.04/52) / 0.01 · √52.
    let two = statistics(&weeks(&["0", "0.02"]));
    assert_eq!(two.volatility, Some(dec("0.072111")));
    assert_eq!(two.sharpe_ratio, Some(dec("6.656402")));
    assert_eq!(two.win_rate, Some(dec("0.5")));
}

#[test]
fn steady_returns_have_no_sharpe_ratio() {
    let steady = statistics(&weeks(&["0.1", "0.1", "0.1"]));
    assert_eq!(
        (steady.volatility, steady.sharpe_ratio),
        (Some(Decimal::ZERO), None)
    );
    // The volatility shows, but the ratio is in the millions.
    let nearly = statistics(&weeks(&["0.9", "0.9000004"]));
    assert_eq!(nearly.volatility, Some(dec("0.000001")));
    assert_eq!(nearly.sharpe_ratio, None);
}

#[test]
fn ruin_is_final() {
    let ruined = statistics(&weeks(&["-2", "-2", "0.5"]));
    assert_eq!(ruined.total_return, Decimal::NEGATIVE_ONE);
    assert_eq!(ruined.max_drawdown, Some(Decimal::NEGATIVE_ONE));
}

#[test]
fn what_outgrows_its_column_is_none() {
    assert_eq!(
        statistics(&weeks(&["999998", "0"])).total_return,
        dec("999998")
    );
    assert_eq!(Statistics::of(&weeks(&["1000000"])), None);
    assert_eq!(Statistics::of(&weeks(&["1e20", "1e20"])), None);
    // The capital is gone in the end, but what it went through is not.
    let wild = statistics(&weeks(&["1000000", "-1"]));
    assert_eq!(
        (wild.total_return, wild.volatility),
        (Decimal::NEGATIVE_ONE, None)
    );
}

#[test]
fn strongest_conviction_keeps_its_sign() {
    assert_eq!(
        convictions(&["-0.5", "-2"]).max_conviction,
        "-2".parse().ok()
    );
    assert_eq!(
        convictions(&["1.5", "-1.5"]).max_conviction,
        "1.5".parse().ok()
    );
    assert_eq!(
        convictions(&["-1.5", "1.5"]).max_conviction,
        "-1.5".parse().ok()
    );
}

#[test]
fn rounding_is_half_to_even() {
    // 0.125 and 0.375.
    assert_eq!(
        convictions(&["0.25", "0"]).avg_conviction,
        "0.12".parse().ok()
    );
    assert_eq!(
        convictions(&["0.75", "0"]).avg_conviction,
        "0.38".parse().ok()
    );
    let total = |r| statistics(&weeks(&[r])).total_return;
    assert_eq!(
        (total("0.0000005"), total("-0.0000015")),
        (Decimal::ZERO, dec("-0.000002"))
    );
}
