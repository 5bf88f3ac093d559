//! An old database is known when it is seen, and nothing touches it.

use llm_trading_db::{
    config::Config,
    db::Db,
    error::{Error, MigrationError},
};

use super::old::Old;
use crate::cli::{binary, end};

/// All that a migration would leave behind.
const OBJECTS: &str =
    "SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace) || ' '
    || (SELECT count(*) FROM pg_type WHERE typnamespace = 'public'::regnamespace)";

const KNOWN: &str = "this database has the tables of the Python layer (daily_bars with an integer id, \
    hourly_snapshots with an integer id, fetch_log with an integer id, …)";

#[tokio::test]
async fn no_command_begins_to_migrate_an_old_database() {
    let old = Old::new().await;
    let before = old.text(OBJECTS).await;
    let run = |arguments: &[&str]| end(binary(&old.url).args(arguments));

    for command in [&["migrate"][..], &["leaderboard"], &["metrics"]] {
        run(command).failed(&[KNOWN, "run `llm-trading-db adopt --dry-run`"]);
    }
    let status = run(&["status"]).ok();
    assert!(
        status.contains(KNOWN) && status.contains("adopt --dry-run"),
        "{status}"
    );
    assert!(!status.contains("llm-trading-db migrate"), "{status}");
    let doctor = run(&["doctor"]);
    assert_eq!(doctor.code, Some(1), "{doctor:?}");
    let told: Vec<&str> = doctor.out.lines().skip(4).collect();
    assert_eq!(told, [KNOWN, "  → run `llm-trading-db adopt --dry-run`"]);

    assert_eq!(old.text(OBJECTS).await, before);
}

#[tokio::test]
async fn the_library_does_not_begin_either() {
    let old = Old::new().await;
    let db = Db::connect(&Config::from_url(&old.url).unwrap())
        .await
        .unwrap();
    let error = db.migrate(&llm_trading_db::SCHEMA).await.unwrap_err();
    let Error::Migration(MigrationError::Objection(objection)) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(objection.what, KNOWN);
}

/// Each kind of table by itself, so that no sign hides behind another one.
#[tokio::test]
async fn one_old_table_is_enough() {
    let cases = [
        (
            "CREATE TABLE users (id bigserial, email text)",
            "users with an integer id",
        ),
        (
            "CREATE TABLE logs (message text, id smallint)",
            "logs with an integer id",
        ),
        (
            "CREATE TABLE execution_events (id uuid, week_id char(10))",
            "execution_events with a week_id of text",
        ),
        (
            "CREATE TABLE peer_reviews (id varchar(50), pitch_id varchar(50))",
            "peer_reviews with a week_id of text",
        ),
    ];
    for (statement, sign) in cases {
        let old = Old::bare().await;
        old.run(statement).await;
        end(binary(&old.url).arg("migrate")).failed(&[sign]);
    }
}

#[tokio::test]
async fn a_table_of_neither_is_named_with_what_is_odd_about_it() {
    let cases = [
        (
            "CREATE TABLE users (id uuid, email text, nickname text)",
            "the table users (column nickname) is neither of this program nor of the Python layer",
        ),
        (
            "CREATE TABLE daily_bars (symbol text, date date, id uuid)",
            "the table daily_bars (column id)",
        ),
        (
            "CREATE VIEW accounts AS SELECT 1 AS id, 2 AS balance",
            "the table accounts (column id)",
        ),
    ];
    for (statement, part) in cases {
        let old = Old::bare().await;
        old.run(statement).await;
        end(binary(&old.url).arg("migrate")).failed(&[part, "rename it"]);
    }
}

#[tokio::test]
async fn a_database_of_our_own_is_none() {
    let old = Old::bare().await;
    // Other people's tables are welcome.
    old.run("CREATE TABLE trade_notes (id serial, week_id text)")
        .await;
    end(binary(&old.url).arg("migrate")).ok();
    let status = end(binary(&old.url).arg("status")).ok();
    assert!(status.contains("up to date"), "{status}");
}
