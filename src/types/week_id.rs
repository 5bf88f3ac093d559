use std::{fmt, str::FromStr};

use chrono::{Datelike, Days, NaiveDate, Weekday};

use super::{Invalid, Weeks};
use checked_pg::key::{deserialize_from_str, pg_over};

const DAYS_IN_A_WEEK: u64 = 7;

/// A trading week, named by the Wednesday on which it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WeekId(NaiveDate);

impl WeekId {
    /// The week that begins on `date`.
    ///
    /// # Errors
    /// [`Invalid`] if `date` is no Wednesday, or is before the year 1 or after 9999, which the ISO form cannot write.
    pub fn new(date: NaiveDate) -> Result<Self, Invalid> {
        if !(1..=9999).contains(&date.year()) {
            return Err(Invalid::new("week_id", "must be in the years 1 to 9999"));
        }
        let week = Self::containing(date);
        if week.0 == date {
            return Ok(week);
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

    /// The week in which `date` lies: that of the most recent Wednesday, on or before it.
    #[must_use]
    pub fn containing(date: NaiveDate) -> Self {
        let days_since = date.weekday().days_since(Weekday::Wed);
        Self(back(date, u64::from(days_since)))
    }

    /// The week after.
    #[must_use]
    pub fn next(self) -> Self {
        Self(
            self.0
                .checked_add_days(Days::new(DAYS_IN_A_WEEK))
                .unwrap_or(self.0),
        )
    }

    /// The week before.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(back(self.0, DAYS_IN_A_WEEK))
    }

    /// The week that lies `weeks` before this one.
    #[must_use]
    pub fn minus(self, weeks: Weeks) -> Self {
        Self(back(
            self.0,
            u64::from(weeks.get().unsigned_abs()) * DAYS_IN_A_WEEK,
        ))
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
}

/// `date` less `days`; where the calendar ends (262 144 BCE) there is nothing before.
fn back(date: NaiveDate, days: u64) -> NaiveDate {
    date.checked_sub_days(Days::new(days)).unwrap_or(date)
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
pg_over!(WeekId, NaiveDate, |week| week.0, WeekId::new);

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
}
