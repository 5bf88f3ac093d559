//! Figures that are computed, not entered: a value is rounded to the digits of its domain, as PostgreSQL would, and refused
//! beyond its range.

use checked_pg::key::number_key;
use rust_decimal::{Decimal, RoundingStrategy};

use super::Invalid;

/// A figure over a numeric domain: its decimals, and the least and the largest value in units of the last decimal.
macro_rules! figure {
    ($(#[$meta:meta])* $name:ident as $domain:literal, $decimals:literal, $least:literal..=$most:literal, $rule:literal) => {
        $(#[$meta])*
        ///
        #[doc = concat!("Rule: ", $rule, ".")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Decimal);

        impl $name {
            /// Takes `value`, rounded half away from zero if it has more decimals.
            ///
            /// # Errors
            #[doc = concat!("[`Invalid`] unless the rule holds: ", $rule, ".")]
            pub fn new(value: Decimal) -> Result<Self, Invalid> {
                let value = match value.scale() {
                    0..=$decimals => value,
                    _ => value.round_dp_with_strategy($decimals, RoundingStrategy::MidpointAwayFromZero),
                };
                let range = Decimal::new($least, $decimals)..=Decimal::new($most, $decimals);
                if !range.contains(&value) {
                    return Err(Invalid::new($domain, concat!("must be ", $rule)));
                }
                Ok(Self(value))
            }

            /// The number.
            #[must_use]
            pub const fn value(self) -> Decimal {
                self.0
            }
        }

        impl From<$name> for Decimal {
            fn from(figure: $name) -> Self {
                figure.0
            }
        }

        number_key!($name, Decimal as $domain);
    };
}

figure! {
    /// An amount of money in US dollars and cents, of any sign.
    Usd as "usd", 2, -999_999_999_999..=999_999_999_999,
    "from -9999999999.99 to 9999999999.99, in cents"
}
figure! {
    /// The natural logarithm of a price ratio.
    LogReturn as "log_return", 8, -999_999_999_999..=999_999_999_999,
    "from -9999.99999999 to 9999.99999999, with eight decimals"
}
figure! {
    /// A correlation coefficient.
    Correlation as "correlation", 8, -100_000_000..=100_000_000,
    "from -1 to 1, with eight decimals"
}
figure! {
    /// A return or a statistic of returns as a fraction: 0.01 is one per cent.
    Ratio as "ratio", 6, -999_999_999_999..=999_999_999_999,
    "from -999999.999999 to 999999.999999, with six decimals"
}
figure! {
    /// A part of a whole.
    Share as "share", 4, 0..=10_000,
    "from 0 to 1, with four decimals"
}

/// A number of shares traded: zero or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Volume(i64);

impl Volume {
    /// Takes `shares` if it is a volume.
    ///
    /// # Errors
    /// [`Invalid`] below zero.
    pub fn new(shares: i64) -> Result<Self, Invalid> {
        if shares < 0 {
            return Err(Invalid::new("volume", "must be zero or more"));
        }
        Ok(Self(shares))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl From<Volume> for i64 {
    fn from(volume: Volume) -> Self {
        volume.0
    }
}

number_key!(Volume, i64 as "volume");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_rounded_and_have_a_range() {
        for (text, stored) in [
            ("0.1234565", "0.123457"),
            ("-0.0000005", "-0.000001"),
            ("1", "1"),
        ] {
            assert_eq!(text.parse::<Ratio>().unwrap().to_string(), stored);
        }
        for bad in ["1000000", "999999.9999995", "NaN"] {
            assert!(bad.parse::<Ratio>().is_err(), "{bad}");
        }
        assert!("1.00004".parse::<Share>().is_ok() && "1.00005".parse::<Share>().is_err());
        assert!("-1.1".parse::<Correlation>().is_err() && "-0.1".parse::<Share>().is_err());
        assert!(Volume::new(0).is_ok() && "-1".parse::<Volume>().is_err());
    }
}
