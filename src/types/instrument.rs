use std::str::FromStr;

use super::{Invalid, Symbol};
use checked_pg::key::text_traits;

/// What a pitch or a decision trades: a symbol, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Instrument {
    /// No position; stored as `FLAT`, and read from `NONE` too.
    Flat,
    /// A position in this symbol.
    Symbol(Symbol),
}

impl Instrument {
    /// The text as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Flat => "FLAT",
            Self::Symbol(symbol) => symbol.as_str(),
        }
    }

    /// The symbol, unless flat.
    #[must_use]
    pub const fn symbol(&self) -> Option<Symbol> {
        match self {
            Self::Flat => None,
            Self::Symbol(symbol) => Some(*symbol),
        }
    }

    /// Whether nothing is traded.
    #[must_use]
    pub const fn is_flat(&self) -> bool {
        matches!(self, Self::Flat)
    }
}

impl From<Symbol> for Instrument {
    fn from(symbol: Symbol) -> Self {
        Self::Symbol(symbol)
    }
}

impl FromStr for Instrument {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "FLAT" | "NONE" => Ok(Self::Flat),
            _ => Symbol::new(text)
                .map(Self::Symbol)
                .map_err(|_| Invalid::new("instrument", "must be FLAT or a symbol, such as SPY")),
        }
    }
}

text_traits!(Instrument, "instrument");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes() {
        assert_eq!("FLAT".parse(), Ok(Instrument::Flat));
        assert_eq!("NONE".parse(), Ok(Instrument::Flat));
        let spy = Instrument::from(Symbol::new("SPY").unwrap());
        assert_eq!("SPY".parse(), Ok(spy));
        assert_eq!(
            serde_json::to_string(&[spy, Instrument::Flat]).unwrap(),
            r#"["SPY","FLAT"]"#
        );
        assert!("spy".parse::<Instrument>().is_err());
    }
}
