//! JSON that the derive macros do not cover.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};

use super::Content;
use crate::error::Invalid;

/// Keys that a type does not know, kept for the way back.
pub type Extra = Map<String, Value>;

/// Reads JSON and names the path of the field that does not fit.
///
/// # Errors
/// [`Invalid`] with the path of the field; it repeats no value.
pub fn parse<T: DeserializeOwned>(json: &str) -> Result<T, Invalid> {
    let error = match serde_json::from_str(json) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    if let Some(why) = error.is_syntax().then(|| no_number(json)).flatten() {
        return Err(Invalid::new("", why));
    }
    // Once more to learn where: the path costs time, and almost every document fits.
    let mut again = serde_json::Deserializer::from_str(json);
    let path = serde_path_to_error::deserialize::<_, T>(&mut again)
        .err()
        .map(|error| named(error.path()))
        .unwrap_or_default();
    Err(Invalid::new(path, without_values(&error)))
}

/// What to say of a text that is no JSON because some programs, Python's `json` for one, write `NaN` or `Infinity` for a number: the
/// key that has it, and what to write. None if that is not what is wrong.
///
/// ```
/// # use checked_pg::document::no_number;
/// let why = no_number(r#"{"price": NaN}"#).unwrap();
/// assert!(why.starts_with("price is NaN, which JSON does not have"), "{why}");
/// assert_eq!(no_number(r#"{"price": "NaN"}"#), None);
/// ```
#[must_use]
pub fn no_number(json: &str) -> Option<String> {
    let (mut key, mut rest) = ("", json);
    loop {
        let at = rest.find(['"', 'N', 'I'])?;
        rest = &rest[at..];
        if let Some(text) = rest.strip_prefix('"') {
            let end = end_of_text(text)?;
            let behind = &text[end + 1..];
            if behind.trim_start().starts_with(':') {
                key = &text[..end];
            }
            rest = behind;
            continue;
        }
        let found = ["NaN", "Infinity"]
            .iter()
            .find(|word| rest.starts_with(**word));
        if let Some(word) = found {
            let place = match is_name(key) {
                true => key,
                false => "a value",
            };
            return Some(format!(
                "{place} is {word}, which JSON does not have: write a number such as 12.5, or null where none is known"
            ));
        }
        rest = &rest[1..];
    }
}

/// Where the quote is that ends a text of JSON.
fn end_of_text(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

fn is_name(key: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (1..=40).contains(&key.len()) && key.bytes().all(plain)
}

/// The path as far as it consists of names: a key that a model made up freely is a value, too.
fn named(path: &Path) -> String {
    let mut named = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => named.push_str(&format!("[{index}]")),
            Segment::Map { key } if is_name(key) || key.is_empty() => {
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
///
/// # Errors
/// [`Invalid`] if `json` contains U+0000.
pub fn storable(json: &str) -> Result<(), Invalid> {
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

/// Reads null as the empty value, for `#[serde(deserialize_with = "…")]`: models write either for "none".
///
/// # Errors
/// The errors of the value's own type.
pub fn or_empty<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
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
