//! The commands, one file each.

mod adopt;
mod changes;
mod demo;
mod doctor;
mod events;
mod import_bars;
mod import_events;
mod leaderboard;
mod matrix;
mod metrics;
mod migrate;
mod performance;
mod prepare;
mod remove_bars;
mod snapshot;
mod status;

use anyhow::Result;
use chrono::{NaiveDate, Utc};
use clap::Subcommand;
use llm_trading_db::{
    repo::rows::Misfit,
    types::{FarPrices, Timestamp},
};

use crate::{
    connect::{Needs, Session, Target},
    logging::Statements,
};

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Plays twelve weeks of the desk on real prices, on a temporary server
    Demo,
    /// Refreshes the query cache (.sqlx) of a crate that uses this one, on a temporary server
    Prepare(prepare::Args),
    #[command(flatten)]
    Stored(Stored),
}

impl Command {
    /// Runs the command, on the database that `target` names if it needs one.
    pub(crate) async fn run(&self, target: &Target, statements: &Statements) -> Result<()> {
        match self {
            Self::Demo => demo::run(statements).await,
            Self::Prepare(args) => prepare::run(args).await,
            Self::Stored(command) => command.run(target).await,
        }
    }
}

/// What to do with a database that stays.
#[derive(Debug, Subcommand)]
pub(crate) enum Stored {
    /// Brings the database up to date with this program
    Migrate,
    /// Brings the tables of the Python layer into this program's; all or nothing
    Adopt(adopt::Args),
    /// Shows what became of the tables of the Python layer
    Adoption(adopt::Told),
    /// Stores daily bars from a CSV file; all or nothing
    ImportBars(import_bars::Args),
    /// Removes bars of a symbol
    RemoveBars(remove_bars::Args),
    /// Stores execution events from a file with one JSON object a line; all or nothing
    ImportEvents(import_events::Args),
    /// Lists execution events, newest first
    Events(events::List),
    /// Says of an event that it did not happen; the event stays in the journal
    VoidEvent(events::VoidArgs),
    /// Puts another event in the place of one, which stays in the journal
    CorrectEvent(events::CorrectArgs),
    /// Calculates returns and correlations from the bars
    Metrics(metrics::Args),
    /// Calculates weekly results and statistics of the accounts from their events
    Performance(performance::Args),
    /// Shows prices, indicators and the last thirty closes
    Snapshot(snapshot::Args),
    /// Shows the accounts by return
    Leaderboard(leaderboard::Args),
    /// Shows the correlations of the symbols
    Matrix(matrix::Args),
    /// Shows the server, the migrations and how much there is
    Status(status::Args),
    /// Compares the database with what this program was built for: settings, migrations, every statement
    Doctor(doctor::Args),
}

impl Stored {
    async fn run(&self, target: &Target) -> Result<()> {
        if let Self::Doctor(args) = self
            && args.run_aside().await?
        {
            return Ok(());
        }
        let session = target.connect(self.needs()).await?;
        let outcome = self.run_in(&session).await;
        let closed = session.close().await;
        outcome.and(closed)
    }

    async fn run_in(&self, session: &Session) -> Result<()> {
        let db = &session.db;
        match self {
            Self::Migrate => migrate::run(db).await,
            Self::Adopt(args) => adopt::run(session, args).await,
            Self::Adoption(args) => adopt::tell(session, args).await,
            Self::ImportBars(args) => import_bars::run(db, args).await,
            Self::RemoveBars(args) => remove_bars::run(db, args).await,
            Self::ImportEvents(args) => import_events::run(db, args).await,
            Self::Events(args) => events::list(db, args).await,
            Self::VoidEvent(args) => events::void(db, args).await,
            Self::CorrectEvent(args) => events::correct(db, args).await,
            Self::Metrics(args) => metrics::run(db, args).await,
            Self::Performance(args) => performance::run(db, args).await,
            Self::Snapshot(args) => snapshot::run(db, args).await,
            Self::Leaderboard(args) => leaderboard::run(db, args).await,
            Self::Matrix(args) => matrix::run(db, args).await,
            Self::Status(args) => status::run(session, args).await,
            Self::Doctor(args) => doctor::run(session, args).await,
        }
    }

    fn needs(&self) -> Needs {
        Needs {
            schema: !matches!(
                self,
                Self::Migrate
                    | Self::Adopt(_)
                    | Self::Adoption(_)
                    | Self::Status(_)
                    | Self::Doctor(_)
            ),
            patience: matches!(self, Self::ImportBars(_) | Self::ImportEvents(_)),
        }
    }
}

/// Reads a date in its one ISO form.
pub(crate) fn date(text: &str) -> Result<NaiveDate, String> {
    let date = text
        .parse()
        .ok()
        .filter(|date: &NaiveDate| date.to_string() == text);
    date.ok_or_else(|| "must be a date, such as 2026-01-07".to_owned())
}

/// What `--force` asks for.
fn far_prices(force: bool) -> FarPrices {
    match force {
        true => FarPrices::Taken,
        false => FarPrices::Refused,
    }
}

/// Fails if rows of a list could not be read, each of which is told.
fn all_read(misfits: &[Misfit]) -> Result<()> {
    match misfits {
        [] => Ok(()),
        misfits => Err(crate::Incomplete(misfits.iter().map(left_out).collect()).into()),
    }
}

fn left_out(misfit: &Misfit) -> String {
    format!("left out: {misfit}")
}

/// `one bar`, `2 bars`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the clock"
)]
pub(crate) fn now() -> Timestamp {
    Utc::now().into()
}
