//! Running and listing migrations.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "these tables belong to the tests alone, so no macro can check statements on them"
)]

mod history;
mod locks;
mod words;

use crate::{
    bank::{Bank, MS, assert_silent},
    fixtures::{code, column, execute},
    log::Log,
    support,
};
use llm_trading_db::{
    config::Config,
    db::{Db, MigrationState},
    error::{Error, MigrationError},
};
use sqlx::{
    Executor, SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

fn migration(version: i64, sql: &'static str) -> Migration {
    let sql = sql.into_sql_str();
    Migration::new(version, "test".into(), MigrationType::Simple, sql, false)
}

/// Migrations beside the crate's own, in a table of their own.
fn migrator(migrations: Vec<Migration>) -> Migrator {
    let mut migrator = Migrator::with_migrations(migrations);
    migrator.dangerous_set_table_name("test_migrations");
    migrator
}

#[tokio::test]
async fn migrations_run_once_and_in_order() {
    let mut bank = Bank::open().await;
    let db = bank.db(2).await;
    let two = || {
        vec![
            migration(1, "CREATE TABLE notes (id int PRIMARY KEY)"),
            // Longer than a statement may take, but a migration may.
            migration(
                2,
                "SELECT pg_sleep(0.1); ALTER TABLE notes ADD COLUMN note text",
            ),
        ]
    };
    let config = bank.config(2).command_timeout(50 * MS);
    let impatient = Db::connect(&config).await.unwrap();
    assert_eq!(impatient.migrate_with(&migrator(two())).await.unwrap(), 2);
    assert_eq!(db.migrate_with(&migrator(two())).await.unwrap(), 0);

    let mut three = two();
    three.push(migration(3, "DROP TABLE notes"));
    assert_eq!(db.migrate_with(&migrator(three)).await.unwrap(), 1);

    let error = db.migrate_with(&migrator(two())).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Migration(MigrationError::Ahead { version: 3, .. })
        ),
        "{error:?}"
    );
    assert!(error.to_string().contains("newer"), "{error}");

    let mut edited = two();
    edited[1] = migration(2, "SELECT 1");
    edited.push(migration(3, "DROP TABLE notes"));
    let error = db.migrate_with(&migrator(edited)).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Migration(MigrationError::Edited { version: 2, .. })
        ),
        "{error:?}"
    );
    assert_eq!(bank.count_tables("notes").await, 0);
}

#[tokio::test]
async fn a_failed_migration_is_named_undone_and_silent_about_values() {
    let mut bank = Bank::open().await;
    let db = bank.db(1).await;
    let broken = migrator(vec![
        migration(1, "CREATE TABLE notes (id int PRIMARY KEY)"),
        migration(2, "CREATE TABLE more (id int); SELECT 's3cret'::int"),
    ]);
    let error = db.migrate_with(&broken).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Migration(MigrationError::Failed { version: 2, .. })
        ),
        "{error:?}"
    );
    assert!(error.to_string().contains("22P02"), "{error}");
    assert_silent(&error, "s3cret");
    let tables = (
        bank.count_tables("notes").await,
        bank.count_tables("more").await,
    );
    assert_eq!(tables, (1, 0));
}

#[tokio::test]
async fn programs_that_start_together_take_turns_to_migrate() {
    let bank = Bank::open().await;
    let db = bank.db(4).await;
    let slow = || {
        let sql = "SELECT pg_sleep(0.05); CREATE TABLE notes (id int)";
        migrator(vec![migration(1, sql)])
    };
    let (one, two, three) = (slow(), slow(), slow());
    tokio::try_join!(
        db.migrate_with(&one),
        db.migrate_with(&two),
        db.migrate_with(&three)
    )
    .unwrap();
}

#[tokio::test]
async fn migrations_are_listed_with_their_state() {
    let mut bank = Bank::open().await;
    let db = bank.db(1).await;
    bank.outside
        .execute("DROP TABLE IF EXISTS _sqlx_migrations")
        .await
        .unwrap();
    let list = db.migrations(&llm_trading_db::SCHEMA).await.unwrap();
    assert_eq!(list.len(), llm_trading_db::SCHEMA.migrator().iter().count());
    assert!(list.iter().all(|m| m.state == MigrationState::Pending));

    // As they will be, without running them a second time in this database.
    bank.outside
        .execute(
            "CREATE TABLE _sqlx_migrations (
                 version bigint PRIMARY KEY, description text NOT NULL,
                 installed_on timestamptz NOT NULL DEFAULT now(),
                 success boolean NOT NULL, checksum bytea NOT NULL, execution_time bigint NOT NULL
             )",
        )
        .await
        .unwrap();
    llm_trading_db::SCHEMA
        .migrator()
        .skip(&mut bank.outside, None)
        .await
        .unwrap();
    let list = db.migrations(&llm_trading_db::SCHEMA).await.unwrap();
    assert!(list.iter().all(|m| m.state == MigrationState::Applied));

    bank.outside
        .execute("UPDATE _sqlx_migrations SET checksum = 'x'; INSERT INTO _sqlx_migrations VALUES (99999999999999, 'later', now(), true, 'x', 0)")
        .await
        .unwrap();
    let list = db.migrations(&llm_trading_db::SCHEMA).await.unwrap();
    let (unknown, edited) = list.split_last().unwrap();
    assert_eq!(unknown.state, MigrationState::Unknown);
    assert!(edited.iter().all(|m| m.state == MigrationState::Edited));
    let error = db.migrate(&llm_trading_db::SCHEMA).await.unwrap_err();
    assert!(
        matches!(error, Error::Migration(MigrationError::Ahead { version, .. }) if version == unknown.version),
        "{error:?}"
    );
}

/// Any use of lz4 fails, as on a server that was built without it.
const WITHOUT_LZ4: &str = "
    CREATE FUNCTION without_lz4() RETURNS event_trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF current_query() ~* 'SET COMPRESSION lz4' THEN
            RAISE SQLSTATE '0A000' USING MESSAGE = 'compression method lz4 not supported';
        END IF;
    END $$;
    CREATE EVENT TRIGGER without_lz4 ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION without_lz4()";

#[tokio::test]
async fn a_server_without_lz4_keeps_the_default_compression_and_says_so() {
    let options = support::bare_database_options().await;
    let db = Db::connect(&Config::from_options(options)).await.unwrap();
    db.execute(WITHOUT_LZ4).await.unwrap();
    execute(&db, "CREATE TABLE notes (note text)")
        .await
        .unwrap();
    let refused = execute(&db, "ALTER TABLE notes ALTER note SET COMPRESSION lz4").await;
    assert_eq!(code(refused), "0A000");

    let log = Log::default();
    let guard = log.start();
    assert_eq!(
        db.migrate(&llm_trading_db::SCHEMA).await.unwrap(),
        llm_trading_db::SCHEMA.migrator().iter().count()
    );
    drop(guard);
    let log = log.take();
    assert!(
        log.contains("this server has no lz4: documents keep the default compression"),
        "{log}"
    );
    let compressed = "
        SELECT attrelid::regclass || '.' || attname
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND attcompression <> ''";
    let compressed: Vec<String> = column(&db, compressed).await.unwrap();
    assert!(compressed.is_empty(), "{compressed:?}");
}
