//! Makes new rows of the old ones, and proves that nothing was lost.

use std::{collections::BTreeSet, convert::Infallible};

use super::{
    End, Report, Restated, Step, judge, read, read_back,
    statements::{self, Script},
};
use crate::{
    db::{self, Tx},
    repo::pending,
    service::{metrics, performance},
    types::{Timestamp, WeekId},
};

/// How far a step is.
pub(super) struct Part {
    done: u64,
    of: u64,
}

impl Part {
    pub(super) fn of(rows: u64) -> Self {
        Self { done: 0, of: rows }
    }

    /// Tells that so many more are done.
    pub(super) fn tell(&mut self, more: u64, progress: &mut impl FnMut(Step)) {
        if more > 0 {
            // A row may become two, such as an order and its trade.
            self.done = self.of.min(self.done + more);
            let Self { done, of } = *self;
            progress(Step::Within { done, of });
        }
    }
}

pub(super) async fn convert(
    tx: &mut Tx,
    again: bool,
    rows: u64,
    progress: &mut impl FnMut(Step),
) -> Result<(), End> {
    progress(Step::Converting);
    // Market data is written as it is converted, the rest when all of it is judged.
    let mut part = Part::of(rows);
    for script in [
        Script::Market,
        Script::Returns,
        Script::People,
        Script::Council,
        Script::Journal,
    ] {
        statements::run_in_parts(tx, script, |rows| part.tell(rows, progress)).await?;
    }
    if again {
        statements::run(tx, Script::KnownPitches).await?;
    }
    progress(Step::Judging);
    statements::run(tx, Script::JudgeForms).await?;
    judge::documents(tx).await?;
    statements::run(tx, Script::RenameEvents).await?;
    judge::events(tx).await?;
    judge::ids(tx).await?;
    progress(Step::Writing);
    statements::run(tx, Script::GiveIds).await?;
    for script in [Script::Write, Script::Orders] {
        statements::run_in_parts(tx, script, |rows| part.tell(rows, progress)).await?;
    }
    judge::trade_ids(tx).await?;
    statements::run(tx, Script::GiveTrades).await?;
    judge::order_ids(tx).await?;
    let tell = |rows| part.tell(rows, progress);
    statements::run_in_parts(tx, Script::WriteOrders, tell).await?;
    statements::run(tx, Script::Reviews).await?;
    statements::run(tx, Script::JudgeReviews).await?;
    judge::reviews(tx).await?;
    judge::review_ids(tx).await?;
    statements::run(tx, Script::GiveReviewIds).await?;
    let tell = |rows| part.tell(rows, progress);
    statements::run_in_parts(tx, Script::WriteReviews, tell).await?;
    if again {
        statements::run(tx, Script::ForgetPitches).await?;
    }
    Ok(())
}

/// Computes returns and correlations from the bars, and compares them with the old ones. Where there are no bars, the old ones were
/// copied.
pub(super) async fn derive(
    tx: &mut Tx,
    again: bool,
    progress: &mut impl FnMut(Step),
) -> Result<(), End> {
    if !statements::has_bars(tx).await? {
        return Ok(());
    }
    progress(Step::Deriving);
    let scope = match again {
        true => metrics::Scope::Changed,
        false => metrics::Scope::All,
    };
    let stored = pending::window(&mut *tx).await?;
    let stored = stored.and_then(|dates| metrics::Window::new(u16::try_from(dates).ok()?).ok());
    metrics::run_in(tx, stored.unwrap_or_default(), scope, |told| {
        if let metrics::Progress::Correlations { done, dates, .. } = told {
            let (done, of) = (done as u64, dates as u64);
            progress(Step::Within { done, of });
        }
    })
    .await?;
    progress(Step::Comparing);
    Ok(statements::run(tx, Script::CompareDerived).await?)
}

/// Makes all proofs, those of the database and those of the program.
pub(super) async fn prove(tx: &mut Tx) -> Result<Report, End> {
    statements::run(tx, Script::Prove).await?;
    let weeks = read(&statements::report(tx).await?)?.weeks;
    let weeks: BTreeSet<WeekId> = weeks
        .iter()
        .filter_map(|week| week.week.as_deref()?.parse().ok())
        .collect();
    let weeks: Vec<WeekId> = weeks.into_iter().collect();
    let (holds, detail) = match read_back::all(tx, &weeks).await {
        Ok(rows) => (true, format!("{rows} rows")),
        Err(error) => (false, error.to_string()),
    };
    statements::prove(tx, 7, "what was adopted can be read", holds, &detail).await?;
    let verification = tx.verify(&crate::SCHEMA).await?;
    let (holds, detail) = match verification.findings.first() {
        None => (true, format!("{} statements", verification.statements)),
        Some(finding) => (false, finding.what.clone()),
    };
    statements::prove(tx, 8, "the doctor has no finding", holds, &detail).await?;
    read(&statements::report(tx).await?)
}

/// Why the statistics are taken back.
enum Undone {
    Told(Vec<Restated>),
    Error(crate::Error),
}

impl From<crate::Error> for Undone {
    fn from(error: crate::Error) -> Self {
        Self::Error(error)
    }
}

/// What the job of the accounts would make of their results, which it does not do here.
pub(super) async fn restated(tx: &mut Tx, at: Timestamp) -> Result<Vec<Restated>, End> {
    statements::run(tx, Script::BeforePerformance).await?;
    let undone = db::savepoint(&mut *tx, async |tx| {
        performance::run_in(tx, None, at).await?;
        let found = statements::restated(tx).await?;
        Err::<Infallible, _>(Undone::Told(found))
    });
    match undone.await {
        Err(Undone::Told(found)) => Ok(found),
        Err(Undone::Error(error)) => Err(error.into()),
    }
}
