//! Brings a database of the Python layer into this schema: `llm-trading-db adopt`.
//!
//! All of it is one transaction. The old tables move to a schema of their own, where they stay as they were; the migrations run; each
//! old row is converted by statements over whole tables, and is either in our table or listed in `adoption.refused` with its reason.
//! What was changed of an adopted row is listed in `adoption.changed`. Then nine proofs are made, and a proof that fails rolls all of
//! it back. Nothing of money is repaired: a row is adopted with the amounts it has, or refused.
//!
//! ```no_run
//! # use llm_trading_db::{adopt, Db};
//! # async fn f(db: &Db, now: chrono::DateTime<chrono::Utc>) -> Result<(), adopt::Error> {
//! let options = adopt::Options { dry_run: true, ..adopt::Options::default() };
//! let adopted = adopt::run(db, &options, now, |step| eprintln!("{step}")).await?;
//! println!("{} rows would be refused", adopted.report.rows_refused());
//! # Ok(())
//! # }
//! ```

mod judge;
mod read_back;
mod report;
mod statements;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use judge::content_key;
pub use report::{
    Changed, Derived, Money, Note, Other, Proof, Refused, Report, Right, Table, Week,
};
use statements::Script;

use crate::{
    db::{Db, Tx},
    service::metrics,
    types::{Account, WeekId},
};

/// How to adopt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Does all of it, and rolls it back.
    pub dry_run: bool,
    /// Tries the rows that an earlier run refused, and that were mended in the old tables since.
    pub again: bool,
    /// Schema that the old tables move to.
    pub legacy_schema: String,
    /// Time zone of instants that name none, such as `UTC` or `America/New_York`.
    pub naive_timezone: String,
    /// What labels mean, where the rules would say something else or nothing.
    pub weeks: BTreeMap<String, WeekId>,
    /// Which account a model trades for, where an old pitch does not say.
    pub accounts: BTreeMap<String, Account>,
    /// Goes on while others are connected.
    pub while_connected: bool,
    /// Grants on the new tables what other roles may do with the old ones.
    pub grant_like_before: bool,
    /// Moves tables that a publication sends elsewhere.
    pub published: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dry_run: false,
            again: false,
            legacy_schema: "legacy".to_owned(),
            naive_timezone: "UTC".to_owned(),
            weeks: BTreeMap::new(),
            accounts: BTreeMap::new(),
            while_connected: false,
            grant_like_before: false,
            published: false,
        }
    }
}

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

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Moves the old tables.
    Moving,
    /// Runs the migrations.
    Migrating,
    /// Copies the old rows.
    Reading,
    /// Makes new rows of them.
    Converting,
    /// Looks at every document.
    Judging,
    /// Writes the new rows.
    Writing,
    /// Makes the proofs.
    Proving,
    /// Computes returns and correlations, after the adoption.
    Deriving,
    /// Compares them with the old ones.
    Comparing,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Moving => "moving the old tables",
            Self::Migrating => "running the migrations",
            Self::Reading => "reading the old rows",
            Self::Converting => "converting them",
            Self::Judging => "looking at every document",
            Self::Writing => "writing the new rows",
            Self::Proving => "proving that nothing was lost",
            Self::Deriving => "computing returns and correlations",
            Self::Comparing => "comparing them with the old ones",
        })
    }
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
    at: DateTime<Utc>,
    mut progress: impl FnMut(Step),
) -> Result<Adopted, Error> {
    let done = db
        .transaction_once(async |tx| adopt(tx, options, at, &mut progress).await)
        .await;
    match done {
        Ok(adopted) if adopted.now => derive(db, adopted, progress).await,
        Ok(adopted) => Ok(adopted),
        Err(End::DryRun(report)) => Ok(Adopted {
            report: *report,
            now: true,
        }),
        Err(End::Error(error)) => Err(error),
    }
}

/// Computes returns and correlations from the bars, and compares them with the old ones. That is a transaction every few seconds: what
/// was adopted stays, and a run that is interrupted here is taken up by the metrics job.
async fn derive(
    db: &Db,
    adopted: Adopted,
    mut progress: impl FnMut(Step),
) -> Result<Adopted, Error> {
    if !adopted.report.tables.iter().any(|table| table.recomputed) {
        return Ok(adopted);
    }
    progress(Step::Deriving);
    metrics::run(db, metrics::Window::default(), metrics::Scope::Changed).await?;
    progress(Step::Comparing);
    let stored = db
        .transaction_once(async |tx| {
            statements::run(tx, Script::Limits).await?;
            let legacy_schema = statements::legacy_schema(tx).await?;
            statements::set(tx, "adopt.legacy", &legacy_schema).await?;
            statements::run(tx, Script::CompareDerived).await?;
            statements::stored_report(tx).await
        })
        .await?;
    let report = stored.as_deref().map(parse).transpose()?;
    Ok(Adopted {
        report: report.unwrap_or(adopted.report),
        now: true,
    })
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
    at: DateTime<Utc>,
    progress: &mut impl FnMut(Step),
) -> Result<Adopted, End> {
    statements::run(tx, Script::Prepare).await?;
    let (mut sessions, mut migrations) = (Vec::new(), 0);
    match (statements::stored_report(tx).await?, options.again) {
        (Some(stored), false) => {
            let report = read(&stored)?;
            return Ok(Adopted { report, now: false });
        }
        (Some(_), true) => {
            let legacy_schema = statements::legacy_schema(tx).await?;
            parameters(tx, options, &legacy_schema, at).await?;
            statements::run(tx, Script::Reopen).await?;
        }
        (None, true) => {
            return Err(in_the_way(
                "this database was not adopted yet: run it without --again",
            ));
        }
        (None, false) => {
            sessions = look(tx, options).await?;
            parameters(tx, options, &options.legacy_schema, at).await?;
            progress(Step::Moving);
            statements::run(tx, Script::Move).await?;
        }
    }
    if !options.again {
        progress(Step::Migrating);
        migrations = tx.migrate(&crate::SCHEMA).await?;
    }
    progress(Step::Reading);
    statements::run(tx, Script::Read).await?;
    if options.again {
        statements::run(tx, Script::OnlyRefused).await?;
    }
    convert(tx, options.again, progress).await?;
    if options.grant_like_before {
        statements::run(tx, Script::Grant).await?;
    }
    progress(Step::Proving);
    let mut report = prove(tx).await?;
    report.sessions = sessions;
    report.migrations = migrations;
    if let Some(failed) = report.proofs.iter().find(|proof| !proof.holds) {
        return Err(End::Error(Error::Unproven(failed.clone())));
    }
    if options.dry_run {
        return Err(End::DryRun(Box::new(report)));
    }
    let json = serde_json::to_string(&report)
        .map_err(|_| crate::Error::Driver("a report can be written as JSON"))?;
    let id = Uuid::now_v7();
    statements::store(tx, id, at, &told(options), &json).await?;
    Ok(Adopted { report, now: true })
}

/// Looks whether anything stands in the way. Returns who else is connected.
async fn look(tx: &mut Tx, options: &Options) -> Result<Vec<String>, End> {
    if let Some(objection) = statements::objection(tx).await? {
        return Err(in_the_way(objection));
    }
    if statements::schema_is_there(tx, &options.legacy_schema).await? {
        return Err(in_the_way(format!(
            "there is a schema {} already, so the old tables need another one: give --legacy-schema NAME",
            options.legacy_schema
        )));
    }
    let published = statements::published(tx).await?;
    if !published.is_empty() && !options.published {
        return Err(in_the_way(format!(
            "publications send the old tables elsewhere ({}): drop them, or give --allow-published",
            published.join(", ")
        )));
    }
    let sessions = statements::sessions(tx).await?;
    if !sessions.is_empty() && !options.while_connected && !options.dry_run {
        return Err(in_the_way(format!(
            "others are connected to this database, and what they write meanwhile would be lost or refused: stop them, or give \
             --while-connected: {}",
            sessions.join("; ")
        )));
    }
    Ok(sessions)
}

async fn parameters(
    tx: &mut Tx,
    options: &Options,
    legacy_schema: &str,
    at: DateTime<Utc>,
) -> Result<(), End> {
    let json = |map: Vec<(&String, String)>| {
        serde_json::to_string(&map.into_iter().collect::<BTreeMap<_, _>>())
            .map_err(|_| crate::Error::Driver("texts can be written as JSON"))
    };
    let weeks = options.weeks.iter().map(|(k, v)| (k, v.to_string()));
    let accounts = options.accounts.iter().map(|(k, v)| (k, v.to_string()));
    statements::set(tx, "adopt.legacy", legacy_schema).await?;
    let again = if options.again { "yes" } else { "no" };
    statements::set(tx, "adopt.again", again).await?;
    statements::set(tx, "adopt.zone", &options.naive_timezone).await?;
    statements::set(tx, "adopt.start", &at.to_rfc3339()).await?;
    statements::set(tx, "adopt.weeks", &json(weeks.collect())?).await?;
    statements::set(tx, "adopt.accounts", &json(accounts.collect())?).await?;
    Ok(())
}

async fn convert(tx: &mut Tx, again: bool, progress: &mut impl FnMut(Step)) -> Result<(), End> {
    progress(Step::Converting);
    for script in [
        Script::Market,
        Script::Returns,
        Script::People,
        Script::Council,
        Script::Journal,
    ] {
        statements::run(tx, script).await?;
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
    statements::run(tx, Script::Write).await?;
    statements::run(tx, Script::Reviews).await?;
    statements::run(tx, Script::JudgeReviews).await?;
    judge::reviews(tx).await?;
    judge::review_ids(tx).await?;
    statements::run(tx, Script::GiveReviewIds).await?;
    statements::run(tx, Script::WriteReviews).await?;
    if again {
        statements::run(tx, Script::ForgetPitches).await?;
    }
    Ok(())
}

/// Makes all proofs, those of the database and those of the program.
async fn prove(tx: &mut Tx) -> Result<Report, End> {
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

fn read(json: &str) -> Result<Report, End> {
    parse(json).map_err(End::Error)
}

fn parse(json: &str) -> Result<Report, Error> {
    serde_json::from_str(json)
        .map_err(|error| Error::InTheWay(format!("the stored report cannot be read: {error}")))
}

/// The options, for the record.
fn told(options: &Options) -> BTreeMap<&'static str, String> {
    let Options {
        naive_timezone,
        weeks,
        accounts,
        while_connected,
        grant_like_before,
        published,
        ..
    } = options;
    BTreeMap::from([
        ("naive_timezone", naive_timezone.clone()),
        ("weeks", format!("{weeks:?}")),
        ("accounts", format!("{accounts:?}")),
        ("while_connected", while_connected.to_string()),
        ("grant_like_before", grant_like_before.to_string()),
        ("published", published.to_string()),
    ])
}
