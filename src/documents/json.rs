//! JSON that the derive macros do not cover.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// Keys that a type does not know, kept for the way back.
pub type Extra = Map<String, Value>;

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

/// What serde says is wrong, without the value it says it about.
pub(super) fn without_values(error: &serde_json::Error) -> String {
    let message = error.to_string();
    match message.find("expected ") {
        Some(at) => message[at..].to_owned(),
        None => message,
    }
}

/// Prices the old layer wrote as text: read from text or number, written as text.
pub(super) mod price_text {
    use super::{Deserialize, Deserializer, Serializer};
    use crate::types::exact;
    use rust_decimal::Decimal;
    use serde_json::value::RawValue;

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
        let text = raw.get().trim_matches('"');
        exact::parse(text)
            .map(Some)
            .ok_or_else(|| serde::de::Error::custom("expected a price as a number or as text"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_repeat_no_value() {
        for (json, expected) in [
            ("\"secret\"", "expected u8 at line 1 column 8"),
            ("300", "expected u8 at line 1 column 3"),
            ("", "EOF while parsing a value at line 1 column 0"),
        ] {
            let error = serde_json::from_str::<u8>(json).unwrap_err();
            assert_eq!(without_values(&error), expected);
        }
    }
}
