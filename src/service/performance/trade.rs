//! The trade of an account in a week, made from its events.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::math::{self, Week, weekly_return};
use crate::{
    documents::{Entry, Event},
    repo::{events::TradeEvent, performance::Problem, weekly::WeeklyResult},
    types::{Account, EventId, Price, Timestamp, WeekId},
};

/// Decimals of the columns of prices.
const PRICE_SCALE: u32 = 4;

/// The trade of an account in a week.
pub(super) struct Trade {
    entry: Entry,
    entry_id: EventId,
    entered_at: Timestamp,
    exit: Option<(EventId, Decimal)>,
}

/// What the events say, sorted into trades.
#[derive(Default)]
pub(in crate::service) struct Journal {
    pub(super) trades: BTreeMap<(Account, WeekId), Trade>,
    /// Weeks with an event that cannot be read: whatever the others say, it may say otherwise.
    pub(super) doubtful: BTreeSet<(Account, WeekId)>,
    pub(super) problems: Vec<Problem>,
    /// Exits that end no trade.
    pub(in crate::service) exits_without_entry: Vec<EventId>,
}

/// The trades by account and week; the events are in the order of time within each.
pub(in crate::service) fn trades(events: Vec<TradeEvent>) -> Journal {
    let mut journal = Journal::default();
    for event in events {
        let key = (event.account, event.week_id);
        match event.event {
            Ok(Event::Entry(entry)) => {
                journal.trades.entry(key).or_insert_with(|| Trade {
                    entry,
                    entry_id: event.id,
                    entered_at: event.occurred_at,
                    exit: None,
                });
            }
            Ok(Event::Exit(exit)) => match journal.trades.get_mut(&key) {
                Some(trade) if event.occurred_at >= trade.entered_at => {
                    trade.exit = Some((event.id, exit.price));
                }
                _ => journal.exits_without_entry.push(event.id),
            },
            Ok(_) => {}
            Err(invalid) => {
                journal.doubtful.insert(key);
                journal.problems.push(Problem {
                    account: event.account,
                    week_id: event.week_id,
                    event_id: event.id,
                    problem: format!("the event cannot be read: {invalid}"),
                });
            }
        }
    }
    for key in &journal.doubtful {
        journal.trades.remove(key);
    }
    journal
}

impl Trade {
    /// The result of the week as it is stored, and as the statistics see it.
    pub(super) fn result(
        &self,
        account: Account,
        week: WeekId,
        at: Timestamp,
    ) -> Result<(WeeklyResult, Week), Problem> {
        let wrong = |event_id, problem| Problem {
            account,
            week_id: week,
            event_id,
            problem,
        };
        let entry_price =
            stored_price(self.entry.price).map_err(|why| wrong(self.entry_id, why))?;
        let exit_price = self
            .exit
            .map(|(id, price)| stored_price(price).map_err(|why| wrong(id, why)))
            .transpose()?;
        let exit = self.exit.map(|(_, price)| price);
        let exact = weekly_return(self.entry.direction, self.entry.price, exit);
        let returned = exact.and_then(|exact| Some((exact, math::stored(exact)?)));
        let Some((exact, rounded)) = returned else {
            let why = format!(
                "the exit at {} is a million times the entry at {} (event {}) or more",
                exit.unwrap_or_default(),
                self.entry.price,
                self.entry_id
            );
            return Err(self.problem(account, week, why));
        };
        let result = WeeklyResult {
            account,
            week_id: week,
            weekly_return: Some(rounded),
            instrument: self.entry.instrument,
            direction: Some(self.entry.direction),
            entry_conviction: Some(self.entry.conviction),
            entry_price: Some(entry_price),
            exit_price,
            calculated_at: at,
        };
        let week = Week {
            weekly_return: exact,
            conviction: self.entry.conviction,
        };
        Ok((result, week))
    }

    /// Something wrong with the trade as a whole; its last event is the one to look at.
    pub(super) fn problem(&self, account: Account, week: WeekId, problem: String) -> Problem {
        Problem {
            account,
            week_id: week,
            event_id: self.exit.map_or(self.entry_id, |(id, _)| id),
            problem,
        }
    }
}

/// A price as its column holds it; the return is of the exact one.
fn stored_price(price: Decimal) -> Result<Price, String> {
    let rounded = price.round_dp(PRICE_SCALE);
    if rounded.is_zero() {
        return Err(format!("the price {price} is less than 0.0001"));
    }
    Price::new(rounded).map_err(|_| format!("the price {price} is more than 99999999.9999"))
}
