//! Brings a database of the Python layer into this schema: `llm-trading-db adopt`.
//!
//! All of it is one transaction. The old tables move to a schema of their own, where they stay as they were; the migrations run; each
//! old row is converted by statements over whole tables, and is either in our table or listed in `adoption.refused` with its reason.
//! What was changed of an adopted row is listed in `adoption.changed`. Then nine proofs are made, and a proof that fails rolls all of
//! it back. Nothing of money is repaired: a row is adopted with the amounts it has, or refused.
//!
//! ```no_run
//! # use llm_trading_db::{adopt, Db};
//! # async fn f(db: &Db, now: llm_trading_db::types::Timestamp) -> Result<(), adopt::Error> {
//! let options = adopt::Options { dry_run: true, ..adopt::Options::default() };
//! let adopted = adopt::run(db, &options, now, |step| eprintln!("{step}")).await?;
//! println!("{} rows would be refused", adopted.report.rows_refused());
//! # Ok(())
//! # }
//! ```

mod before;
mod convert;
mod judge;
mod later;
mod options;
mod read_back;
mod report;
mod statements;
mod step;

pub use judge::content_key;
pub use later::{Edit, Forgotten, Refusal, Run, changes, forget, refusals, runs};
pub use options::Options;
pub use report::{
    Changed, Derived, Money, Note, Other, Proof, Refused, Report, Restated, Right, Table, Week,
};
pub use step::Step;

use statements::Script;

use crate::{
    db::{Db, Tx},
    types::Timestamp,
};

/// Why nothing was adopted. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something stands in the way; it says what to do.
    #[error("{0}")]
    InTheWay(String),
    /// A proof failed. That is a fault of this program, or of what somebody did to the new tables.
    #[error("nothing was changed, since proof {} failed ({}): {}", .0.number, .0.name, .0.detail)]
    Unproven(Proof),
    /// The database.
    #[error(transparent)]
    Database(#[from] crate::Error),
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adopted {
    /// What it did, or would have done.
    pub report: Report,
    /// False if the database had been adopted before: the report is that of then, and nothing was done now.
    pub now: bool,
}

/// Adopts the database; `at` is now, and `progress` hears how far it is.
///
/// A database that was adopted before is left alone, and the report of then is returned.
///
/// # Errors
/// [`Error::InTheWay`] if there is nothing to adopt, or something to be done before; [`Error::Unproven`] if a proof fails; those of the
/// database. Nothing was changed then.
#[tracing::instrument(name = "adopt.run", skip_all, fields(dry_run = options.dry_run), err(level = "debug"))]
pub async fn run(
    db: &Db,
    options: &Options,
    at: Timestamp,
    mut progress: impl FnMut(Step),
) -> Result<Adopted, Error> {
    let done = db
        .transaction_once(async |tx| adopt(tx, options, at, &mut progress).await)
        .await;
    match done {
        Ok(adopted) => Ok(adopted),
        Err(End::DryRun(report)) => Ok(Adopted {
            report: *report,
            now: true,
        }),
        Err(End::Error(error)) => Err(before::held(db, error).await),
    }
}

/// Why the transaction is rolled back.
enum End {
    DryRun(Box<Report>),
    Error(Error),
}

impl From<crate::Error> for End {
    fn from(error: crate::Error) -> Self {
        Self::Error(error.into())
    }
}

fn in_the_way(what: impl Into<String>) -> End {
    End::Error(Error::InTheWay(what.into()))
}

async fn adopt(
    tx: &mut Tx,
    options: &Options,
    at: Timestamp,
    progress: &mut impl FnMut(Step),
) -> Result<Adopted, End> {
    before::writable(tx).await?;
    statements::run(tx, Script::Settings).await?;
    before::rights(tx).await?;
    statements::run(tx, Script::Prepare).await?;
    let (mut sessions, mut migrations) = (Vec::new(), 0);
    match (statements::stored_report(tx).await?, options.again) {
        (Some(stored), false) => {
            let report = read(&stored)?;
            return Ok(Adopted { report, now: false });
        }
        (Some(_), true) => {
            let legacy_schema = statements::legacy_schema(tx).await?;
            options::set(tx, options, &legacy_schema, at).await?;
            statements::run(tx, Script::Reopen).await?;
        }
        (None, true) => {
            return Err(in_the_way(
                "this database was not adopted yet: run it without --again",
            ));
        }
        (None, false) => {
            sessions = before::look(tx, options).await?;
            options::set(tx, options, &options.legacy_schema, at).await?;
            progress(Step::Moving);
            statements::run(tx, Script::Move).await?;
        }
    }
    if !options.again {
        progress(Step::Migrating);
        let migrated = tx.migrate(&crate::SCHEMA).await;
        migrations = migrated.map_err(before::taken_name)?;
    }
    let rows = statements::rows_to_read(tx).await?;
    progress(Step::Reading { rows });
    let mut part = convert::Part::of(rows);
    statements::run_in_parts(tx, Script::Read, |done| part.tell(done, progress)).await?;
    if options.again {
        statements::run(tx, Script::OnlyRefused).await?;
    }
    convert::convert(tx, options.again, rows, progress).await?;
    convert::derive(tx, options.again, progress).await?;
    if options.grant_like_before {
        statements::run(tx, Script::Grant).await?;
    }
    progress(Step::Proving);
    let mut report = convert::prove(tx).await?;
    report.sessions = sessions;
    report.migrations = migrations;
    if let Some(failed) = report.proofs.iter().find(|proof| !proof.holds) {
        return Err(End::Error(Error::Unproven(failed.clone())));
    }
    report.performance = convert::restated(tx, at).await?;
    if options.dry_run {
        return Err(End::DryRun(Box::new(report)));
    }
    let json = serde_json::to_string(&report)
        .map_err(|_| crate::Error::Driver("a report can be written as JSON"))?;
    let id = checked_pg::key::uuid_v7(*at);
    statements::store(tx, id, at, &options::told(options), &json).await?;
    Ok(Adopted { report, now: true })
}

fn read(json: &str) -> Result<Report, End> {
    parse(json).map_err(End::Error)
}

fn parse(json: &str) -> Result<Report, Error> {
    serde_json::from_str(json)
        .map_err(|error| Error::InTheWay(format!("the stored report cannot be read: {error}")))
}
