//! JSON shapes of the desk's own that the derive macros do not cover.

use std::{fmt::Display, str::FromStr};

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::types::Invalid;

pub(super) use checked_pg::document::{or_empty, parse, storable};

/// A value where the old layer wrote either one or a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    /// One, not in a list.
    One(T),
    /// A list.
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    /// The values as a slice, however they were written.
    pub fn as_slice(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// An id in its one usual form, which is what the database looks for.
pub(super) fn canonical<'de, T: FromStr + Display, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse()
        .ok()
        .filter(|id: &T| id.to_string() == text)
        .ok_or_else(|| de::Error::custom("expected an id, in lower case"))
}

/// Checks a price, if there is one.
pub(super) fn positive(field: &'static str, price: Option<Decimal>) -> Result<(), Invalid> {
    match price {
        Some(price) if price <= Decimal::ZERO => Err(Invalid::new(field, "must be above zero")),
        _ => Ok(()),
    }
}

/// The price of a trade: above zero, which the domain asks for, too.
pub(super) mod price {
    use serde::{Deserializer, Serializer, de};

    use super::Decimal;
    use crate::types::exact;

    pub(in crate::documents) fn serialize<S: Serializer>(
        value: &Decimal,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        exact::serialize(value, serializer)
    }

    pub(in crate::documents) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Decimal, D::Error> {
        let price = exact::deserialize(deserializer)?;
        match super::positive("price", Some(price)) {
            Ok(()) => Ok(price),
            Err(invalid) => Err(de::Error::custom(invalid.why)),
        }
    }
}

/// Prices the old layer wrote as text: read from text or number, written as text.
pub(super) mod price_text {
    use serde_json::value::RawValue;

    use super::{Decimal, Deserialize, Deserializer, Serializer};
    use crate::types::exact;

    #[expect(clippy::ref_option, reason = "serde's signature")]
    pub(in crate::documents) fn serialize<S: Serializer>(
        value: &Option<Decimal>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::documents) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Decimal>, D::Error> {
        let raw = Option::<Box<RawValue>>::deserialize(deserializer)?;
        let Some(raw) = raw else { return Ok(None) };
        let raw = raw.get();
        let number = match raw
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
        {
            Some(text) if is_plain_number(text) => text,
            Some(_) => "",
            None => raw,
        };
        exact::parse(number)
            .map(Some)
            .ok_or_else(|| serde::de::Error::custom("expected a price as a number or as text"))
    }

    /// A number as JSON writes it, without an exponent: what the domain takes. The decimal's own parser also takes `+1` and `1_000`.
    fn is_plain_number(text: &str) -> bool {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        digits(whole) && digits(decimals) && (whole == "0" || !whole.starts_with('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why<T: serde::de::DeserializeOwned + std::fmt::Debug>(json: &str) -> String {
        parse::<T>(json).unwrap_err().to_string()
    }

    #[test]
    fn messages_about_the_desks_types_repeat_no_value() {
        assert_eq!(
            why::<crate::types::Symbol>("7"),
            ": expected a string with a valid symbol at line 1 column 1"
        );
        let message = why::<crate::documents::RiskProfile>("\"SECRET\"");
        assert!(
            message.starts_with(": expected one of `TIGHT`"),
            "{message}"
        );
    }
}
