//! What is known of an adoption afterwards, and how to be done with it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    End, Error, Report, in_the_way, read,
    statements::{self, Script},
};
use crate::{
    db::{Db, Tx},
    types::Timestamp,
};

/// An old row that was not adopted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Refusal {
    /// The old table.
    pub table: String,
    /// The row's old id.
    pub key: String,
    /// The reason, for programs.
    pub code: String,
    /// The field it is about.
    pub field: Option<String>,
    /// The reason, for people.
    pub reason: String,
    /// The row as it was, digit for digit.
    pub row: Box<RawValue>,
}

/// A value of an adopted row that is another one now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// The old table.
    pub table: String,
    /// The row's old id.
    pub key: String,
    /// The rule, for programs.
    pub code: String,
    /// The field.
    pub field: Option<String>,
    /// The value, up to 1,000 characters of it.
    pub was: Option<String>,
    /// What it is now.
    pub is_now: Option<String>,
}

/// What [`forget`] dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Forgotten {
    /// The schema of the old tables.
    pub schema: String,
    /// The old tables, with their rows.
    pub tables: Vec<(String, u64)>,
    /// Rows that were never adopted, and so are nowhere now.
    pub refused: u64,
}

/// A run that adopted rows: the first one, or one of mended rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Run {
    /// When.
    pub at: Timestamp,
    /// Version of the program.
    pub program_version: String,
    /// What it did.
    pub report: Report,
}

/// The runs, the first one first; none if the database was not adopted.
///
/// # Errors
/// Those of the database.
pub async fn runs(db: &Db) -> Result<Vec<Run>, Error> {
    looking(db, async |tx| {
        let runs = statements::stored_runs(tx).await?;
        let run = |(at, program_version, report): (Timestamp, String, String)| {
            Ok(Run {
                at,
                program_version,
                report: read(&report)?,
            })
        };
        runs.into_iter().map(run).collect()
    })
    .await
}

/// The old rows that were not adopted, of one table or of all.
///
/// # Errors
/// [`Error::InTheWay`] if the database was not adopted; else those of the database.
pub async fn refusals(db: &Db, table: Option<&str>) -> Result<Vec<Refusal>, Error> {
    looking(db, async |tx| {
        adopted(tx).await?;
        Ok(statements::refusals(tx, table).await?)
    })
    .await
}

/// What was changed of adopted rows, of one table or of all.
///
/// # Errors
/// [`Error::InTheWay`] if the database was not adopted; else those of the database.
pub async fn changes(db: &Db, table: Option<&str>) -> Result<Vec<Edit>, Error> {
    looking(db, async |tx| {
        adopted(tx).await?;
        Ok(statements::edits(tx, table).await?)
    })
    .await
}

/// Drops the old tables and what is told of their adoption. With `look_only` it does so and takes it back.
///
/// # Errors
/// [`Error::InTheWay`] if the database was not adopted, or if anything of others hangs on the old tables; else those of the database.
/// Nothing was dropped then.
#[tracing::instrument(
    name = "adopt.forget",
    skip_all,
    fields(look_only),
    err(level = "debug")
)]
pub async fn forget(db: &Db, look_only: bool) -> Result<Forgotten, Error> {
    let done = db
        .transaction_once(async |tx| {
            statements::run(tx, Script::Settings).await?;
            let schema = adopted(tx).await?;
            statements::set(tx, "adopt.legacy", &schema).await?;
            let forgotten = Forgotten {
                tables: statements::old_tables(tx).await?,
                refused: statements::count_refused(tx).await?,
                schema,
            };
            let others = statements::on_old_tables(tx).await?;
            if !others.is_empty() {
                let why = format!(
                    "others need the old tables, so nothing is dropped: {}",
                    others.join(", ")
                );
                return Err(Taken::Failed(Error::InTheWay(why)));
            }
            statements::run(tx, Script::Forget).await?;
            match look_only {
                true => Err(Taken::Back(forgotten)),
                false => Ok(forgotten),
            }
        })
        .await;
    match done {
        Ok(forgotten) | Err(Taken::Back(forgotten)) => Ok(forgotten),
        Err(Taken::Failed(error)) => Err(error),
    }
}

/// Why the transaction is rolled back.
enum Taken {
    Back(Forgotten),
    Failed(Error),
}

impl From<crate::Error> for Taken {
    fn from(error: crate::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<End> for Taken {
    fn from(end: End) -> Self {
        Self::Failed(failed(end))
    }
}

/// The schema of the old tables.
async fn adopted(tx: &mut Tx) -> Result<String, End> {
    match statements::stored_report(tx).await? {
        Some(_) => Ok(statements::legacy_schema(tx).await?),
        None => Err(in_the_way("this database was not adopted")),
    }
}

async fn looking<T>(
    db: &Db,
    look: impl AsyncFnOnce(&mut Tx) -> Result<T, End>,
) -> Result<T, Error> {
    db.transaction_once(look).await.map_err(failed)
}

fn failed(end: End) -> Error {
    match end {
        End::Error(error) => error,
        End::DryRun(_) => Error::InTheWay("a dry run ended elsewhere".to_owned()),
    }
}
