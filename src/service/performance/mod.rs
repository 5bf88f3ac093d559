//! The performance job: weekly results and statistics of the accounts, from their ENTRY and EXIT events.
//!
//! A week of an account is one trade: its first ENTRY, and its last EXIT at or after that. Its return and the statistics are
//! defined in [`math`]. Accounts are those that have events of any type; one without a trade has a return of zero and no
//! ratios. A lookback is of whole weeks, the current one included.

pub mod math;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::{
    db::{Db, Isolation, Tx, TxOptions},
    documents::{Entry, Event},
    error::Result,
    repo::{
        Upserted, events,
        performance::{self, Performance},
        weekly::{self, WeeklyResult},
    },
    types::{Account, Invalid, Price, WeekId, Weeks},
};
use math::{Statistics, Week, weekly_return};

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Weeks written to `weekly_performance`.
    pub weeks: Upserted,
    /// Accounts written to `account_performance`.
    pub accounts: Upserted,
}

/// Brings the results of all weeks, and the statistics over the newest `lookback` weeks (or over all), up to date with the
/// events, in one transaction. `at` is the instant the statistics are of.
///
/// # Errors
/// [`Error::Invalid`](crate::error::Error::Invalid) names an account whose result is beyond its column; else those of the
/// database. Nothing has changed then.
#[tracing::instrument(name = "service.performance.run", skip_all, fields(%at), err(level = "debug"))]
pub async fn run(db: &Db, lookback: Option<Weeks>, at: DateTime<Utc>) -> Result<Summary> {
    let options = TxOptions::new().isolation(Isolation::RepeatableRead);
    db.transaction_with(options, async |tx| -> Result<Summary> {
        run_in(tx, lookback, at).await
    })
    .await
}

async fn run_in(tx: &mut Tx, lookback: Option<Weeks>, at: DateTime<Utc>) -> Result<Summary> {
    let trades = trades(&events::trades(&mut *tx).await?);
    let mut results = Vec::with_capacity(trades.len());
    let mut weeks: BTreeMap<Account, Vec<Week>> = events::accounts(&mut *tx)
        .await?
        .into_iter()
        .map(|account| (account, Vec::new()))
        .collect();
    let this_week = WeekId::containing(at.date_naive());
    let first_week = lookback.map(|weeks| this_week.minus(weeks).next());
    for ((account, week), trade) in &trades {
        let result = trade.result(*account, *week, at)?;
        if first_week.is_none_or(|first| *week >= first) && *week <= this_week {
            weeks
                .entry(*account)
                .or_default()
                .push(trade.week(*account)?);
        }
        results.push(result);
    }
    let mut performances = Vec::with_capacity(weeks.len());
    for (account, weeks) in weeks {
        let statistics =
            Statistics::of(&weeks).ok_or_else(|| too_large(account, "total_return"))?;
        performances.push(to_row(account, lookback, statistics, at));
    }
    let summary = Summary {
        weeks: weekly::upsert_many(&mut *tx, &results).await?,
        accounts: performance::upsert_many(tx, &performances).await?,
    };
    tracing::info!(?summary, "performance is up to date");
    Ok(summary)
}

/// The trade of an account in a week.
struct Trade {
    entry: Entry,
    entered_at: DateTime<Utc>,
    exit: Option<Decimal>,
}

/// The trades by account and week; the events are in the order of time within each.
fn trades(events: &[events::Event]) -> BTreeMap<(Account, WeekId), Trade> {
    let mut trades: BTreeMap<(Account, WeekId), Trade> = BTreeMap::new();
    for event in events {
        let key = (event.account, event.week_id);
        match &*event.event_data {
            Event::Entry(entry) => {
                trades.entry(key).or_insert_with(|| Trade {
                    entry: entry.clone(),
                    entered_at: event.occurred_at,
                    exit: None,
                });
            }
            Event::Exit(exit) => {
                if let Some(trade) = trades.get_mut(&key)
                    && event.occurred_at >= trade.entered_at
                {
                    trade.exit = Some(exit.price);
                }
            }
            _ => {}
        }
    }
    trades
}

impl Trade {
    fn week(&self, account: Account) -> Result<Week, Invalid> {
        let weekly_return = weekly_return(self.entry.direction, self.entry.price, self.exit)
            .ok_or_else(|| too_large(account, "weekly_return"))?;
        Ok(Week {
            weekly_return,
            conviction: self.entry.conviction,
        })
    }

    fn result(
        &self,
        account: Account,
        week: WeekId,
        at: DateTime<Utc>,
    ) -> Result<WeeklyResult, Invalid> {
        let weekly_return = math::stored(self.week(account)?.weekly_return)
            .ok_or_else(|| too_large(account, "weekly_return"))?;
        // The columns have four decimals; the return is of the exact prices.
        let price = |price: Decimal| Price::new(price.round_dp(4));
        Ok(WeeklyResult {
            account,
            week_id: week,
            weekly_return: Some(weekly_return),
            instrument: self.entry.instrument,
            direction: Some(self.entry.direction),
            entry_conviction: Some(self.entry.conviction),
            entry_price: Some(price(self.entry.price)?),
            exit_price: self.exit.map(price).transpose()?,
            calculated_at: at,
        })
    }
}

fn too_large(account: Account, what: &str) -> Invalid {
    Invalid::new(
        format!("{what} of {account}"),
        "is too large to be true; look at the prices of its events",
    )
}

fn to_row(
    account: Account,
    weeks_lookback: Option<Weeks>,
    statistics: Statistics,
    calculated_at: DateTime<Utc>,
) -> Performance {
    Performance {
        account,
        weeks_lookback,
        total_return: statistics.total_return,
        sharpe_ratio: statistics.sharpe_ratio,
        max_drawdown: statistics.max_drawdown,
        volatility: statistics.volatility,
        weeks_traded: statistics.weeks_traded,
        profitable_weeks: statistics.profitable_weeks,
        win_rate: statistics.win_rate,
        avg_conviction: statistics.avg_conviction,
        max_conviction: statistics.max_conviction,
        calculated_at,
    }
}
