//! Is the live database the one that this program was compiled for?

mod rights;
mod rules;
mod server;
mod statements;

use super::{
    Db, MigrationState, MigrationStatus,
    connect::connect,
    health::version,
    migrate::{applied, compare, objection},
};
use crate::{
    Schema,
    config::Limits,
    error::{Error, Result},
};
use sqlx::{Connection, PgConnection};
use statements::{Statement, Within};
use std::borrow::Cow;

pub use rights::{Right, Rights, StatementRights};
pub use rules::LIST as SCHEMA_RULES;
pub(crate) use server::OLDEST;
#[cfg(feature = "testing")]
pub(crate) use statements::{Listed, listed};

/// What [`Db::verify`] found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Verification {
    /// The server's version, such as `15.8`.
    pub server_version: String,
    /// How many migrations were compared.
    pub migrations: usize,
    /// How many statements were compared: none while migrations are missing.
    pub statements: usize,
    /// What is wrong; empty if all is well.
    pub findings: Vec<Finding>,
}

/// One thing that is wrong with the live database.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// What it is, in one line, such as `0513c6ca07d9 (repo::bars::latest): column close is text, was numeric`.
    pub what: String,
    /// What to do about it.
    pub advice: Cow<'static, str>,
}

impl Finding {
    fn new(what: impl Into<String>, advice: impl Into<Cow<'static, str>>) -> Self {
        Self {
            what: what.into(),
            advice: advice.into(),
        }
    }
}

impl Db {
    /// Compares the live database with the one that `schema` was compiled for: the server's version and settings, the
    /// migrations, the constraints, indexes and defaults by name, and every statement of its crate (the types of its parameters;
    /// names, types and nullability of its columns).
    ///
    /// To be run after a deploy, by an operator's command or by the program itself when it starts.
    ///
    /// It reads the catalogs and lets the server plan each statement; it runs none and changes nothing. On an older server and
    /// on one that lacks migrations it stops there: what follows from that is no news.
    ///
    /// # Errors
    /// No connection, or it broke; no right to read the table of migrations. What is wrong with the database is no error but a
    /// [`Finding`].
    pub async fn verify(&self, schema: &Schema) -> Result<Verification> {
        let mut conn = self.connect_aside().await?;
        let verification = verify(&mut conn, schema).await?;
        goodbye(conn).await;
        Ok(verification)
    }

    /// As [`verify`](Self::verify), with statements of your own: each is the name to report it by and the content of its file
    /// in `.sqlx`. The order of the findings is that of the statements.
    ///
    /// ```no_run
    /// # async fn f(db: &checked_pg::db::Db) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut statements = Vec::new();
    /// for entry in std::fs::read_dir(".sqlx")? {
    ///     let path = entry?.path();
    ///     statements.push((path.display().to_string(), std::fs::read_to_string(&path)?));
    /// }
    /// for finding in db.verify_statements(&statements).await? {
    ///     eprintln!("{}: {}", finding.what, finding.advice);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is no entry of sqlx's query cache; and those of [`verify`](Self::verify).
    pub async fn verify_statements(
        &self,
        cached: &[(impl AsRef<str>, impl AsRef<str>)],
    ) -> Result<Vec<Finding>> {
        let parse =
            |(name, json): &(_, _)| Statement::parse(AsRef::as_ref(name), AsRef::as_ref(json));
        let cached: Vec<Statement> = cached.iter().map(parse).collect::<Result<_>>()?;
        let mut conn = self.connect_aside().await?;
        let findings = statements::verify(&mut conn, &cached, Within::Nothing).await?;
        goodbye(conn).await;
        Ok(findings)
    }

    /// A connection of its own: those of the pool remember what a statement looked like when they first saw it.
    pub(crate) async fn connect_aside(&self) -> Result<PgConnection> {
        let config = self.config();
        connect(config, Limits::Impatient).await
    }
}

/// A courtesy, whose failure changes nothing.
async fn goodbye(conn: PgConnection) {
    if let Err(error) = conn.close().await {
        tracing::debug!(error = %Error::from(error), "all is verified, the goodbye failed");
    }
}

/// In a transaction, which goes on.
pub(super) async fn inside(conn: &mut PgConnection, schema: &Schema) -> Result<Verification> {
    // A statement that ran on this connection is remembered without the origin of its columns.
    conn.clear_cached_statements().await?;
    compared(conn, schema, Within::ATransaction).await
}

async fn verify(conn: &mut PgConnection, schema: &Schema) -> Result<Verification> {
    compared(conn, schema, Within::Nothing).await
}

async fn compared(
    conn: &mut PgConnection,
    schema: &Schema,
    within: Within,
) -> Result<Verification> {
    let mut verification = Verification {
        server_version: version(conn.server_version_num()),
        migrations: 0,
        statements: 0,
        findings: Vec::new(),
    };
    if let Some(too_old) = server::too_old(conn.server_version_num()) {
        verification.findings.push(too_old);
        return Ok(verification);
    }
    verification.findings = server::settings(conn).await?;
    let migrations = compare(&schema.migrator, &applied(conn, &schema.migrator).await?);
    verification.migrations = migrations.len();
    match objection(conn, schema).await? {
        // That the migrations are missing is no news then, and to run them the wrong advice.
        Some(objection) => verification
            .findings
            .push(Finding::new(objection.what, objection.advice)),
        None => verification.findings.extend(differences(&migrations)),
    }
    let pending = |migration: &MigrationStatus| migration.state == MigrationState::Pending;
    if !migrations.iter().any(pending) {
        let compatible = migrations
            .iter()
            .any(|migration| migration.state == MigrationState::Compatible);
        verification
            .findings
            .extend(rules::verify(conn, schema.rules, compatible).await?);
        let cached = statements::of(schema)?;
        verification.statements = cached.len();
        let findings = statements::verify(conn, &cached, within).await?;
        verification.findings.extend(findings);
    }
    Ok(verification)
}

fn differences(migrations: &[MigrationStatus]) -> Vec<Finding> {
    let pending = |migration: &MigrationStatus| migration.state == MigrationState::Pending;
    if migrations.iter().all(pending) {
        let never = Finding::new(
            "the database was never migrated",
            "run the migrations (`migrate`), or check that this is the right database and search_path",
        );
        return vec![never];
    }
    migrations.iter().filter_map(difference).collect()
}

fn difference(migration: &MigrationStatus) -> Option<Finding> {
    let version = migration.version;
    let title = migration.description.as_deref().unwrap_or_default();
    match migration.state {
        MigrationState::Applied | MigrationState::Compatible => None,
        MigrationState::HalfApplied => Some(Finding::new(
            format!("migration {version} ({title}) is half applied"),
            "see with its file which of its statements took effect; then either run the others by hand and set `success` to true in \
             its row of the table of migrations, or undo them and delete that row",
        )),
        MigrationState::Pending => Some(Finding::new(
            format!("migration {version} ({title}) is missing"),
            "run the migrations (`migrate`), then verify again: the statements are not looked at before",
        )),
        MigrationState::Edited => Some(Finding::new(
            format!("migration {version} ({title}) is not the one that was applied"),
            "run the version of this program that applied it, or restore the migration's file and build again",
        )),
        MigrationState::Unknown => Some(Finding::new(
            format!("migration {version} is not known to this program"),
            "a newer version migrated the database: run that version or a later one",
        )),
    }
}
