//! PostgreSQL's binary `numeric` as a [`Decimal`]: sqlx's own way computes a power and a product of decimals for every four
//! digits, which for a few hundred prices costs more than all the rest of reading them.

use rust_decimal::Decimal;
use sqlx::{
    Decode, Postgres,
    error::BoxDynError,
    postgres::{PgValueFormat, PgValueRef},
};

/// The number, with the scale it was stored with. What does not fit is left to sqlx, and so are its errors.
#[doc(hidden)]
pub fn decode(value: PgValueRef<'_>) -> Result<Decimal, BoxDynError> {
    if value.format() == PgValueFormat::Binary
        && let Some(number) = read(value.as_bytes()?)
    {
        return Ok(number);
    }
    Decode::<Postgres>::decode(value)
}

/// Groups of four digits, the first of which counts 10000 to the `weight`.
fn read(bytes: &[u8]) -> Option<Decimal> {
    const NEGATIVE: u16 = 0x4000;
    /// More could overflow the mantissa.
    const MOST_GROUPS: usize = 8;

    let (header, groups) = bytes.as_chunks::<2>().0.split_first_chunk::<4>()?;
    let [count, weight, sign, scale] = header.map(u16::from_be_bytes);
    if groups.len() != usize::from(count) || groups.len() > MOST_GROUPS || sign & !NEGATIVE != 0 {
        return None;
    }
    if groups.is_empty() {
        return Some(Decimal::ZERO);
    }
    let mantissa = groups.iter().try_fold(0_i128, |mantissa, group| {
        let group = u16::from_be_bytes(*group);
        (group < 10_000).then_some(mantissa * 10_000 + i128::from(group))
    })?;
    let exponent = 4 * (i32::from(weight.cast_signed()) + 1 - i32::from(count));
    let mantissa = shift(mantissa, exponent + i32::from(scale))?;
    let signed = if sign == NEGATIVE {
        -mantissa
    } else {
        mantissa
    };
    Decimal::try_from_i128_with_scale(signed, u32::from(scale)).ok()
}

/// `mantissa` times ten to the `places`, if that is a whole number.
fn shift(mantissa: i128, places: i32) -> Option<i128> {
    let power = 10_i128.checked_pow(places.unsigned_abs())?;
    if places >= 0 {
        return mantissa.checked_mul(power);
    }
    (mantissa % power == 0).then(|| mantissa / power)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The wire form: groups of four digits, weight, sign and scale.
    fn wire(groups: &[u16], weight: i16, sign: u16, scale: u16) -> Vec<u8> {
        let count = u16::try_from(groups.len()).unwrap();
        let header = [count, weight.cast_unsigned(), sign, scale];
        let words = header.iter().chain(groups);
        words.flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn numbers_keep_their_digits_and_their_scale() {
        for (groups, weight, sign, scale, text) in [
            (&[123, 4500][..], 0, 0, 4, "123.4500"),
            (&[1, 5000], 0, 0x4000, 2, "-1.50"),
            (&[5], -1, 0, 4, "0.0005"),
            (&[1234], -2, 0, 8, "0.00001234"),
            (&[12], 2, 0, 0, "1200000000"),
            (&[12], 1, 0, 2, "120000.00"),
            (&[9999, 9999, 9999], 1, 0, 4, "99999999.9999"),
            (&[], 0, 0, 4, "0"),
            (
                &[7, 9228, 1625, 1426, 4337, 5935, 4395, 336],
                7,
                0,
                0,
                "79228162514264337593543950335",
            ),
        ] {
            let number = read(&wire(groups, weight, sign, scale));
            let shown = number.map(|number| number.to_string());
            if text.len() > 28 {
                assert_eq!(shown, None, "beyond a decimal: {text}");
            } else {
                assert_eq!(shown.as_deref(), Some(text));
            }
        }
    }

    #[test]
    fn what_is_no_such_number_is_left_to_sqlx() {
        for bytes in [
            wire(&[1], 0, 0xC000, 0),              // NaN
            wire(&[1], 0, 0xD000, 0),              // infinity
            wire(&[10_000], 0, 0, 0),              // no group of four digits
            wire(&[1, 2345], 0, 0, 2),             // digits beyond the scale
            wire(&[1], 100, 0, 0),                 // too large
            wire(&[1], 0, 0, 29),                  // too many places
            wire(&[1, 2], 0, 0, 4)[..11].to_vec(), // cut off
            Vec::new(),
        ] {
            assert_eq!(read(&bytes), None, "{bytes:?}");
        }
    }
}
