use std::{
    fmt,
    ops::{Add, AddAssign, Deref, Sub},
    str::FromStr,
};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use sqlx::{
    Decode, Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef},
};

use super::decode_instant;

/// An instant to the microsecond, which is what PostgreSQL keeps: what is written is what is read. It is made of any
/// `DateTime<Utc>`, whose nanoseconds are cut off, and has all of its methods.
///
/// ```
/// use checked_pg::time::Timestamp;
///
/// let exact: Timestamp = "2026-01-07T14:30:00.123456789Z".parse()?;
/// assert_eq!(exact.to_rfc3339(), "2026-01-07T14:30:00.123456+00:00");
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct Timestamp(DateTime<Utc>);

/// Digits of a second that PostgreSQL keeps.
const DIGITS: u16 = 6;

impl From<DateTime<Utc>> for Timestamp {
    fn from(instant: DateTime<Utc>) -> Self {
        Self(instant.trunc_subsecs(DIGITS))
    }
}

impl From<Timestamp> for DateTime<Utc> {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.0
    }
}

impl Deref for Timestamp {
    type Target = DateTime<Utc>;

    fn deref(&self) -> &DateTime<Utc> {
        &self.0
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Timestamp {
    type Err = chrono::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<DateTime<Utc>>().map(Self::from)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DateTime::deserialize(deserializer).map(Self::from)
    }
}

impl Add<TimeDelta> for Timestamp {
    type Output = Self;

    fn add(self, span: TimeDelta) -> Self {
        (self.0 + span).into()
    }
}

impl AddAssign<TimeDelta> for Timestamp {
    fn add_assign(&mut self, span: TimeDelta) {
        *self = *self + span;
    }
}

impl Sub<TimeDelta> for Timestamp {
    type Output = Self;

    fn sub(self, span: TimeDelta) -> Self {
        (self.0 - span).into()
    }
}

impl Sub for Timestamp {
    type Output = TimeDelta;

    fn sub(self, other: Self) -> TimeDelta {
        self.0 - other.0
    }
}

impl Type<Postgres> for Timestamp {
    fn type_info() -> PgTypeInfo {
        <DateTime<Utc> as Type<Postgres>>::type_info()
    }

    fn compatible(ty: &PgTypeInfo) -> bool {
        <DateTime<Utc> as Type<Postgres>>::compatible(ty)
    }
}

impl PgHasArrayType for Timestamp {
    fn array_type_info() -> PgTypeInfo {
        <DateTime<Utc> as PgHasArrayType>::array_type_info()
    }
}

impl Encode<'_, Postgres> for Timestamp {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Postgres>::encode_by_ref(&self.0, buffer)
    }

    fn size_hint(&self) -> usize {
        Encode::<Postgres>::size_hint(&self.0)
    }
}

impl<'r> Decode<'r, Postgres> for Timestamp {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        decode_instant(value).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_are_cut_off_before_and_after_any_epoch() {
        for year in ["0001", "1969", "1999", "2000", "2026", "9999"] {
            let timestamp = |fraction: &str| -> Timestamp {
                format!("{year}-12-31T23:59:59.{fraction}Z")
                    .parse()
                    .unwrap()
            };
            assert_eq!(timestamp("123456999"), timestamp("123456"), "{year}");
            assert_ne!(timestamp("123456999"), timestamp("123457"), "{year}");
            assert_eq!(
                timestamp("000000999").to_rfc3339(),
                format!("{year}-12-31T23:59:59+00:00")
            );
            let json = serde_json::to_string(&timestamp("123456")).unwrap();
            let longer = json.replace("123456", "123456789");
            let read: Timestamp = serde_json::from_str(&longer).unwrap();
            assert_eq!(read, timestamp("123456"));
        }
    }
}
