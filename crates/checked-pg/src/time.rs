//! Dates and instants as PostgreSQL keeps them, read without a panic: its calendar is another one than chrono's, and has an
//! infinity at either end.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use sqlx::{
    Decode, Postgres,
    error::BoxDynError,
    postgres::{PgValueFormat, PgValueRef},
};

mod timestamp;

pub use timestamp::Timestamp;

use crate::error::Invalid;

/// The day from which PostgreSQL counts.
const EPOCH: NaiveDate = match NaiveDate::from_ymd_opt(2000, 1, 1) {
    Some(date) => date,
    None => NaiveDate::MIN,
};

/// The date so many days after PostgreSQL's first; `None` for infinity and what lies outside of chrono's calendar.
pub(crate) fn date_of(days: i32) -> Option<NaiveDate> {
    let magnitude = Days::new(days.unsigned_abs().into());
    match days {
        i32::MIN | i32::MAX => None,
        ..0 => EPOCH.checked_sub_days(magnitude),
        0.. => EPOCH.checked_add_days(magnitude),
    }
}

/// The instant so many microseconds after PostgreSQL's first; `None` as for [`date_of`].
pub(crate) fn instant_of(micros: i64) -> Option<DateTime<Utc>> {
    match micros {
        i64::MIN | i64::MAX => None,
        micros => midnight(EPOCH).checked_add_signed(TimeDelta::microseconds(micros)),
    }
}

/// What is wrong with such a time.
pub(crate) const BEYOND: &str = "is infinite or beyond the calendar";

/// Reads a date.
///
/// # Errors
/// [`Invalid`] for `infinity`, `-infinity` and what lies outside of chrono's calendar.
#[doc(hidden)]
pub fn decode_date(value: PgValueRef<'_>) -> Result<NaiveDate, BoxDynError> {
    if value.format() == PgValueFormat::Text {
        return Ok(NaiveDate::parse_from_str(value.as_str()?, "%Y-%m-%d")?);
    }
    let date = date_of(Decode::<Postgres>::decode(value)?);
    Ok(date.ok_or_else(|| Invalid::new("date", BEYOND))?)
}

/// Reads an instant.
///
/// # Errors
/// [`Invalid`] as for [`decode_date`].
#[doc(hidden)]
pub fn decode_instant(value: PgValueRef<'_>) -> Result<DateTime<Utc>, BoxDynError> {
    if value.format() == PgValueFormat::Text {
        return Decode::<Postgres>::decode(value);
    }
    let instant = instant_of(Decode::<Postgres>::decode(value)?);
    Ok(instant.ok_or_else(|| Invalid::new("instant", BEYOND))?)
}

/// A date to compare columns with: one beyond the years 1 to 9999 becomes the day before or after them. No row lies there, so a
/// range from `NaiveDate::MIN` to `NaiveDate::MAX` is all there is, and PostgreSQL, whose calendar is shorter, takes it.
#[must_use]
pub fn bounded_date(date: NaiveDate) -> NaiveDate {
    date.clamp(BEFORE, AFTER)
}

/// As [`bounded_date`], for an instant.
#[must_use]
pub fn bounded_instant(instant: Timestamp) -> Timestamp {
    instant.clamp(midnight(BEFORE).into(), midnight(AFTER).into())
}

const BEFORE: NaiveDate = match NaiveDate::from_ymd_opt(0, 12, 31) {
    Some(date) => date,
    None => NaiveDate::MIN,
};
const AFTER: NaiveDate = match NaiveDate::from_ymd_opt(10_000, 1, 1) {
    Some(date) => date,
    None => NaiveDate::MAX,
};

fn midnight(date: NaiveDate) -> DateTime<Utc> {
    date.and_time(chrono::NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_row_has_is_bounded_and_all_else_is_kept() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        for kept in ["0001-01-01", "2026-01-07", "9999-12-31"] {
            assert_eq!(bounded_date(day(kept)), day(kept));
            let midnight = Timestamp::from(midnight(day(kept)));
            assert_eq!(bounded_instant(midnight), midnight);
        }
        assert!(bounded_date(NaiveDate::MIN) < day("0001-01-01"));
        assert!(bounded_date(NaiveDate::MAX) > day("9999-12-31"));
        let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
        assert!(*bounded_instant(first.into()) < midnight(day("0001-01-01")));
        assert_eq!(*bounded_instant(last.into()), midnight(AFTER));
    }
}
