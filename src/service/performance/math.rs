//! Statistics of weekly returns: pure functions, no database.
//!
//! Returns are exact decimals. Only what needs a square root goes through `f64`. Everything is rounded once, at the end, half
//! to even, to the decimals of its column.

use rust_decimal::{Decimal, prelude::ToPrimitive};

use crate::types::{Conviction, Direction};

/// Decimals of returns and ratios, `numeric(12,6)`.
const SCALE: u32 = 6;
/// One more than the largest value of such a column.
const LIMIT: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);
/// Decimals of a share, `numeric(5,4)`.
const SHARE_SCALE: u32 = 4;
const WEEKS_PER_YEAR: f64 = 52.0;
/// Yearly return of cash, which a strategy has to beat.
const RISK_FREE: f64 = 0.04;

/// The return of a week as a fraction: (exit − entry) / entry when long, the negative of it when short, zero when flat or
/// while the position is open. `None` if it is beyond what a `Decimal` holds.
#[must_use]
pub fn weekly_return(
    direction: Direction,
    entry: Decimal,
    exit: Option<Decimal>,
) -> Option<Decimal> {
    let Some(exit) = exit else {
        return Some(Decimal::ZERO);
    };
    let gain = exit.checked_sub(entry)?.checked_div(entry)?;
    Some(match direction {
        Direction::Long => gain,
        Direction::Short => -gain,
        Direction::Flat => Decimal::ZERO,
    })
}

/// A week as the statistics see it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Week {
    /// Return as a fraction.
    pub weekly_return: Decimal,
    /// Conviction at the entry.
    pub conviction: Conviction,
}

/// Statistics of an account. Without weeks the return is zero and every ratio `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statistics {
    /// Π(1 + r) − 1, no factor being below zero: a short position can lose more than there is, and ends the account at −1.
    pub total_return: Decimal,
    /// (mean − 0.04/52) / (deviation + 1e-10) · √52; `None` if the volatility is `None` or rounds to
    /// zero, or if the ratio is a million or more: then the returns hardly varied, and it says no more than that.
    pub sharpe_ratio: Option<Decimal>,
    /// The least (c − m) / m, where c is the capital after a week and m its running peak. The first peak is the starting
    /// capital, 1, so that a loss in the first week is a drawdown.
    pub max_drawdown: Option<Decimal>,
    /// Standard deviation of the weekly returns (of the population, ddof = 0) · √52; `None` with fewer than two weeks,
    /// or if it is a million or more, which no column holds.
    pub volatility: Option<Decimal>,
    /// Number of weeks.
    pub weeks_traded: i32,
    /// Weeks with a return above zero.
    pub profitable_weeks: i32,
    /// `profitable_weeks / weeks_traded`.
    pub win_rate: Option<Decimal>,
    /// Mean conviction.
    pub avg_conviction: Option<Conviction>,
    /// The conviction of the largest magnitude, with its sign; the earlier one of two.
    pub max_conviction: Option<Conviction>,
}

impl Statistics {
    /// Of weeks in the order of time. `None` if the capital outgrows its column.
    #[must_use]
    pub fn of(weeks: &[Week]) -> Option<Self> {
        let count = i32::try_from(weeks.len()).ok()?;
        if count == 0 {
            return Some(Self::default());
        }
        let (total_return, max_drawdown) = growth(weeks)?;
        let profitable = weeks
            .iter()
            .filter(|week| week.weekly_return > Decimal::ZERO)
            .count();
        let profitable_weeks = i32::try_from(profitable).ok()?;
        let n = Decimal::from(count);
        let (volatility, sharpe_ratio) = spread(weeks);
        let convictions = weeks.iter().map(|week| week.conviction);
        let mean = convictions.clone().map(Conviction::value).sum::<Decimal>() / n;
        let strongest = convictions.reduce(|a, b| {
            if b.value().abs() > a.value().abs() {
                b
            } else {
                a
            }
        });
        Some(Self {
            total_return,
            sharpe_ratio,
            max_drawdown: Some(max_drawdown),
            volatility,
            weeks_traded: count,
            profitable_weeks,
            win_rate: Some((Decimal::from(profitable_weeks) / n).round_dp(SHARE_SCALE)),
            // The mean of values in range is in range.
            avg_conviction: Conviction::new(mean.round_dp(2)).ok(),
            max_conviction: strongest,
        })
    }
}

/// Total return and largest drawdown, rounded.
fn growth(weeks: &[Week]) -> Option<(Decimal, Decimal)> {
    let (mut capital, mut peak, mut drawdown) = (Decimal::ONE, Decimal::ONE, Decimal::ZERO);
    for week in weeks {
        // Capital that is gone stays gone: without the floor two ruinous short weeks would multiply to a profit.
        let factor = Decimal::ONE.checked_add(week.weekly_return)?;
        capital = capital.checked_mul(factor.max(Decimal::ZERO))?;
        peak = peak.max(capital);
        drawdown = drawdown.min((capital - peak).checked_div(peak)?);
    }
    Some((stored(capital - Decimal::ONE)?, stored(drawdown)?))
}

/// Volatility and Sharpe ratio. A ratio beyond its column says nothing: it is `None`.
fn spread(weeks: &[Week]) -> (Option<Decimal>, Option<Decimal>) {
    let returns: Option<Vec<f64>> = weeks
        .iter()
        .map(|week| week.weekly_return.to_f64())
        .collect();
    let Some(returns) = returns.filter(|returns| returns.len() > 1) else {
        return (None, None);
    };
    let n = returns.len() as f64;
    let mean = returns.iter().sum::<f64>() / n;
    let variance = returns.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / n;
    let deviation = variance.sqrt();
    let annual = WEEKS_PER_YEAR.sqrt();
    let sharpe = (mean - RISK_FREE / WEEKS_PER_YEAR) / (deviation + 1e-10) * annual;
    let from_f64 = |value: f64| Decimal::try_from(value).ok().and_then(stored);
    let volatility = from_f64(deviation * annual);
    // Rounded to zero, it is that of equal returns, whatever trace of a spread their sum in f64 left.
    let varies = volatility.is_some_and(|volatility| !volatility.is_zero());
    (volatility, varies.then(|| from_f64(sharpe)).flatten())
}

/// As its column holds it; `None` if it is beyond that.
pub(super) fn stored(value: Decimal) -> Option<Decimal> {
    let rounded = value.round_dp(SCALE);
    (rounded.abs() < LIMIT).then_some(rounded)
}

#[cfg(test)]
mod tests;
