//! Closed sets inside of documents that no column of a table holds.

use std::{fmt, str::FromStr};

use crate::types::Invalid;

/// How a trade is entered.
///
/// ```
/// use llm_trading_db::documents::{EntryMode, Lenient};
///
/// assert_eq!(Lenient::of("limit"), EntryMode::Limit.into());
/// assert_eq!(Lenient::<EntryMode>::of("MOO").known(), None); // an old row has it
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryMode {
    /// At a limit, `limit`.
    Limit,
    /// Not at all, `NONE`: the pitch is flat.
    None,
}

impl EntryMode {
    /// The word as it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::None => "NONE",
        }
    }
}

impl fmt::Display for EntryMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EntryMode {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "limit" => Ok(Self::Limit),
            "NONE" => Ok(Self::None),
            _ => Err(Invalid::new("mode", "must be limit or NONE")),
        }
    }
}

/// For how long a trade is. A pitch writes it with a capital, `1W`, and a decision with a small letter, `1w`; old rows have either in
/// both, and keep what they have.
///
/// ```
/// use llm_trading_db::documents::{Horizon, Lenient};
///
/// let stored = Lenient::<Horizon>::of("1W");
/// assert_eq!(stored.known().map(|horizon| horizon.days()), Some(7));
/// assert_eq!(stored.to_string(), "1W");
/// assert_eq!(Lenient::<Horizon>::of("a week").known(), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Horizon {
    days: u8,
    capital: bool,
}

impl Horizon {
    /// A day, `1d`.
    pub const ONE_DAY: Self = Self::of_days(1);
    /// Three days, `3d`.
    pub const THREE_DAYS: Self = Self::of_days(3);
    /// A week, `1w`.
    pub const ONE_WEEK: Self = Self::of_days(7);

    const fn of_days(days: u8) -> Self {
        Self {
            days,
            capital: false,
        }
    }

    /// The same with a capital, as a pitch writes it.
    #[must_use]
    pub const fn capital(self) -> Self {
        Self {
            capital: true,
            ..self
        }
    }

    /// How many days: 1, 3 or 7.
    #[must_use]
    pub const fn days(self) -> u8 {
        self.days
    }

    /// The word as it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match (self.days, self.capital) {
            (1, false) => "1d",
            (1, true) => "1D",
            (3, false) => "3d",
            (3, true) => "3D",
            (_, false) => "1w",
            (_, true) => "1W",
        }
    }
}

impl fmt::Display for Horizon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Horizon {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "1d" => Ok(Self::ONE_DAY),
            "3d" => Ok(Self::THREE_DAYS),
            "1w" => Ok(Self::ONE_WEEK),
            "1D" => Ok(Self::ONE_DAY.capital()),
            "3D" => Ok(Self::THREE_DAYS.capital()),
            "1W" => Ok(Self::ONE_WEEK.capital()),
            _ => Err(Invalid::new("horizon", "must be 1d, 3d or 1w")),
        }
    }
}
