use std::cmp::Ordering;

use checked_pg::key::number_key;
use rust_decimal::Decimal;

use super::{Direction, Invalid};

/// Convictions and amounts are kept to hundredths.
const DECIMALS: u32 = 2;

/// How strongly a direction is held: -2 to 2 with at most two decimals; the sign is the direction's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Conviction(Decimal);

impl Conviction {
    /// No conviction: that of a flat pitch.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// Takes `value` if it is a conviction.
    ///
    /// # Errors
    /// [`Invalid`] outside -2 to 2 or with more than two decimals.
    pub fn new(value: Decimal) -> Result<Self, Invalid> {
        let value = value.normalize();
        if value.abs() > Decimal::TWO || value.scale() > DECIMALS {
            return Err(Invalid::new(
                "conviction",
                "must be from -2 to 2 with at most two decimals",
            ));
        }
        Ok(Self(value))
    }

    /// The number.
    #[must_use]
    pub const fn value(self) -> Decimal {
        self.0
    }

    /// The direction that the sign tells.
    #[must_use]
    pub fn direction(self) -> Direction {
        match self.0.cmp(&Decimal::ZERO) {
            Ordering::Greater => Direction::Long,
            Ordering::Less => Direction::Short,
            Ordering::Equal => Direction::Flat,
        }
    }

    /// Whether the sign fits `direction`: positive for long, negative for short, zero for flat.
    #[must_use]
    pub fn matches(self, direction: Direction) -> bool {
        self.direction() == direction
    }
}

/// A sum of money, above zero, in whole cents: at most 999,999,999,999.99. It is never rounded to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(Decimal);

impl Amount {
    /// The largest amount that `numeric(14,2)` holds.
    const MAX: Decimal = Decimal::from_parts(0x107A_3FFF, 0x5AF3, 0, false, DECIMALS);

    /// Takes `value` if it is an amount.
    ///
    /// # Errors
    /// [`Invalid`] unless `value` is above zero, in whole cents and at most 999,999,999,999.99.
    pub fn new(value: Decimal) -> Result<Self, Invalid> {
        let value = value.normalize();
        if value <= Decimal::ZERO || value > Self::MAX || value.scale() > DECIMALS {
            let why = "must be above zero, in whole cents and at most 999999999999.99";
            return Err(Invalid::new("amount", why));
        }
        Ok(Self(value))
    }

    /// The number.
    #[must_use]
    pub const fn value(self) -> Decimal {
        self.0
    }
}

/// The balance of a cash account: zero or more, in whole cents, at most 999,999,999,999.99. It is never rounded to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Balance(Decimal);

impl Balance {
    /// Takes `value` if it is a balance.
    ///
    /// # Errors
    /// [`Invalid`] unless `value` is zero or more, in whole cents and at most 999,999,999,999.99.
    pub fn new(value: Decimal) -> Result<Self, Invalid> {
        let normal = value.normalize();
        if normal < Decimal::ZERO || normal > Amount::MAX || normal.scale() > DECIMALS {
            let why = "must be zero or more, in whole cents and at most 999999999999.99";
            return Err(Invalid::new("balance", why));
        }
        Ok(Self(value))
    }

    /// The number.
    #[must_use]
    pub const fn value(self) -> Decimal {
        self.0
    }
}

/// The price of one share in US dollars: zero or more, at most four decimals, at most 99,999,999.9999. It is never
/// rounded to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(Decimal);

impl Price {
    const DECIMALS: u32 = 4;
    /// The largest price that `numeric(12,4)` holds.
    const MAX: Decimal = Decimal::from_parts(0xD4A5_0FFF, 0xE8, 0, false, Self::DECIMALS);

    /// Takes `value` if it is a price.
    ///
    /// # Errors
    /// [`Invalid`] unless `value` is zero or more, has at most four decimals and is at most 99,999,999.9999.
    pub fn new(value: Decimal) -> Result<Self, Invalid> {
        // Most prices come with their four decimals, so the costly part is rarely needed.
        let fits = value.scale() <= Self::DECIMALS || value.normalize().scale() <= Self::DECIMALS;
        if value < Decimal::ZERO || value > Self::MAX || !fits {
            let why = "must be zero or more, with at most four decimals and at most 99999999.9999";
            return Err(Invalid::new("price", why));
        }
        Ok(Self(value))
    }

    /// The number.
    #[must_use]
    pub const fn value(self) -> Decimal {
        self.0
    }
}

/// What becomes of a price that is [far](far_apart) from another one of the same thing: a slip of a decimal point, most often.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FarPrices {
    /// It is refused.
    #[default]
    Refused,
    /// It is taken.
    Taken,
}

/// Whether one price is a thousand times the other, or more. Nothing is far from zero.
#[must_use]
pub fn far_apart(a: Decimal, b: Decimal) -> bool {
    let far = |a: Decimal, b: Decimal| {
        let limit = b.checked_mul(Decimal::ONE_THOUSAND);
        !b.is_zero() && limit.is_some_and(|limit| a >= limit)
    };
    far(a, b) || far(b, a)
}

/// A number of shares: above zero, at most six decimals, at most 999,999,999,999.999999. It is never rounded to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(Decimal);

impl Quantity {
    const DECIMALS: u32 = 6;
    /// The largest quantity that `numeric(18,6)` holds.
    const MAX: Decimal = Decimal::from_parts(0xA763_FFFF, 0x0DE0_B6B3, 0, false, Self::DECIMALS);

    /// Takes `value` if it is a quantity.
    ///
    /// # Errors
    /// [`Invalid`] unless `value` is above zero, has at most six decimals and is at most 999,999,999,999.999999.
    pub fn new(value: Decimal) -> Result<Self, Invalid> {
        let value = value.normalize();
        if value <= Decimal::ZERO || value > Self::MAX || value.scale() > Self::DECIMALS {
            let why =
                "must be above zero, with at most six decimals and at most 999999999999.999999";
            return Err(Invalid::new("quantity", why));
        }
        Ok(Self(value))
    }

    /// The number.
    #[must_use]
    pub const fn value(self) -> Decimal {
        self.0
    }
}

/// A number of weeks to look back over: 1 to 5200 (a century).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weeks(i32);

impl Weeks {
    /// Takes `count` if it is a span of weeks.
    ///
    /// # Errors
    /// [`Invalid`] outside 1 to 5200.
    pub fn new(count: i32) -> Result<Self, Invalid> {
        if !(1..=5200).contains(&count) {
            return Err(Invalid::new("weeks", "must be from 1 to 5200"));
        }
        Ok(Self(count))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> i32 {
        self.0
    }
}

number_key!(Conviction, Decimal as "conviction");
number_key!(Amount, Decimal as "amount");
number_key!(Balance, Decimal as "balance");
number_key!(Price, Decimal as "price");
number_key!(Quantity, Decimal as "quantity");
number_key!(Weeks, i32 as "weeks");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::exact;

    fn decimal(text: &str) -> Decimal {
        exact::parse(text).unwrap()
    }

    #[test]
    fn convictions_have_a_range_and_a_sign() {
        for good in ["-2", "2.00", "1.25", "0", "1.500"] {
            assert!(good.parse::<Conviction>().is_ok(), "{good}");
        }
        for bad in ["2.01", "-3", "1.125", "NaN", "", "250"] {
            assert!(bad.parse::<Conviction>().is_err(), "{bad}");
        }
        let short = Conviction::new(decimal("-0.5")).unwrap();
        assert!(short.matches(Direction::Short) && !short.matches(Direction::Long));
        assert!(Conviction::ZERO.matches(Direction::Flat));
        assert_eq!("-0".parse(), Ok(Conviction::ZERO));
    }

    #[test]
    fn amounts_are_never_rounded() {
        assert_eq!(Amount::MAX, decimal("999999999999.99"));
        assert!(Amount::new(Amount::MAX).is_ok());
        for bad in ["0", "-1", "0.125", "1000000000000"] {
            assert!(bad.parse::<Amount>().is_err(), "{bad}");
        }
    }

    #[test]
    fn balances_and_prices_are_never_rounded() {
        assert_eq!(Price::MAX, decimal("99999999.9999"));
        assert_eq!(Quantity::MAX, decimal("999999999999.999999"));
        for good in ["0.000001", "75", "1.50", "999999999999.999999"] {
            assert!(good.parse::<Quantity>().is_ok(), "{good}");
        }
        for bad in ["0", "-75", "0.0000001", "1000000000000", "NaN"] {
            assert!(bad.parse::<Quantity>().is_err(), "{bad}");
        }
        for good in ["0", "0.00", "999999999999.99"] {
            assert!(good.parse::<Balance>().is_ok(), "{good}");
        }
        for bad in ["-0.01", "0.001", "1000000000000"] {
            assert!(bad.parse::<Balance>().is_err(), "{bad}");
        }
        for good in ["0", "12.3456", "12.34560", "99999999.9999"] {
            assert!(good.parse::<Price>().is_ok(), "{good}");
        }
        for bad in ["-1", "0.00001", "100000000", "NaN", "inf", "1e9"] {
            assert!(bad.parse::<Price>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_thousand_times_is_far() {
        for (a, b, far) in [
            ("1000", "1", true),
            ("0.5", "500", true),
            ("499.9999", "0.5", false),
            ("0", "7", false),
            ("3", "3", false),
        ] {
            assert_eq!(far_apart(decimal(a), decimal(b)), far, "{a} {b}");
            assert_eq!(far_apart(decimal(b), decimal(a)), far, "{b} {a}");
        }
    }

    #[test]
    fn json_numbers_stay_exact() {
        let conviction: Conviction = serde_json::from_str("1.5").unwrap();
        assert_eq!(serde_json::to_string(&conviction).unwrap(), "1.5");
        for bad in ["true", "\"1.5\"", "null", "7"] {
            assert!(serde_json::from_str::<Conviction>(bad).is_err(), "{bad}");
        }
        assert_eq!(serde_json::from_str::<Weeks>("4").unwrap().get(), 4);
        assert!(serde_json::from_str::<Weeks>("0").is_err());
    }
}
