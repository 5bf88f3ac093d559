//! JSON numbers as [`Decimal`], digit for digit: nothing passes through a float.
//!
//! For `#[serde(with = "…")]`. It reads the number's own text, which serde_json gives only to a field that it reads
//! directly: below an untagged or internally tagged enum the number would already have been a float.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::value::RawValue;

const EXPECTED: &str = "expected a number of at most 28 digits, such as 12.5";

/// Writes the number digit for digit.
///
/// # Errors
/// The errors of the serializer.
pub fn serialize<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    RawValue::from_string(value.to_string())
        .map_err(ser::Error::custom)?
        .serialize(serializer)
}

/// Reads a number that can be held without rounding.
///
/// # Errors
/// Anything but a number of at most 28 digits.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    parse(raw.get()).ok_or_else(|| de::Error::custom(EXPECTED))
}

/// Reads a decimal number, with or without an exponent, if it can be held without rounding.
pub fn parse(text: &str) -> Option<Decimal> {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return Decimal::from_str_exact(text).ok();
    };
    let mantissa = Decimal::from_str_exact(mantissa).ok()?.normalize();
    let exponent: i32 = exponent.parse().ok()?;
    if mantissa.is_zero() {
        return Some(mantissa);
    }
    let scale = i32::try_from(mantissa.scale())
        .ok()?
        .checked_sub(exponent)?;
    if let Ok(scale) = u32::try_from(scale) {
        return Decimal::try_from_i128_with_scale(mantissa.mantissa(), scale).ok();
    }
    let factor = 10_i128.checked_pow(scale.unsigned_abs())?;
    Decimal::try_from_i128_with_scale(mantissa.mantissa().checked_mul(factor)?, 0).ok()
}

/// The same for a number that may be missing.
pub mod option {
    use super::{Decimal, Deserialize, Deserializer, RawValue, Serializer, de, parse};

    /// As [`serialize`](super::serialize); `None` is null.
    ///
    /// # Errors
    /// The errors of the serializer.
    pub fn serialize<S: Serializer>(
        value: &Option<Decimal>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::serialize(value, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// As [`deserialize`](super::deserialize); null is `None`.
    ///
    /// # Errors
    /// Anything but null or a number of at most 28 digits.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Decimal>, D::Error> {
        let raw = Option::<Box<RawValue>>::deserialize(deserializer)?;
        raw.map(|raw| parse(raw.get()).ok_or_else(|| de::Error::custom(super::EXPECTED)))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form_of_a_number() {
        for (text, expected) in [
            ("0", "0"),
            ("-0.0", "0"),
            ("1.50", "1.50"),
            ("1e2", "100"),
            ("1.5E-3", "0.0015"),
            ("12.5e1", "125"),
            ("0e999", "0"),
            (
                "0.1234567890123456789012345678",
                "0.1234567890123456789012345678",
            ),
        ] {
            assert_eq!(parse(text), expected.parse().ok(), "{text}");
        }
        for bad in [
            "",
            "true",
            "null",
            "\"1\"",
            "1e30",
            "1e-30",
            "NaN",
            "1e",
            "0.12345678901234567890123456789",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
