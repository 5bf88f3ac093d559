//! Whoever migrates waits for locks, and lets others pass.

use std::time::{Duration, Instant};

use llm_trading_db::{db::Db, error::Result};
use sqlx::{Connection, PgConnection};
use tokio::{task::JoinHandle, time::timeout};

use super::*;

const INDEX: &str = "-- no-transaction
-- Readers go on.
CREATE INDEX CONCURRENTLY notes_note_idx ON notes (note);";

/// A table with rows that differ.
const NOTES: &str = "CREATE TABLE notes (id int PRIMARY KEY, note text);
                     INSERT INTO notes SELECT n, 'note ' || n % 997 FROM generate_series(1, 50000) AS n";

fn no_transaction(version: i64, sql: &'static str) -> Migration {
    Migration::new(
        version,
        "test".into(),
        MigrationType::Simple,
        sql.into_sql_str(),
        true,
    )
}

fn with_index(index: &'static str) -> Migrator {
    migrator(vec![migration(1, NOTES), no_transaction(2, index)])
}

/// The indexes of the table that are not its key, and whether each is valid.
async fn indexes(db: &Db) -> Vec<String> {
    column(
        db,
        "SELECT relname || CASE WHEN indisvalid THEN '' ELSE ' (not valid)' END
         FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
         WHERE indrelid = to_regclass('notes') AND NOT indisprimary ORDER BY relname",
    )
    .await
    .unwrap()
}

/// Another session.
async fn session(bank: &Bank) -> PgConnection {
    let options = bank.config(1).application_name("reports");
    PgConnection::connect_with(&options.connect_options())
        .await
        .unwrap()
}

/// A session in whose open transaction the table was read.
async fn reader(bank: &Bank) -> (PgConnection, i32) {
    let mut reader = session(bank).await;
    reader.execute("BEGIN").await.unwrap();
    reader.execute("SELECT count(*) FROM notes").await.unwrap();
    let pid = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut reader)
        .await;
    (reader, pid.unwrap())
}

fn in_background(db: &Db, migrator: Migrator) -> JoinHandle<Result<usize>> {
    let db = db.clone();
    tokio::spawn(async move { db.migrate_with(&migrator).await })
}

#[tokio::test]
async fn three_programs_at_once_build_an_index_concurrently() {
    let bank = Bank::open().await;
    let db = bank.db(4).await;
    let (one, two, three) = (with_index(INDEX), with_index(INDEX), with_index(INDEX));
    let (one, two, three) = tokio::try_join!(
        db.migrate_with(&one),
        db.migrate_with(&two),
        db.migrate_with(&three)
    )
    .unwrap();
    assert_eq!(one + two + three, 2);
    assert_eq!(indexes(&db).await, ["notes_note_idx"]);
}

/// As sqlx's own migrator does it, in an older version of the program.
#[tokio::test]
async fn the_lock_is_the_one_that_sqlx_takes() {
    let mut bank = Bank::open().await;
    let db = bank.db(2).await;
    let log = Log::default();
    let guard = log.start();
    use sqlx::migrate::Migrate;
    bank.outside.lock().await.unwrap();
    let waiting = in_background(&db, migrator(vec![migration(1, NOTES)]));
    let told = async {
        while !log
            .peek()
            .contains("waiting for another program that migrates")
        {
            tokio::time::sleep(10 * MS).await;
        }
    };
    timeout(Duration::from_secs(60), told).await.unwrap();
    assert_eq!(bank.count_tables("notes").await, 0);
    bank.outside.unlock().await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), 1);
    drop(guard);
}

#[tokio::test]
async fn readers_pass_while_a_migration_waits_for_one_of_them() {
    let bank = Bank::open().await;
    let db = bank.db(2).await;
    db.migrate_with(&migrator(vec![migration(1, NOTES)]))
        .await
        .unwrap();
    let (mut slow, pid) = reader(&bank).await;
    let log = Log::default();
    let guard = log.start();
    let alter = migrator(vec![
        migration(1, NOTES),
        migration(2, "ALTER TABLE notes ADD COLUMN more int"),
    ]);
    let migrating = in_background(&db, alter);

    // Three attempts of the migration, and their pauses.
    let begun = Instant::now();
    let mut slowest = Duration::ZERO;
    while begun.elapsed() < Duration::from_secs(5) {
        let before = Instant::now();
        column::<i64>(&db, "SELECT count(*) FROM notes WHERE id = 1")
            .await
            .unwrap();
        slowest = slowest.max(before.elapsed());
        tokio::time::sleep(5 * MS).await;
    }
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    assert!(
        slowest > 300 * MS,
        "the migration was never in the way: {slowest:?}"
    );
    assert!(!migrating.is_finished());
    slow.execute("COMMIT").await.unwrap();
    assert_eq!(migrating.await.unwrap().unwrap(), 1);
    drop(guard);
    let log = log.take();
    let told = format!(
        "migration 2 (test) waits for process {pid} (reports, user postgres, idle in transaction, transaction since "
    );
    assert!(log.contains(&told), "{log}");
}

#[tokio::test]
async fn patience_ends_with_the_name_of_whoever_holds_the_lock() {
    let mut bank = Bank::open().await;
    let db = bank.db(1).await;
    db.migrate_with(&migrator(vec![migration(1, NOTES)]))
        .await
        .unwrap();
    let (_slow, pid) = reader(&bank).await;
    let impatient = bank.config(1).migration_patience(1200 * MS);
    let impatient = Db::connect(&impatient).await.unwrap();
    let two = migrator(vec![
        migration(1, NOTES),
        migration(2, "CREATE TABLE more (id int); DROP TABLE notes"),
    ]);
    let error = impatient.migrate_with(&two).await.unwrap_err();
    assert!(
        matches!(
            &error,
            Error::Migration(MigrationError::Blocked { version: 2, .. })
        ),
        "{error:?}"
    );
    assert!(
        error
            .to_string()
            .contains(&format!("process {pid} (reports, ")),
        "{error}"
    );
    assert_eq!(bank.count_tables("more").await, 0);
}

#[tokio::test]
async fn an_index_waits_for_old_transactions_as_long_as_they_take() {
    let bank = Bank::open().await;
    let db = bank.db(2).await;
    db.migrate_with(&migrator(vec![migration(1, NOTES)]))
        .await
        .unwrap();
    let mut old = session(&bank).await;
    old.execute("BEGIN; UPDATE notes SET note = 'old' WHERE id = 1")
        .await
        .unwrap();
    let impatient = bank.config(2).migration_patience(100 * MS);
    let impatient = Db::connect(&impatient).await.unwrap();
    let indexing = in_background(&impatient, with_index(INDEX));
    let waits = async {
        let waiting =
            "SELECT phase FROM pg_stat_progress_create_index WHERE relid = 'notes'::regclass";
        while column::<String>(&db, waiting).await.unwrap() != ["waiting for writers before build"]
        {
            tokio::time::sleep(10 * MS).await;
        }
    };
    timeout(Duration::from_secs(60), waits).await.unwrap();
    // Longer than any other statement stands in a queue.
    tokio::time::sleep(1500 * MS).await;
    assert!(!indexing.is_finished());
    old.execute("COMMIT").await.unwrap();
    assert_eq!(indexing.await.unwrap().unwrap(), 1);
    assert_eq!(indexes(&db).await, ["notes_note_idx"]);
}

const UNIQUE: &str = "-- no-transaction
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"notes_Note_key\" ON notes (note)";
const UNNAMED: &str = "-- no-transaction
CREATE UNIQUE INDEX CONCURRENTLY ON notes (note)";

#[tokio::test]
async fn an_index_that_failed_leaves_nothing_behind() {
    for (index, name) in [(UNIQUE, "notes_Note_key"), (UNNAMED, "notes_note_idx")] {
        let bank = Bank::open().await;
        let db = bank.db(1).await;
        let error = db.migrate_with(&with_index(index)).await.unwrap_err();
        assert!(
            error
                .to_string()
                .contains(&format!("could not create unique index \"{name}\"")),
            "{error}"
        );
        // Which note is there twice is in a row.
        assert_silent(&error, "(note");
        assert_eq!(indexes(&db).await, [""; 0]);
    }
}

#[tokio::test]
async fn an_index_that_was_left_behind_is_made_anew() {
    for (index, name) in [(UNIQUE, "notes_Note_key"), (UNNAMED, "notes_note_idx")] {
        let mut bank = Bank::open().await;
        let db = bank.db(1).await;
        db.migrate_with(&migrator(vec![migration(1, NOTES)]))
            .await
            .unwrap();
        // As sqlx's migrator, or one that was killed, leaves it; and another one that is none of ours.
        bank.outside.execute(index).await.unwrap_err();
        let other = "CREATE UNIQUE INDEX CONCURRENTLY other ON notes (note)";
        bank.outside.execute(other).await.unwrap_err();
        bank.outside
            .execute("UPDATE notes SET note = id")
            .await
            .unwrap();
        let left = indexes(&db).await;
        assert_eq!(left.len(), 2, "{left:?}");

        assert_eq!(db.migrate_with(&with_index(index)).await.unwrap(), 1);
        let mut expected = [name, "other (not valid)"];
        expected.sort();
        assert_eq!(indexes(&db).await, expected);
    }
}
