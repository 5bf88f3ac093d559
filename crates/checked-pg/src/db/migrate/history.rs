//! What the database says was applied, beside what this program would apply.

use super::{MigrationState, MigrationStatus, script};
use crate::error::{Error, MigrationError, Result};
use sqlx::{
    AssertSqlSafe, PgConnection, SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};
use std::{borrow::Cow, collections::BTreeMap};

/// The column with the programs that a migration goes with; not there before the first one that goes with any.
pub(super) const SINCE: &str = "compatible_since";

/// One applied migration.
#[derive(Debug, Clone)]
pub(in crate::db) struct Record {
    checksum: Vec<u8>,
    /// False if some of its statements ran and some did not.
    whole: bool,
    /// Programs that know this migration or a later one may go on; None for no older program.
    since: Option<i64>,
}

/// The applied migrations by their numbers.
pub(in crate::db) type History = BTreeMap<i64, Record>;

/// Reads what the database says; empty if it was never migrated.
pub(in crate::db) async fn applied(
    conn: &mut PgConnection,
    migrator: &Migrator,
) -> Result<History> {
    const UNDEFINED_TABLE: &str = "42P01";
    // By way of JSON, since the column need not be there.
    let statement = format!(
        "SELECT version, checksum, success, (to_jsonb(applied) ->> '{SINCE}')::bigint FROM {} AS applied",
        migrator.table_name
    );
    let rows: Result<Vec<Row>, _> = sqlx::query_as(AssertSqlSafe(statement))
        .fetch_all(conn)
        .await;
    match rows {
        Ok(rows) => Ok(rows.into_iter().map(record).collect()),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNDEFINED_TABLE) => {
            Ok(History::new())
        }
        Err(error) => Err(error.into()),
    }
}

type Row = (i64, Vec<u8>, bool, Option<i64>);

fn record((version, checksum, whole, since): Row) -> (i64, Record) {
    let record = Record {
        checksum,
        whole,
        since,
    };
    (version, record)
}

/// The migrations that go up, in their order.
pub(super) fn known(migrator: &Migrator) -> impl Iterator<Item = &Migration> {
    migrator
        .iter()
        .filter(|migration| !migration.migration_type.is_down_migration())
}

/// Where each migration stands, by number.
pub(in crate::db) fn compare(migrator: &Migrator, history: &History) -> Vec<MigrationStatus> {
    let newest = known(migrator).map(|migration| migration.version).max();
    let mut list: Vec<_> = known(migrator)
        .map(|migration| MigrationStatus {
            version: migration.version,
            description: Some(migration.description.clone()),
            state: match history.get(&migration.version) {
                None => MigrationState::Pending,
                Some(record) if !record.whole => MigrationState::HalfApplied,
                Some(record) if is_same(migration, &record.checksum) => MigrationState::Applied,
                Some(_) => MigrationState::Edited,
            },
        })
        .collect();
    let pending = list
        .iter()
        .any(|migration| migration.state == MigrationState::Pending);
    let unknown = history
        .iter()
        .filter(|(version, _)| !migrator.version_exists(**version));
    list.extend(unknown.map(|(version, record)| {
        // Only a program that ends where the new migrations begin was ever thought of.
        let goes_on = !pending
            && newest.is_some_and(|newest| {
                newest < *version && record.since.is_some_and(|since| since <= newest)
            });
        MigrationStatus {
            version: *version,
            description: None,
            state: match (record.whole, goes_on) {
                (false, _) => MigrationState::HalfApplied,
                (true, true) => MigrationState::Compatible,
                (true, false) => MigrationState::Unknown,
            },
        }
    }));
    list.sort_by_key(|migration| migration.version);
    list
}

/// The migrations that are missing, if nothing forbids to apply them.
pub(super) fn pending<'a>(migrator: &'a Migrator, history: &History) -> Result<Vec<&'a Migration>> {
    for (one, next) in known(migrator).zip(known(migrator).skip(1)) {
        if one.version == next.version {
            return unusable(format!(
                "number {} is there twice ({}; {}), so give one of them the next free number",
                one.version, one.description, next.description
            ));
        }
    }
    let mut statuses = compare(migrator, history);
    // That the database is ahead says more than that one of its migrations is another one than here.
    statuses.sort_by_key(|status| status.state != MigrationState::Unknown);
    for status in statuses {
        status.check()?;
    }
    let missing: Vec<_> = known(migrator)
        .filter(|migration| !history.contains_key(&migration.version))
        .collect();
    for migration in &missing {
        check(migration)?;
    }
    Ok(missing)
}

/// What is wrong with a migration can be told before anything runs.
fn check(migration: &Migration) -> Result<()> {
    let sql = script::plain(migration.sql.as_str());
    let number = migration.version;
    if let Err(why) = script::compatible_since(&sql) {
        return unusable(format!("in migration {number}, {why}"));
    }
    let statements = script::statements(&sql);
    let ends = statements
        .iter()
        .find(|statement| statement.controls_transaction());
    if let Some(statement) = ends {
        let (line, _) = script::place(&sql, 1 + sql[..statement.start].chars().count());
        return unusable(format!(
            "migration {number} says `{}` in line {line}: take it out, since a migration is a transaction by itself, or \
             make `-- no-transaction` its first line",
            statement.text
        ));
    }
    Ok(())
}

fn unusable<T>(why: String) -> Result<T> {
    Err(Error::Migration(MigrationError::Unusable(Cow::Owned(why))))
}

/// Whether a migration is the applied one, whatever the checkout of either has made of its text.
fn is_same(migration: &Migration, applied: &[u8]) -> bool {
    const MARK: &str = "\u{feff}";
    let plain = script::plain(migration.sql.as_str());
    let windows = plain.replace('\n', "\r\n");
    let marked = [format!("{MARK}{plain}"), format!("{MARK}{windows}")];
    let [unix_marked, windows_marked] = marked;
    *migration.checksum == *applied
        || [plain.into_owned(), windows, unix_marked, windows_marked]
            .into_iter()
            .any(|sql| checksum(sql) == applied)
}

/// What is written down of a migration: the same for every checkout.
pub(super) fn checksum_of(migration: &Migration) -> Cow<'_, [u8]> {
    let raw = migration.sql.as_str();
    match script::plain(raw) {
        // Unless sqlx was told to leave other characters out.
        Cow::Owned(plain) if checksum(raw.to_owned()) == *migration.checksum => {
            Cow::Owned(checksum(plain))
        }
        _ => Cow::Borrowed(&migration.checksum),
    }
}

fn checksum(sql: String) -> Vec<u8> {
    let sql = AssertSqlSafe(sql).into_sql_str();
    let migration = Migration::new(0, "".into(), MigrationType::Simple, sql, false);
    migration.checksum.into_owned()
}
