//! The performance job: weekly results and statistics of the accounts, from their ENTRY and EXIT events.
//!
//! A week of an account is one trade: its first ENTRY, and its last EXIT at or after that. Its return and the statistics are
//! defined in [`math`]. Accounts are those that have events of any type; one without a trade has a return of zero and no
//! ratios. A lookback is of whole weeks, the current one included; a week after the current one has a result and is in no
//! statistics. An event that was [voided or corrected](super::journal) counts as it was corrected.
//!
//! An account is a matter of its own: where one has events that cannot be true, the result of that week and the statistics over it
//! stay as they were, the [`Summary`] lists the event and what is wrong with it, and all other accounts are brought up to date.

pub mod math;
pub(in crate::service) mod trade;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    db::{Db, Isolation, Tx, TxOptions},
    error::{Error, Result},
    repo::{
        Upserted,
        events::{self, TradeEvent},
        performance::{self, Performance, Problem},
        rows::{Misfit, Replay, readable},
        weekly,
    },
    types::{Account, Timestamp, WeekId, Weeks},
};
use math::{Statistics, Week};
use trade::{Trade, trades};

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Weeks written to `weekly_performance`.
    pub weeks: Upserted,
    /// Weeks there whose trade no longer counts.
    pub withdrawn: u64,
    /// Weeks there that lie after the current one, and so are in no statistics.
    pub upcoming: u64,
    /// Exits that end no trade: there is no entry in their week, or none before them.
    pub exits_without_entry: u64,
    /// Accounts written to `account_performance`.
    pub accounts: Upserted,
    /// What cannot be true, by account and week: these weeks, and the statistics over them, are as they were.
    pub problems: Vec<Problem>,
    /// Events that cannot be read beyond their document, such as those of a week that is none: all that there is of their accounts is as
    /// it was.
    pub misfits: Vec<Misfit>,
}

/// Brings the results of all weeks, and the statistics over the newest `lookback` weeks (or over all), up to date with the
/// events, in one transaction. `at` is the instant the statistics are of.
///
/// # Errors
/// The errors of the database; nothing has changed then. An event that cannot be true is not an error: see
/// [`Summary::problems`].
#[tracing::instrument(name = "service.performance.run", skip_all, fields(%at), err(level = "debug"))]
pub async fn run(db: &Db, lookback: Option<Weeks>, at: Timestamp) -> Result<Summary> {
    let options = TxOptions::new().isolation(Isolation::RepeatableRead);
    db.transaction_with(options, async |tx| -> Result<Summary> {
        run_in(tx, lookback, at).await
    })
    .await
}

/// As [`run`], in the caller's transaction.
pub(crate) async fn run_in(tx: &mut Tx, lookback: Option<Weeks>, at: Timestamp) -> Result<Summary> {
    let events = Events::read(tx).await?;
    let journal = trades(events.trades);
    let mut corrected = events.corrected;
    corrected.retain(|key| !journal.trades.contains_key(key) && !journal.doubtful.contains(key));

    let mut report = Report::new(events.accounts, lookback, at);
    report.problems = journal.problems;
    for (account, week) in journal.doubtful {
        report.doubt(account, week);
    }
    for ((account, week), trade) in &journal.trades {
        report.add(*account, *week, trade);
    }
    let performances = report.statistics(&journal.trades);
    let Report {
        results,
        upcoming,
        mut problems,
        ..
    } = report;
    problems.sort_by_key(|problem| (problem.account, problem.week_id));
    performance::replace_problems(&mut *tx, lookback, &problems, at).await?;
    let summary = Summary {
        weeks: weekly::upsert_many(&mut *tx, &results).await?,
        withdrawn: weekly::withdraw(&mut *tx, &corrected, at).await?,
        upcoming,
        exits_without_entry: journal.exits_without_entry.len() as u64,
        accounts: performance::upsert_many(tx, &performances).await?,
        problems,
        misfits: events.misfits,
    };
    // Not the problems themselves: they name prices.
    tracing::info!(
        weeks = ?summary.weeks,
        accounts = ?summary.accounts,
        problems = summary.problems.len(),
        "performance is up to date"
    );
    Ok(summary)
}

/// What a run begins with.
struct Events {
    trades: Vec<TradeEvent>,
    corrected: Vec<(Account, WeekId)>,
    /// Those of which every event can be read.
    accounts: Vec<Account>,
    misfits: Vec<Misfit>,
}

impl Events {
    /// Reads the events of each account of which all can be read.
    async fn read(tx: &mut Tx) -> Result<Self> {
        let mut found = readable(&mut *tx, |replay: Replay| events::accounts(replay)).await?;
        let mut unreadable = BTreeSet::new();
        let trades = match events::trades(&mut *tx).await {
            Err(Error::Decode(_)) => {
                let mut trades = Vec::new();
                for account in &found.rows {
                    match events::trades_of_account(&mut *tx, *account).await {
                        Ok(mut of_account) => trades.append(&mut of_account),
                        Err(Error::Decode(misfit)) => {
                            found.misfits.push(*misfit);
                            unreadable.insert(*account);
                        }
                        Err(error) => return Err(error),
                    }
                }
                trades
            }
            trades => trades?,
        };
        let corrected = |replay: Replay| events::corrected_weeks(replay);
        let mut corrected = readable(tx, corrected).await?;
        found.misfits.append(&mut corrected.misfits);
        found.rows.retain(|account| !unreadable.contains(account));
        corrected
            .rows
            .retain(|(account, _)| !unreadable.contains(account));
        Ok(Self {
            trades,
            corrected: corrected.rows,
            accounts: found.rows,
            misfits: found.misfits,
        })
    }
}

/// What a run is about to write.
struct Report {
    lookback: Option<Weeks>,
    at: Timestamp,
    results: Vec<weekly::WeeklyResult>,
    /// The weeks of each account that are in its statistics, in the order of time.
    weeks: BTreeMap<Account, Vec<(WeekId, Week)>>,
    /// Accounts whose statistics would be over a week that cannot be true.
    doubtful: BTreeSet<Account>,
    upcoming: u64,
    problems: Vec<Problem>,
}

impl Report {
    fn new(accounts: Vec<Account>, lookback: Option<Weeks>, at: Timestamp) -> Self {
        Self {
            lookback,
            at,
            results: Vec::new(),
            weeks: accounts.into_iter().map(|a| (a, Vec::new())).collect(),
            doubtful: BTreeSet::new(),
            upcoming: 0,
            problems: Vec::new(),
        }
    }

    fn this_week(&self) -> WeekId {
        WeekId::containing(self.at.date_naive())
    }

    /// Whether the statistics are over this week.
    fn covers(&self, week: WeekId) -> bool {
        let this_week = self.this_week();
        let first = self.lookback.map(|weeks| this_week.minus(weeks).next());
        first.is_none_or(|first| week >= first) && week <= this_week
    }

    fn doubt(&mut self, account: Account, week: WeekId) {
        if self.covers(week) {
            self.doubtful.insert(account);
        }
    }

    fn add(&mut self, account: Account, week: WeekId, trade: &Trade) {
        match trade.result(account, week, self.at) {
            Ok((result, statistic)) => {
                self.results.push(result);
                if self.covers(week) {
                    let weeks = self.weeks.entry(account).or_default();
                    weeks.push((week, statistic));
                } else if week > self.this_week() {
                    self.upcoming += 1;
                }
            }
            Err(problem) => {
                self.problems.push(problem);
                self.doubt(account, week);
            }
        }
    }

    /// The statistics of all accounts that can be believed.
    fn statistics(&mut self, trades: &BTreeMap<(Account, WeekId), Trade>) -> Vec<Performance> {
        let mut performances = Vec::with_capacity(self.weeks.len());
        for (account, dated) in &self.weeks {
            if self.doubtful.contains(account) {
                continue;
            }
            let weeks: Vec<Week> = dated.iter().map(|(_, week)| *week).collect();
            if let Some(statistics) = Statistics::of(&weeks) {
                performances.push(to_row(*account, self.lookback, statistics, self.at));
                continue;
            }
            // The week that did it is the one to look at.
            let largest = dated
                .iter()
                .max_by_key(|(_, week)| week.weekly_return.abs());
            let found =
                largest.and_then(|(week, _)| Some((*week, trades.get(&(*account, *week))?)));
            if let Some((week, trade)) = found {
                self.problems.push(trade.problem(
                    *account,
                    week,
                    "the returns of the account's weeks multiply to more than a million; this week's is the largest".to_owned(),
                ));
            }
        }
        performances
    }
}

fn to_row(
    account: Account,
    weeks_lookback: Option<Weeks>,
    statistics: Statistics,
    calculated_at: Timestamp,
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
