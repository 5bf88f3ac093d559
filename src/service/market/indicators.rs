//! Technical indicators over daily closes: exact decimals, rounded once at the end, half to even, to two places.

use chrono::NaiveDate;
use rust_decimal::Decimal;

/// Places of every result.
const PLACES: u32 = 2;

/// One symbol's closes in time order, whatever order they came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closes(Vec<Decimal>);

impl Closes {
    /// Takes dated closes in any order.
    #[must_use]
    pub fn new(dated: impl IntoIterator<Item = (NaiveDate, Decimal)>) -> Self {
        let mut dated: Vec<_> = dated.into_iter().collect();
        dated.sort_by_key(|(date, _)| *date);
        Self(dated.into_iter().map(|(_, close)| close).collect())
    }

    /// The simple moving average: the mean of the latest `n` closes, in price units.
    ///
    /// `None` if there are fewer than `n`, or if `n` is zero.
    #[must_use]
    pub fn sma(&self, n: usize) -> Option<Decimal> {
        let latest = self.latest(n)?;
        let sum = latest
            .iter()
            .try_fold(Decimal::ZERO, |sum, close| sum.checked_add(*close))?;
        Some(sum.checked_div(Decimal::from(n))?.round_dp(PLACES))
    }

    /// The relative strength index over the latest `n` changes (`n + 1` closes), from 0 to 100.
    ///
    /// RSI = 100 − 100 / (1 + average gain / average loss), with simple averages over the `n` changes from close to close
    /// in time order (Cutler's form, without Wilder's smoothing). Without a loss it is 100, and so it is for a series that
    /// does not move at all; without a gain it is 0, which is a value. `None` if there are fewer than `n + 1` closes, or
    /// if `n` is zero.
    #[must_use]
    pub fn rsi(&self, n: usize) -> Option<Decimal> {
        let latest = self.latest(n.checked_add(1)?).filter(|_| n > 0)?;
        let (mut gains, mut losses) = (Decimal::ZERO, Decimal::ZERO);
        for pair in latest.windows(2) {
            let change = pair[1].checked_sub(pair[0])?;
            if change.is_sign_positive() {
                gains = gains.checked_add(change)?;
            } else {
                losses = losses.checked_sub(change)?;
            }
        }
        if losses.is_zero() {
            return Some(Decimal::ONE_HUNDRED);
        }
        // The same formula with one division: both averages are over `n`, which cancels out.
        let strength = gains.checked_mul(Decimal::ONE_HUNDRED)?;
        Some(
            strength
                .checked_div(gains.checked_add(losses)?)?
                .round_dp(PLACES),
        )
    }

    /// The latest `n` closes, still in time order.
    fn latest(&self, n: usize) -> Option<&[Decimal]> {
        self.0.get(self.0.len().checked_sub(n)?..)
    }
}

/// The change from `from` to `to` in percent of `from`; zero if there is none.
///
/// `None` if `from` is zero, or if the result is beyond what a [`Decimal`] holds.
#[must_use]
pub fn percent_change(from: Decimal, to: Decimal) -> Option<Decimal> {
    let change = to.checked_sub(from)?.checked_mul(Decimal::ONE_HUNDRED)?;
    Some(change.checked_div(from)?.round_dp(PLACES))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    /// Closes on consecutive days from the first of January.
    fn closes(values: &[&str]) -> Closes {
        let first = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap();
        Closes::new(first.iter_days().zip(values.iter().map(|value| dec(value))))
    }

    /// A line of `n` closes: 100, 101, 102 …
    fn rising(n: i64) -> Closes {
        let first = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap();
        Closes::new(first.iter_days().zip((100..100 + n).map(Decimal::from)))
    }

    #[test]
    fn input_order_does_not_matter() {
        let day = |d| NaiveDate::from_ymd_opt(2024, 1, d).unwrap();
        let newest_first = Closes::new([
            (day(3), dec("12")),
            (day(2), dec("11")),
            (day(1), dec("10")),
        ]);
        assert_eq!(newest_first, closes(&["10", "11", "12"]));
        assert_eq!(newest_first.sma(2), Some(dec("11.50")));
    }

    #[test]
    fn sma_is_the_mean_of_the_latest() {
        // (2 + 3 + 4.01) / 3 = 3.00333…
        assert_eq!(
            closes(&["1000", "2", "3", "4.01"]).sma(3),
            Some(dec("3.00"))
        );
        assert_eq!(rising(50).sma(20), Some(dec("139.5")));
        assert_eq!(rising(50).sma(50), Some(dec("124.5")));
        assert_eq!(rising(49).sma(50), None);
        assert_eq!(rising(3).sma(0), None);
        assert_eq!(closes(&["0", "0"]).sma(2), Some(Decimal::ZERO));
    }

    #[test]
    fn sma_rounds_half_to_even() {
        assert_eq!(closes(&["0.00", "0.01"]).sma(2), Some(dec("0.00")));
        assert_eq!(closes(&["0.01", "0.02"]).sma(2), Some(dec("0.02")));
    }

    #[test]
    fn rsi_of_one_way_and_flat_series() {
        assert_eq!(rising(15).rsi(14), Some(dec("100")));
        let falling: Vec<String> = (0..15).map(|i| (100 - i).to_string()).collect();
        let falling: Vec<&str> = falling.iter().map(String::as_str).collect();
        assert_eq!(closes(&falling).rsi(14), Some(Decimal::ZERO));
        assert_eq!(closes(&["5"; 15]).rsi(14), Some(dec("100")));
    }

    #[test]
    fn rsi_needs_one_close_more_than_changes() {
        assert_eq!(rising(14).rsi(14), None);
        assert_eq!(rising(15).rsi(0), None);
        assert_eq!(rising(15).rsi(usize::MAX), None);
        assert_eq!(closes(&[]).rsi(14), None);
    }

    #[test]
    fn rsi_by_hand() {
        // Changes +1 -0.5 repeated seven times: gains 7, losses 3.5, 100 - 100 / (1 + 2) = 66.666…
        let zigzag = [
            "10", "11", "10.5", "11.5", "11", "12", "11.5", "12.5", "12", "13", "12.5", "13.5",
            "13", "14", "13.5",
        ];
        assert_eq!(closes(&zigzag).rsi(14), Some(dec("66.67")));
        // Backwards in time the gains are the losses.
        let reversed: Vec<&str> = zigzag.iter().rev().copied().collect();
        assert_eq!(closes(&reversed).rsi(14), Some(dec("33.33")));
    }

    #[test]
    fn rsi_looks_at_the_latest_changes_only() {
        // A crash 15 changes ago is out of sight; 13 rises of 1 and then a fall of 1: 100 * 13 / 14 = 92.857…
        let mut values = vec!["900".to_owned()];
        values.extend((0..14).map(|i| (100 + i).to_string()));
        values.push("112".to_owned());
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        assert_eq!(closes(&values).rsi(14), Some(dec("92.86")));
    }

    #[test]
    fn percent_change_is_exact() {
        assert_eq!(percent_change(dec("100"), dec("103.5")), Some(dec("3.50")));
        assert_eq!(percent_change(dec("3"), dec("2")), Some(dec("-33.33")));
        assert_eq!(
            percent_change(dec("187.44"), dec("187.44")),
            Some(Decimal::ZERO)
        );
        assert_eq!(
            percent_change(dec("187.44"), Decimal::ZERO),
            Some(dec("-100"))
        );
        assert_eq!(percent_change(Decimal::ZERO, dec("1")), None);
        // 0.125 % and 0.375 %: a tie goes to the even digit.
        assert_eq!(percent_change(dec("800"), dec("801")), Some(dec("0.12")));
        assert_eq!(percent_change(dec("800"), dec("803")), Some(dec("0.38")));
        assert_eq!(percent_change(Decimal::MIN, Decimal::MAX), None);
    }
}
