//! Migrations: run them, list them.

use super::{Db, connect::connect};
use crate::{
    Schema,
    error::{Error, MigrationError, Result},
};
use sqlx::{
    Connection,
    migrate::{AppliedMigration, Migrate, MigrateError, Migrator},
};
use std::{borrow::Cow, collections::BTreeMap, fmt};

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
    conn: &mut sqlx::PgConnection,
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
    /// Brings the database up to date: runs the migrations of `schema` that it lacks, in order, each in a transaction.
    /// Returns how many it lacked.
    ///
    /// Programs that start at the same time take turns (an advisory lock). No timeout applies: a migration takes as long as it takes.
    ///
    /// # Errors
    /// [`Error::Migration`] if the database is ahead of this program, if an applied migration was edited, if one fails, or if the
    /// [guard](Schema::guarded) of `schema` objects: then none has begun.
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
        let mut conn = connect(self.config(), self.config().impatient_options()).await?;
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
        let mut conn = connect(config, config.migration_options()).await?;
        let before = applied(&mut conn, migrator).await?;
        migrator
            .run_direct(None, &mut conn, false)
            .await
            .map_err(Error::from)?;
        // Those made before may hold plans and type ids of the old schema.
        self.pool.drop_idle(|_| true);
        if let Err(error) = conn.close().await {
            tracing::debug!(error = %Error::from(error), "the migrations are done, the goodbye failed");
        }
        Ok(known(migrator)
            .filter(|migration| !before.contains_key(&migration.version))
            .count())
    }

    /// Lists the migrations that `schema` or the database knows, by version.
    ///
    /// # Errors
    /// No connection, or the table of migrations cannot be read.
    pub async fn migrations(&self, schema: &Schema) -> Result<Vec<MigrationStatus>> {
        let mut lease = self
            .acquire(self.config().acquire_timeout, || {
                "Db::migrations".to_owned()
            })
            .await?;
        let outcome = applied(lease.conn(), &schema.migrator).await;
        match &outcome {
            Ok(_) => lease.release(),
            Err(_) => lease.discard(),
        }
        Ok(compare(&schema.migrator, outcome?))
    }
}

/// The migrations in the database: version and checksum.
pub(super) async fn applied(
    conn: &mut sqlx::PgConnection,
    migrator: &Migrator,
) -> Result<BTreeMap<i64, Cow<'static, [u8]>>> {
    const UNDEFINED_TABLE: &str = "42P01";
    let checksums = |list: Vec<AppliedMigration>| {
        list.into_iter()
            .map(|migration| (migration.version, migration.checksum))
            .collect()
    };
    match conn.list_applied_migrations(&migrator.table_name).await {
        Ok(list) => Ok(checksums(list)),
        Err(MigrateError::Execute(sqlx::Error::Database(error)))
            if error.code().as_deref() == Some(UNDEFINED_TABLE) =>
        {
            Ok(BTreeMap::new()) // never migrated
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) fn compare(
    migrator: &Migrator,
    mut applied: BTreeMap<i64, Cow<'static, [u8]>>,
) -> Vec<MigrationStatus> {
    let mut list: Vec<_> = known(migrator)
        .map(|migration| MigrationStatus {
            version: migration.version,
            description: Some(migration.description.clone()),
            state: match applied.remove(&migration.version) {
                None => MigrationState::Pending,
                Some(checksum) if checksum == migration.checksum => MigrationState::Applied,
                Some(_) => MigrationState::Edited,
            },
        })
        .collect();
    list.extend(applied.into_keys().map(|version| MigrationStatus {
        version,
        description: None,
        state: MigrationState::Unknown,
    }));
    list.sort_by_key(|migration| migration.version);
    list
}

fn known(migrator: &Migrator) -> impl Iterator<Item = &sqlx::migrate::Migration> {
    migrator
        .iter()
        .filter(|migration| !migration.migration_type.is_down_migration())
}
