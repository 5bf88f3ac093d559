use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A word of a closed set, a name or an id inside of a document: of its type, or the text that an old row has in its place, which is
/// read and kept as it is.
///
/// ```
/// use llm_trading_db::{documents::Lenient, types::OrderSide};
///
/// let side: Lenient<OrderSide> = Lenient::of("sell");
/// assert_eq!(side, OrderSide::Sell.into());
/// assert_eq!(Lenient::<OrderSide>::of("SELL").known(), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lenient<T> {
    /// As it should be.
    Known(T),
    /// Anything else; made by [`Lenient::of`], which looks first whether it is known.
    Text(String),
}

impl<T: FromStr + fmt::Display> Lenient<T> {
    /// From its text.
    #[must_use]
    pub fn of(text: impl Into<String>) -> Self {
        let text = text.into();
        // An id in another form than its usual one would be written in other words than it was read.
        match text.parse::<T>() {
            Ok(known) if known.to_string() == text => Self::Known(known),
            _ => Self::Text(text),
        }
    }
}

impl<T> Lenient<T> {
    /// The value, if it is of its type.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(known) => Some(known),
            Self::Text(_) => None,
        }
    }
}

impl<T> Default for Lenient<T> {
    /// The empty text, which is of no type.
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl<T> From<T> for Lenient<T> {
    fn from(known: T) -> Self {
        Self::Known(known)
    }
}

impl<T: fmt::Display> fmt::Display for Lenient<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(known) => known.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl<T: fmt::Display> Serialize for Lenient<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, T: FromStr + fmt::Display> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::of)
    }
}
