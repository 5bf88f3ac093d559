//! Dates and instants as PostgreSQL keeps them, read without a panic: its calendar is another one than chrono's, and has an
//! infinity at either end.

use chrono::{Days, NaiveDate};
use sqlx::{
    Decode, Postgres,
    error::BoxDynError,
    postgres::{PgValueFormat, PgValueRef},
};

use crate::error::Invalid;

/// The day from which PostgreSQL counts.
const EPOCH: NaiveDate = match NaiveDate::from_ymd_opt(2000, 1, 1) {
    Some(date) => date,
    None => NaiveDate::MIN,
};

/// Reads a date.
///
/// # Errors
/// [`Invalid`] for `infinity`, `-infinity` and what lies outside of chrono's calendar.
#[doc(hidden)]
pub fn decode_date(value: PgValueRef<'_>) -> Result<NaiveDate, BoxDynError> {
    if value.format() == PgValueFormat::Text {
        return Ok(NaiveDate::parse_from_str(value.as_str()?, "%Y-%m-%d")?);
    }
    let days: i32 = Decode::<Postgres>::decode(value)?;
    let magnitude = Days::new(days.unsigned_abs().into());
    let date = match days {
        i32::MIN | i32::MAX => None,
        ..0 => EPOCH.checked_sub_days(magnitude),
        0.. => EPOCH.checked_add_days(magnitude),
    };
    Ok(date.ok_or_else(|| Invalid::new("date", "is infinite or beyond the calendar"))?)
}
