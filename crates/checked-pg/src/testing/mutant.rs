//! A mistake that `cargo checked-pg mutants` makes in a statement or in a migration, for one run of the tests.

use std::{env, fs, sync::OnceLock};

use sqlx::{
    SqlSafeStr, SqlStr,
    migrate::{Migration, Migrator},
};

use super::must;

/// Names the file with the mistake.
const MUTANT: &str = "CHECKED_PG_MUTANT";

/// A text that is sent to the server as another one.
#[derive(serde::Deserialize)]
struct Mutant {
    from: String,
    to: String,
}

fn mutant() -> Option<&'static Mutant> {
    static MADE: OnceLock<Option<Mutant>> = OnceLock::new();
    let read = |path| must(serde_json::from_slice(&must(fs::read(path))));
    MADE.get_or_init(|| env::var_os(MUTANT).map(read)).as_ref()
}

/// The text in place of a statement, if the mistake is made there.
pub(crate) fn mutated(sql: &str) -> Option<SqlStr> {
    let mutant = mutant().filter(|mutant| mutant.from == sql)?;
    Some(mutant.to.as_str().into_sql_str())
}

/// The migrations with the mistake, if it is made there. Checksums stay: they are of what was meant.
pub(super) fn with_mistake(migrator: &Migrator) -> Option<Migrator> {
    let mistaken = |migration: &Migration| mutated(migration.sql.as_str());
    migrator
        .iter()
        .any(|migration| mistaken(migration).is_some())
        .then(|| {
            let migrations = migrator.iter().cloned().map(|migration| Migration {
                sql: mistaken(&migration).unwrap_or_else(|| migration.sql.clone()),
                ..migration
            });
            Migrator {
                migrations: migrations.collect(),
                ignore_missing: migrator.ignore_missing,
                locking: migrator.locking,
                no_tx: migrator.no_tx,
                table_name: migrator.table_name.clone(),
                create_schemas: migrator.create_schemas.clone(),
            }
        })
}
