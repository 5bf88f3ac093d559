//! What was applied, and what that means for a program that starts.

use std::{fs, path::Path};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::*;

fn named(version: i64, name: &'static str, sql: impl Into<String>) -> Migration {
    let sql = AssertSqlSafe(sql.into()).into_sql_str();
    let no_tx = sql.as_str().starts_with("-- no-transaction");
    Migration::new(version, name.into(), MigrationType::Simple, sql, no_tx)
}

async fn refusal(db: &Db, migrations: Vec<Migration>) -> String {
    let error = db.migrate_with(&migrator(migrations)).await.unwrap_err();
    error.to_string()
}

#[tokio::test]
async fn two_migrations_of_one_number_are_refused_before_anything_runs() {
    let mut bank = Bank::open().await;
    let db = bank.db(1).await;
    let list = vec![
        named(1, "notes", "CREATE TABLE notes (id int)"),
        named(2, "mine", "ALTER TABLE notes ADD mine int"),
        named(2, "yours", "ALTER TABLE notes ADD yours int"),
    ];
    let told = refusal(&db, list).await;
    assert!(
        told.contains("number 2 is there twice (mine; yours)"),
        "{told}"
    );
    assert_eq!(bank.count_tables("notes").await, 0);
    assert_eq!(bank.count_tables("test_migrations").await, 0);
}

#[tokio::test]
async fn a_transaction_within_a_migration_is_refused_before_anything_runs() {
    let mut bank = Bank::open().await;
    let db = bank.db(1).await;
    let list = vec![
        migration(1, "CREATE TABLE notes (id int)"),
        migration(2, "-- Why.\nBEGIN;\nDROP TABLE notes;\nCOMMIT;"),
    ];
    let told = refusal(&db, list).await;
    assert!(
        told.contains("migration 2 says `BEGIN` in line 2: take it out"),
        "{told}"
    );
    assert_eq!(bank.count_tables("notes").await, 0);
}

#[tokio::test]
async fn a_half_applied_migration_is_named_with_what_to_do() {
    let bank = Bank::open().await;
    let db = bank.db(1).await;
    let list = |second: &'static str| {
        vec![
            migration(1, "CREATE TABLE notes (id int PRIMARY KEY, note text)"),
            named(4, "two indexes", format!("-- no-transaction\n{second}")),
        ]
    };
    let broken = "CREATE INDEX CONCURRENTLY notes_note_idx ON notes (note);\nCREATE INDEX CONCURRENTLY notes_x_idx ON notes (x);";
    let told = refusal(&db, list(broken)).await;
    assert_eq!(
        told,
        "migration 4 failed at line 3, column 1: column \"x\" does not exist (SQLSTATE 42703); \
         the statement before it stays, so the migration is half applied"
    );
    for sql in [broken, "SELECT 1"] {
        let error = db.migrate_with(&migrator(list(sql))).await.unwrap_err();
        assert!(
            matches!(
                error,
                Error::Migration(MigrationError::HalfApplied { version: 4, .. })
            ),
            "{error:?}"
        );
        assert!(
            error
                .to_string()
                .contains("run the others by hand and set `success` to true"),
            "{error}"
        );
    }
    // As the message says.
    execute(
        &db,
        "UPDATE test_migrations SET success = true WHERE version = 4",
    )
    .await
    .unwrap();
    assert_eq!(db.migrate_with(&migrator(list(broken))).await.unwrap(), 0);
}

#[tokio::test]
async fn a_migration_of_several_statements_that_failed_at_its_first_can_be_run_again() {
    let bank = Bank::open().await;
    let db = bank.db(1).await;
    let list = |first: &'static str| {
        vec![
            migration(1, "CREATE TABLE notes (id int PRIMARY KEY, note text)"),
            named(
                2,
                "two",
                format!(
                    "-- no-transaction\n{first};\nCREATE INDEX CONCURRENTLY notes_note_idx ON notes (note)"
                ),
            ),
        ]
    };
    let told = refusal(&db, list("SELECT nosuch()")).await;
    assert!(!told.contains("half applied"), "{told}");
    assert_eq!(
        db.migrate_with(&migrator(list("SELECT 1"))).await.unwrap(),
        1
    );
}

#[tokio::test]
async fn line_ends_make_no_difference() {
    let unix = "CREATE TABLE notes (id int);\nCOMMENT ON TABLE notes IS 'two\nlines';\n";
    let windows = unix.replace('\n', "\r\n");
    let marked = format!("\u{feff}{windows}");
    for (first, others) in [
        (unix, [windows.as_str(), &marked]),
        (&windows, [unix, &marked]),
        (&marked, [unix, &windows]),
    ] {
        let bank = Bank::open().await;
        let db = bank.db(1).await;
        let list = |sql: &str| migrator(vec![named(1, "notes", sql)]);
        assert_eq!(db.migrate_with(&list(first)).await.unwrap(), 1);
        for other in others {
            assert_eq!(
                db.migrate_with(&list(other)).await.unwrap(),
                0,
                "{first:?} {other:?}"
            );
        }
        let comment = column::<String>(&db, "SELECT obj_description('notes'::regclass)").await;
        assert_eq!(comment.unwrap(), ["two\nlines"]);
        let edited = unix.replace("two", "three");
        let told = refusal(&db, vec![named(1, "notes", edited)]).await;
        assert!(
            told.contains("migration 1 is not the one that was applied"),
            "{told}"
        );
    }
}

/// A checkout on a system with other line ends, and `git` that makes them.
#[test]
fn migrations_keep_their_line_ends_in_any_checkout() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let attributes = fs::read_to_string(root.join(".gitattributes")).unwrap();
    assert!(
        attributes.lines().any(|line| line == "*.sql text eol=lf"),
        "{attributes}"
    );
    for entry in fs::read_dir(root.join("migrations")).unwrap() {
        let sql = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!sql.contains('\r'));
    }
}

#[tokio::test]
async fn a_role_that_may_create_nothing_starts_when_nothing_is_missing() {
    let mut bank = Bank::open().await;
    let db = bank.db(1).await;
    let role = format!("starter_{}", std::process::id());
    let list = || vec![migration(1, "CREATE TABLE notes (id int)")];
    bank.outside
        .execute(AssertSqlSafe(format!(
            "CREATE ROLE {role} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {role}"
        )))
        .await
        .unwrap();
    let options = bank.config(1).connect_options().username(&role);
    let starter = Db::connect(&Config::from_options(options)).await.unwrap();
    let told = refusal(&starter, list()).await;
    assert!(
        told.contains("permission denied for schema public"),
        "{told}"
    );

    assert_eq!(db.migrate_with(&migrator(list())).await.unwrap(), 1);
    assert_eq!(starter.migrate_with(&migrator(list())).await.unwrap(), 0);
    starter.close(1000 * MS).await;
    let drop = format!("DROP OWNED BY {role}; DROP ROLE {role}");
    bank.outside.execute(AssertSqlSafe(drop)).await.unwrap();
}

#[tokio::test]
async fn an_older_server_is_refused_before_anything_is_applied() {
    let mut bank = Bank::open().await;
    let (relay, config) = bank.config_through_relay(1).await;
    relay.make_older();
    let db = Db::connect(&config).await.unwrap();
    let told = refusal(&db, vec![migration(1, "CREATE TABLE notes (id int)")]).await;
    assert!(told.starts_with("the server is PostgreSQL 14."), "{told}");
    assert!(
        told.contains("upgrade it to PostgreSQL 15 or later; nothing was applied"),
        "{told}"
    );
    assert_eq!(
        bank.count_tables("notes").await + bank.count_tables("test_migrations").await,
        0
    );
}

#[tokio::test]
async fn a_database_that_takes_no_writes_says_why() {
    let bank = Bank::open().await;
    let options = bank.config(1).connect_options();
    let options = options.options([("default_transaction_read_only", "on")]);
    let db = Db::connect(&Config::from_options(options)).await.unwrap();
    let told = refusal(&db, vec![migration(1, "CREATE TABLE notes (id int)")]).await;
    assert!(
        told.starts_with("migrations are missing, and default_transaction_read_only is on"),
        "{told}"
    );
}

/// The marks of the newer migrations, and whether a program that ends at number 2 may go on.
#[tokio::test]
async fn an_older_program_goes_on_beside_migrations_that_say_so() {
    const EXPAND: &str = "-- compatible: expand\n";
    const SINCE_2: &str = "-- Drops what 2 does not use any more.\n-- compatible: since 2\n";
    const SINCE_3: &str = "-- compatible: since 3\n";
    let cases: [(&[&str], bool); 7] = [
        (&[EXPAND], true),
        (&[EXPAND, EXPAND], true),
        (&[EXPAND, SINCE_2], true),
        (&[""], false),
        (&[EXPAND, ""], false),
        (&[EXPAND, SINCE_3], false),
        (&[SINCE_3], false),
    ];
    for (marks, goes_on) in cases {
        let bank = Bank::open().await;
        let db = bank.db(1).await;
        let old = || {
            vec![
                migration(1, "CREATE TABLE notes (id int)"),
                migration(2, "SELECT 2"),
            ]
        };
        assert_eq!(db.migrate_with(&migrator(old())).await.unwrap(), 2);
        let mut new = old();
        for (number, mark) in (3..).zip(marks) {
            new.push(named(
                number,
                "next",
                format!("{mark}ALTER TABLE notes ADD c{number} int"),
            ));
        }
        assert_eq!(db.migrate_with(&migrator(new)).await.unwrap(), marks.len());

        let outcome = db.migrate_with(&migrator(old())).await;
        match (goes_on, outcome) {
            (true, Ok(0)) | (false, Err(Error::Migration(MigrationError::Ahead { .. }))) => {}
            (_, outcome) => panic!("{marks:?}: {outcome:?}"),
        }
        // A program that lacks one of those below is of another branch.
        let told = refusal(&db, vec![migration(1, "CREATE TABLE notes (id int)")]).await;
        assert!(told.contains("the database has migration 2"), "{told}");
        let mut other = old();
        other.insert(0, migration(0, "SELECT 0"));
        let told = refusal(&db, other).await;
        assert!(told.contains("the database has migration 3"), "{told}");
    }
}

#[tokio::test]
async fn a_misspelt_mark_is_refused_before_anything_runs() {
    let mut bank = Bank::open().await;
    let db = bank.db(1).await;
    let list = vec![
        migration(1, "CREATE TABLE notes (id int)"),
        migration(2, "-- compatible: yes\nSELECT 1"),
    ];
    let told = refusal(&db, list).await;
    assert!(
        told.contains(
            "in migration 2, `-- compatible: yes` is neither `-- compatible: expand` nor"
        ),
        "{told}"
    );
    assert_eq!(bank.count_tables("notes").await, 0);
}

/// sqlx's own tool can go on with the table, and this crate with one that sqlx made.
#[tokio::test]
async fn the_table_is_one_that_sqlx_understands() {
    let bank = Bank::open().await;
    let db = bank.db(1).await;
    let list = |length: usize| {
        let mut list = vec![
            named(1, "one", "CREATE TABLE notes (id int)"),
            named(2, "two", "-- compatible: expand\nSELECT 2"),
            named(3, "three", "SELECT 3"),
            named(4, "four", "-- compatible: expand\nSELECT 4"),
        ];
        list.truncate(length);
        migrator(list)
    };
    let mut conn = PgConnection::connect_with(&bank.config(1).connect_options())
        .await
        .unwrap();
    list(1).run(&mut conn).await.unwrap();
    assert_eq!(db.migrate_with(&list(2)).await.unwrap(), 1);
    list(3).run(&mut conn).await.unwrap();
    assert_eq!(db.migrate_with(&list(4)).await.unwrap(), 1);
    list(4).run(&mut conn).await.unwrap();
}
