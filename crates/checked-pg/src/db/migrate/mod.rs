//! Migrations: run them, list them.

mod apply;
mod attempt;
mod blockers;
mod history;
mod inside;
#[doc(hidden)]
pub mod script;
mod turn;

pub(super) use history::{applied, compare};

use super::{
    Db,
    connect::connect,
    health::{Writes, version},
    verify::OLDEST,
};
use crate::{
    Schema,
    config::Limits,
    error::{Error, MigrationError, Result},
};
use apply::Session;
use history::{known, pending};
use sqlx::{Connection, PgConnection, migrate::Migrator};
use std::{borrow::Cow, fmt};

/// One migration, as this program and the database see it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MigrationStatus {
    /// Its number.
    pub version: i64,
    /// Its title, if this program knows it.
    pub description: Option<Cow<'static, str>>,
    /// Where it stands.
    pub state: MigrationState,
}

/// Where a migration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MigrationState {
    /// In the database, the same as here.
    Applied,
    /// Not yet in the database.
    Pending,
    /// In the database, but it was changed here since.
    Edited,
    /// In the database, but this program does not know it: a newer one migrated.
    Unknown,
    /// In the database and not known to this program, which may go on all the same: a newer one migrated, and the migration says
    /// that it goes with older programs (`-- compatible: expand`).
    Compatible,
    /// Some of its statements ran and some did not.
    HalfApplied,
}

impl MigrationStatus {
    /// Whether this program may use a database where this migration stands so, or migrate it.
    ///
    /// # Errors
    /// [`Error::Migration`] if it is unknown, edited or half applied.
    pub fn check(&self) -> Result<()> {
        let version = self.version;
        match self.state {
            MigrationState::Applied | MigrationState::Pending | MigrationState::Compatible => {
                Ok(())
            }
            MigrationState::Unknown => Err(MigrationError::Ahead { version }.into()),
            MigrationState::Edited => Err(MigrationError::Edited { version }.into()),
            MigrationState::HalfApplied => Err(MigrationError::HalfApplied { version }.into()),
        }
    }
}

/// Why migrations must not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Objection {
    /// What there is.
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.advice)
    }
}

/// What the guard says, if a migration is missing and there is a guard.
pub(super) async fn objection(
    conn: &mut PgConnection,
    schema: &Schema,
) -> Result<Option<Objection>> {
    let Some(guard) = schema.guard else {
        return Ok(None);
    };
    let applied = applied(conn, &schema.migrator).await?;
    let mut known = known(&schema.migrator);
    if known.all(|migration| applied.contains_key(&migration.version)) {
        return Ok(None);
    }
    let objection: Option<(String, String)> = sqlx::query_as(guard).fetch_optional(conn).await?;
    Ok(objection.map(|(what, advice)| Objection { what, advice }))
}

impl Db {
    /// Brings the database up to date: runs the migrations of `schema` that it lacks, in order, each in a transaction. Returns how many
    /// this call ran.
    ///
    /// A database that is up to date is only looked at, so the role needs no right but SELECT on the table of migrations. One that is
    /// ahead of this program is left alone, too, if its further migrations say that they go with this program.
    ///
    /// Programs that start at the same time take turns (an advisory lock, the one that sqlx takes). A migration takes as long as it
    /// takes, but it never stands in the queue for a lock for longer than a second, since everybody waits behind it: it is
    /// rolled back then, and tried again after a pause, for as long as the [patience](crate::Config::migration_patience) lasts. Who holds
    /// the lock is logged.
    ///
    /// A migration whose first line is `-- no-transaction` is run statement by statement, which CREATE INDEX CONCURRENTLY asks for. An
    /// index that such a statement left behind half made is dropped first.
    ///
    /// # Errors
    /// [`Error::Migration`] if the server is too old, if the database is ahead of this program, if an applied migration was edited or
    /// is half applied, if the migrations themselves are not in order, or if the [guard](Schema::guarded) of `schema` objects: then none
    /// has begun. And if one fails, or waits for a lock for too long.
    pub async fn migrate(&self, schema: &Schema) -> Result<usize> {
        if let Some(objection) = self.objection(schema).await? {
            return Err(MigrationError::Objection(objection).into());
        }
        self.migrate_with(&schema.migrator).await
    }

    /// Why the migrations that the database lacks must not begin, if the [guard](Schema::guarded) of `schema` has a reason.
    ///
    /// # Errors
    /// No connection, or a catalog cannot be read.
    pub async fn objection(&self, schema: &Schema) -> Result<Option<Objection>> {
        let mut conn = connect(self.config(), Limits::Impatient).await?;
        let objection = objection(&mut conn, schema).await?;
        if let Err(error) = conn.close().await {
            tracing::debug!(error = %Error::from(error), "the database was looked at, the goodbye failed");
        }
        Ok(objection)
    }

    /// As [`migrate`](Self::migrate), with bare migrations. Give those of each crate a table of their own (`table-name` in the `[migrate]`
    /// section of `sqlx.toml`), or they count as unknown to each other.
    ///
    /// # Errors
    /// As [`migrate`](Self::migrate).
    pub async fn migrate_with(&self, migrator: &Migrator) -> Result<usize> {
        // A connection of its own: other timeouts, and the advisory lock goes with it whatever happens.
        let config = self.config();
        let mut conn = connect(config, Limits::Migration).await?;
        let number = conn.server_version_num();
        if number.is_some_and(|number| number < OLDEST * 10_000) {
            let server = version(number);
            return Err(MigrationError::TooOld { server }.into());
        }
        let history = applied(&mut conn, migrator).await?;
        let done = match pending(migrator, &history)?.is_empty() {
            true => 0,
            false => {
                can_write(&mut conn).await?;
                self.run(&mut conn, migrator).await?
            }
        };
        if let Err(error) = conn.close().await {
            tracing::debug!(error = %Error::from(error), "the migrations are done, the goodbye failed");
        }
        Ok(done)
    }

    /// Runs what is missing when it is our turn.
    async fn run(&self, conn: &mut PgConnection, migrator: &Migrator) -> Result<usize> {
        turn::take(conn).await?;
        let history = applied(conn, migrator).await?;
        let missing = pending(migrator, &history)?;
        let mut session = Session::new(self.config(), conn, migrator).await?;
        let mut done = Ok(());
        if !missing.is_empty() {
            done = session.prepare().await;
        }
        for migration in &missing {
            if done.is_ok() {
                done = session.apply(migration).await;
            }
        }
        session.close().await;
        // Those made before may hold plans and type ids of the old schema.
        self.pool.drop_idle(|_| true);
        done.map(|()| missing.len())
    }

    /// Lists the migrations that `schema` or the database knows, by version.
    ///
    /// # Errors
    /// No connection, or the table of migrations cannot be read.
    pub async fn migrations(&self, schema: &Schema) -> Result<Vec<MigrationStatus>> {
        let mut lease = self
            .lease_for_a_look(self.config().acquire_timeout, || {
                "Db::migrations".to_owned()
            })
            .await?;
        let outcome = applied(lease.conn(), &schema.migrator).await;
        match &outcome {
            Ok(_) => lease.settle(&Ok(())),
            Err(_) => lease.discard(),
        }
        Ok(compare(&schema.migrator, &outcome?))
    }
}

/// Told before anything is tried, since the server's own words for it name a statement of ours.
async fn can_write(conn: &mut PgConnection) -> Result<()> {
    match Writes::ask(conn).await?.refused() {
        Some(why) => Err(MigrationError::ReadOnly { why }.into()),
        None => Ok(()),
    }
}
