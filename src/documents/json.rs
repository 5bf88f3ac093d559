//! JSON that the derive macros do not cover.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};

use super::Content;
use crate::types::Invalid;

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

/// Parses, and on failure parses again to learn where: the path costs time, and almost every document fits.
pub(super) fn parse<T: DeserializeOwned>(json: &str) -> Result<T, Invalid> {
    let error = match serde_json::from_str(json) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let mut again = serde_json::Deserializer::from_str(json);
    let path = serde_path_to_error::deserialize::<_, T>(&mut again)
        .err()
        .map(|error| named(error.path()))
        .unwrap_or_default();
    Err(Invalid::new(path, without_values(&error)))
}

/// The path as far as it consists of names: a key that a model made up freely is a value, too.
fn named(path: &Path) -> String {
    let is_name =
        |key: &str| key.len() <= 40 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let mut named = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => named.push_str(&format!("[{index}]")),
            Segment::Map { key } if is_name(key) => {
                if !named.is_empty() {
                    named.push('.');
                }
                named.push_str(key);
            }
            _ => break,
        }
    }
    named
}

/// Checks that what is written of `content` can be stored and read again. It cannot if a key of an `extra` repeats a field.
pub(super) fn writable<C: Content>(content: &C) -> Result<(), Invalid> {
    let json = serde_json::to_string(content)
        .map_err(|_| Invalid::new("", "cannot be written as JSON"))?;
    storable(&json)?;
    C::parse(&json).map(drop)
}

/// Checks for the one character that JSON has and JSONB has not.
pub(super) fn storable(json: &str) -> Result<(), Invalid> {
    let mut rest = json.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        let escape = &rest[at + 1..];
        if escape.starts_with(b"u0000") {
            return Err(Invalid::new(
                "",
                "must not contain U+0000, which JSONB cannot hold",
            ));
        }
        // An escaped backslash begins no further escape.
        rest = escape.get(1..).unwrap_or_default();
    }
    Ok(())
}

/// Checks a price, if there is one.
pub(super) fn positive(field: &'static str, price: Option<Decimal>) -> Result<(), Invalid> {
    match price {
        Some(price) if price <= Decimal::ZERO => Err(Invalid::new(field, "must be above zero")),
        _ => Ok(()),
    }
}

/// What serde says is wrong, without the value it says it about.
fn without_values(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let tells_value = ["invalid ", "unknown "]
        .iter()
        .any(|start| message.starts_with(start));
    // The value is in the middle and may hold any text; what was expected is ours and comes last.
    match message.rsplit_once(", expected ") {
        Some((_, expected)) if tells_value => format!("expected {expected}"),
        _ => message,
    }
}

/// Reads null as the empty value: models write either for "none".
pub(super) fn or_empty<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
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
        let text = raw.get().trim_matches('"');
        exact::parse(text)
            .map(Some)
            .ok_or_else(|| serde::de::Error::custom("expected a price as a number or as text"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why<T: DeserializeOwned + std::fmt::Debug>(json: &str) -> String {
        parse::<T>(json).unwrap_err().to_string()
    }

    #[test]
    fn messages_say_where_and_repeat_no_value() {
        assert_eq!(
            why::<Vec<u8>>("[1, \"secret, expected secret\"]"),
            "[1]: expected u8 at line 1 column 29"
        );
        assert_eq!(why::<u8>("300"), ": expected u8 at line 1 column 3");
        assert_eq!(why::<u8>("1 2"), ": trailing characters at line 1 column 3");
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

    #[test]
    fn jsonb_has_no_nul() {
        for (text, fits) in [
            ("a\\u0000", true),
            ("a\0b", false),
            ("\\\0", false),
            ("\u{1}", true),
        ] {
            let json = serde_json::to_string(text).unwrap();
            assert_eq!(storable(&json).is_ok(), fits, "{text:?}");
        }
        assert!(storable("\\").is_ok());
    }
}
