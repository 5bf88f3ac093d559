use std::{fmt, str::FromStr};

use checked_pg::{
    key::{deserialize_from_str, pg_over},
    time,
};
use chrono::{Datelike, Days, NaiveDate, Weekday};

use super::{Invalid, Weeks};

const DAYS_IN_A_WEEK: u64 = 7;

/// A trading week, named by the Wednesday on which it begins. All of it lies in the years 1 to 9999: the first week is
/// 0001-01-03, the last 9999-12-22.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WeekId(NaiveDate);

/// A date that exists.
const fn known(year: i32, month: u32, day: u32) -> NaiveDate {
    match NaiveDate::from_ymd_opt(year, month, day) {
        Some(date) => date,
        None => NaiveDate::MIN,
    }
}

impl WeekId {
    /// The first week.
    pub const MIN: Self = Self(known(1, 1, 3));
    /// The last week.
    pub const MAX: Self = Self(known(9999, 12, 22));

    /// The week that begins on `date`.
    ///
    /// # Errors
    /// [`Invalid`] if `date` is not a Wednesday, or its week does not lie in the years 1 to 9999.
    pub fn new(date: NaiveDate) -> Result<Self, Invalid> {
        let week = Self::containing(date);
        if week.0 == date {
            return Ok(week);
        }
        if date.weekday() == Weekday::Wed {
            return Err(Invalid::new(
                "week_id",
                "must be from 0001-01-03 to 9999-12-22",
            ));
        }
        let why = format!(
            "{date} is a {}; a week is named by its Wednesday, here {}",
            date.format("%A"),
            Self::meant_by(date)
        );
        Err(Invalid::new("week_id", why))
    }

    /// The week that somebody means who names one by `date`. A Monday begins the calendar week that the desk trades from its
    /// Wednesday on, so it is the week of two days later; the week in which it lies is the one before.
    fn meant_by(date: NaiveDate) -> Self {
        match date.weekday() {
            Weekday::Mon => Self::containing(date).next(),
            _ => Self::containing(date),
        }
    }

    /// The week in which `date` lies: that of the most recent Wednesday, on or before it. Dates before the first week count
    /// as of that one, dates after the last as of the last.
    #[must_use]
    pub fn containing(date: NaiveDate) -> Self {
        Self::back(date, u64::from(date.weekday().days_since(Weekday::Wed)))
    }

    /// The week after; the last is followed by itself.
    #[must_use]
    pub fn next(self) -> Self {
        let next = self.0.checked_add_days(Days::new(DAYS_IN_A_WEEK));
        Self(next.unwrap_or(self.0)).min(Self::MAX)
    }

    /// The week before; the first is preceded by itself.
    #[must_use]
    pub fn previous(self) -> Self {
        Self::back(self.0, DAYS_IN_A_WEEK)
    }

    /// The week that lies `weeks` before this one, or the first.
    #[must_use]
    pub fn minus(self, weeks: Weeks) -> Self {
        let days = u64::from(weeks.get().unsigned_abs()) * DAYS_IN_A_WEEK;
        Self::back(self.0, days)
    }

    /// The first day, a Wednesday.
    #[must_use]
    pub const fn start(self) -> NaiveDate {
        self.0
    }

    /// The last day, a Tuesday; it belongs to the week.
    #[must_use]
    pub fn end(self) -> NaiveDate {
        self.0
            .checked_add_days(Days::new(DAYS_IN_A_WEEK - 1))
            .unwrap_or(self.0)
    }

    /// The week that begins `days` before `date`, or the first or last one where the calendar of weeks ends.
    fn back(date: NaiveDate, days: u64) -> Self {
        let start = date.checked_sub_days(Days::new(days)).unwrap_or(date);
        Self(start).clamp(Self::MIN, Self::MAX)
    }
}

impl fmt::Display for WeekId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for WeekId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        // chrono also takes unpadded fields; the ISO form has one spelling only.
        let date = text
            .parse()
            .ok()
            .filter(|date: &NaiveDate| text.len() == 10 && date.to_string() == text);
        Self::new(
            date.ok_or_else(|| Invalid::new("week_id", "must be a date, such as 2026-01-07"))?,
        )
    }
}

impl TryFrom<NaiveDate> for WeekId {
    type Error = Invalid;

    fn try_from(date: NaiveDate) -> Result<Self, Invalid> {
        Self::new(date)
    }
}

impl serde::Serialize for WeekId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

deserialize_from_str!(WeekId, "week_id");
impl checked_pg::key::Key for WeekId {
    const DOMAIN: &'static str = "week_id";
}

pg_over!(
    WeekId,
    NaiveDate,
    |week| week.0,
    WeekId::new,
    time::decode_date
);

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn only_wednesdays() {
        assert_eq!(
            WeekId::new(day("2026-01-07")).unwrap().to_string(),
            "2026-01-07"
        );
        assert_eq!(
            WeekId::new(day("2026-01-08")).unwrap_err().to_string(),
            "week_id: 2026-01-08 is a Thursday; a week is named by its Wednesday, here 2026-01-07"
        );
        // A Monday is that of the calendar week, whose Wednesday follows: the week before would merge two weeks into one.
        for (named, meant) in [
            ("2026-11-02", "2026-11-04"), // Monday
            ("2026-11-03", "2026-10-28"),
            ("2026-11-05", "2026-11-04"),
            ("2026-11-06", "2026-11-04"),
            ("2026-11-07", "2026-11-04"),
            ("2026-11-08", "2026-11-04"),
        ] {
            let error = WeekId::new(day(named)).unwrap_err().to_string();
            let hint = error.rsplit_once("here ").unwrap().1;
            assert_eq!(hint, meant, "{named}");
            assert_eq!(hint.parse::<WeekId>().unwrap().start(), day(meant));
        }
        for bad in ["0000-12-27", "9999-12-29"] {
            let error = WeekId::new(day(bad)).unwrap_err().to_string();
            assert!(error.starts_with("week_id: must be from 0001"), "{error}");
        }
        for bad in [
            "unknown",
            "2026-1-7",
            "2026-01-07T08",
            "2026-02-30",
            "0000-01-05",
        ] {
            assert!(bad.parse::<WeekId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_week_is_wednesday_to_tuesday() {
        let week: WeekId = "2026-01-07".parse().unwrap();
        for inside in ["2026-01-07", "2026-01-08", "2026-01-11", "2026-01-13"] {
            assert_eq!(WeekId::containing(day(inside)), week, "{inside}");
        }
        assert_eq!(WeekId::containing(day("2026-01-06")), week.previous());
        assert_eq!(
            (week.start(), week.end()),
            (day("2026-01-07"), day("2026-01-13"))
        );
        assert_eq!(week.next().previous(), week);
        assert_eq!(
            week.minus(Weeks::new(2).unwrap()),
            week.previous().previous()
        );
    }

    #[test]
    fn the_calendar_of_weeks_has_two_ends() {
        for (date, week) in [
            (NaiveDate::MIN, WeekId::MIN),
            (day("0001-01-01"), WeekId::MIN),
            (day("9999-12-31"), WeekId::MAX),
            (NaiveDate::MAX, WeekId::MAX),
        ] {
            assert_eq!(WeekId::containing(date), week, "{date}");
            assert_eq!(WeekId::new(week.start()), Ok(week));
        }
        assert_eq!(WeekId::MIN.previous(), WeekId::MIN);
        assert_eq!(
            WeekId::MIN.next().minus(Weeks::new(5200).unwrap()),
            WeekId::MIN
        );
        assert_eq!(WeekId::MAX.next(), WeekId::MAX);
        assert_eq!(WeekId::MAX.end(), day("9999-12-28"));
    }
}
