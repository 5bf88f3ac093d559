//! Which dates of correlations come next: pure functions, no database.

use std::ops::Range;

use chrono::NaiveDate;
use uuid::Uuid;

use crate::repo::pending;

/// Dates on which any symbol has a seven-day return, around the first one that has to be calculated.
#[derive(Debug)]
pub(super) struct Calendar {
    /// In order.
    pub(super) dates: Vec<NaiveDate>,
    /// How many of them are only there for the windows of the others.
    pub(super) before: usize,
    /// No date comes after these.
    pub(super) complete: bool,
}

/// What is done in one transaction.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Dates to calculate, as places in the calendar.
    pub(super) rows: Range<usize>,
    /// From the first to the last of these days no other date has a matrix.
    pub(super) span: (NaiveDate, NaiveDate),
    /// Entries that are done with this part.
    pub(super) done: Vec<Uuid>,
    /// Entries that go on behind the last of the rows.
    pub(super) moved: Vec<Uuid>,
}

/// The windows that one entry changes, as places in the calendar: from its first day to the last window that holds its last day, or
/// would hold it if that day still had a return.
fn touched(entry: &pending::Correlations, dates: &[NaiveDate], window: usize) -> Range<usize> {
    let first = dates.partition_point(|date| *date < entry.first_date);
    let behind = dates.partition_point(|date| *date <= entry.last_date);
    first..(behind + window - 1).max(first)
}

/// How many dates the entries touch; of a calendar that is complete.
pub(super) fn count(
    entries: &[pending::Correlations],
    calendar: &Calendar,
    window: usize,
) -> usize {
    let mut count = 0;
    let mut end = (window - 1).max(calendar.before);
    for entry in entries {
        let touched = touched(entry, &calendar.dates, window);
        let until = touched.end.min(calendar.dates.len());
        count += until.saturating_sub(touched.start.max(end));
        end = end.max(until);
    }
    count
}

/// The next dates, at most `most` of them. The entries are by their first day, and the calendar begins, after its dates for windows,
/// with the first of those. None without an entry.
pub(super) fn next(
    entries: &[pending::Correlations],
    calendar: &Calendar,
    window: usize,
    most: usize,
) -> Option<Part> {
    let from = entries.first()?.first_date;
    let dates = &calendar.dates;
    let touched: Vec<Range<usize>> = entries
        .iter()
        .map(|entry| touched(entry, dates, window))
        .collect();
    let mut end = calendar.before;
    while end < dates.len()
        && end - calendar.before < most
        && touched.iter().any(|rows| rows.contains(&end))
    {
        end += 1;
    }
    let reached = end.checked_sub(1).filter(|_| end > calendar.before);
    let last = reached.map_or(from, |row| dates[row]);

    let mut part = Part {
        // The first windows are not full.
        rows: calendar.before.max(window - 1).min(end)..end,
        span: (from, last),
        done: Vec::new(),
        moved: Vec::new(),
    };
    for (entry, rows) in entries.iter().zip(&touched) {
        let rest = match calendar.complete {
            true => rows.end.min(dates.len()),
            false => rows.end,
        };
        if rest <= end && rows.start <= end {
            part.done.push(entry.id);
            // Days without a return, which may have had one.
            part.span.1 = part.span.1.max(entry.last_date);
        } else if reached.is_some() && entry.first_date <= last {
            part.moved.push(entry.id);
        }
    }
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: u64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + chrono::Days::new(n)
    }

    fn entry(id: u128, first: u64, last: u64) -> pending::Correlations {
        pending::Correlations {
            id: Uuid::from_u128(id),
            first_date: day(first),
            last_date: day(last),
        }
    }

    /// The part of a history of days, with a window of three, as `(days, span, done, moved)`.
    fn part(
        days: &[u64],
        entries: &[pending::Correlations],
        most: usize,
    ) -> (Vec<u64>, (u64, u64), Vec<u128>, Vec<u128>) {
        let from = entries[0].first_date;
        let dates: Vec<NaiveDate> = days.iter().map(|n| day(*n)).collect();
        let first = dates.partition_point(|date| *date < from);
        let begin = first.saturating_sub(2);
        let calendar = Calendar {
            dates: dates[begin..].to_vec(),
            before: first - begin,
            complete: true,
        };
        let part = next(entries, &calendar, 3, most).unwrap();
        let number = |date: NaiveDate| (date - day(0)).num_days() as u64;
        let ids = |ids: &[Uuid]| ids.iter().map(Uuid::as_u128).collect();
        (
            part.rows
                .clone()
                .map(|row| number(calendar.dates[row]))
                .collect(),
            (number(part.span.0), number(part.span.1)),
            ids(&part.done),
            ids(&part.moved),
        )
    }

    #[test]
    fn without_an_entry_there_is_nothing() {
        let calendar = Calendar {
            dates: vec![day(1)],
            before: 0,
            complete: true,
        };
        assert_eq!(next(&[], &calendar, 3, 9), None);
        assert_eq!(count(&[], &calendar, 3), 0);
    }

    #[test]
    fn a_change_touches_the_windows_that_hold_it() {
        let days: Vec<u64> = (0..10).collect();
        assert_eq!(
            part(&days, &[entry(1, 4, 4)], 9),
            (vec![4, 5, 6], (4, 6), vec![1], vec![])
        );
    }

    #[test]
    fn a_date_that_is_gone_moves_the_windows_that_held_it() {
        let days = [0, 1, 2, 3, 5, 6, 7, 8];
        assert_eq!(
            part(&days, &[entry(1, 4, 4)], 9),
            (vec![5, 6], (4, 6), vec![1], vec![])
        );
        // At the end of the history nothing is left to calculate, and a matrix to remove.
        assert_eq!(
            part(&[0, 1, 2, 3], &[entry(1, 4, 5)], 9),
            (vec![], (4, 5), vec![1], vec![])
        );
        assert_eq!(
            part(&[], &[entry(1, 4, 5)], 9),
            (vec![], (4, 5), vec![1], vec![])
        );
    }

    #[test]
    fn the_first_windows_are_not_full() {
        let days: Vec<u64> = (0..6).collect();
        assert_eq!(
            part(&days, &[entry(1, 0, 1)], 9),
            (vec![2, 3], (0, 3), vec![1], vec![])
        );
        assert_eq!(
            part(&[0, 1], &[entry(1, 0, 1)], 9),
            (vec![], (0, 1), vec![1], vec![])
        );
    }

    #[test]
    fn a_part_ends_at_its_limit_and_goes_on_there() {
        let days: Vec<u64> = (0..10).collect();
        let entries = [entry(1, 3, 5), entry(2, 4, 4), entry(3, 7, 7)];
        assert_eq!(
            part(&days, &entries, 2),
            (vec![3, 4], (3, 4), vec![], vec![1, 2])
        );
        let entries = [entry(1, 5, 5), entry(2, 5, 4), entry(3, 7, 7)];
        assert_eq!(
            part(&days, &entries, 2),
            (vec![5, 6], (5, 6), vec![2], vec![1])
        );
        let entries = [entry(1, 7, 5), entry(3, 7, 7)];
        assert_eq!(
            part(&days, &entries, 9),
            (vec![7, 8, 9], (7, 9), vec![1, 3], vec![])
        );
    }

    #[test]
    fn a_part_ends_before_what_is_not_touched() {
        let days: Vec<u64> = (0..20).collect();
        let entries = [entry(1, 3, 3), entry(2, 10, 11)];
        assert_eq!(
            part(&days, &entries, 99),
            (vec![3, 4, 5], (3, 5), vec![1], vec![])
        );
        let all = Calendar {
            dates: days.iter().map(|n| day(*n)).collect(),
            before: 0,
            complete: true,
        };
        assert_eq!(count(&entries, &all, 3), 3 + 4);
        assert_eq!(count(&[entry(1, 0, 1), entry(2, 1, 4)], &all, 3), 5);
    }
}
