//! Servers and settings that are not as they must be, and migrations that are not this program's.

use std::time::Duration;

use llm_trading_db::{
    config::Config,
    db::{Db, Verification},
};

use super::{Live, only};
use crate::support;

/// What is done to a healthy database, and the one line that tells it.
async fn told(change: &str, line: &str) -> Verification {
    let mut live = Live::new().await;
    live.run(&change.replace("{database}", live.options.get_database().unwrap()))
        .await;
    let verification = live.verify().await;
    assert_eq!(only(&verification.findings).0, line, "{change}");
    verification
}

#[tokio::test]
async fn a_database_that_was_never_migrated_is_one_finding() {
    let live = Live::on(support::bare_database_options().await).await;
    let verification = live.verify().await;
    let (what, advice) = only(&verification.findings);
    assert_eq!(what, "the database was never migrated");
    assert!(advice.contains("run the migrations"), "{advice}");
    assert_eq!(verification.statements, 0);
    migrate(&live.db().await).await;
    assert_eq!(live.lines().await, [""; 0]);
}

async fn migrate(db: &Db) {
    assert!(db.migrate(&llm_trading_db::SCHEMA).await.unwrap() > 0);
}

#[tokio::test]
async fn migrations_that_are_missing_edited_or_ahead_are_told() {
    let missing = told(
        "DELETE FROM _sqlx_migrations WHERE version = 2",
        "migration 2 (documents) is missing",
    )
    .await;
    assert_eq!(missing.statements, 0);
    let edited = told(
        "UPDATE _sqlx_migrations SET checksum = 'x' WHERE version = 2",
        "migration 2 (documents) is not the one that was applied",
    )
    .await;
    let ahead = told(
        "INSERT INTO _sqlx_migrations VALUES (90000, 'later', now(), true, 'x', 0)",
        "migration 90000 is not known to this program",
    )
    .await;
    assert!(edited.statements > 0 && ahead.statements > 0);
    assert_eq!(ahead.migrations, edited.migrations + 1);
}

#[tokio::test]
async fn settings_that_matter_are_told() {
    told(
        "ALTER DATABASE {database} SET standard_conforming_strings = off",
        "standard_conforming_strings is off, must be on",
    )
    .await;
    told(
        "ALTER DATABASE {database} SET default_transaction_read_only = on",
        "the database takes no writes: default_transaction_read_only is on",
    )
    .await;
    // Our sessions ask for it themselves.
    let mut live = Live::new().await;
    let name = live.options.get_database().unwrap().to_owned();
    live.run(&format!(
        "ALTER DATABASE {name} SET timezone = 'Asia/Tokyo'"
    ))
    .await;
    assert_eq!(live.lines().await, [""; 0]);
}

#[tokio::test]
async fn another_encoding_is_told() {
    let live = Live::on(support::database_of_encoding("SQL_ASCII").await).await;
    migrate(&live.db().await).await;
    assert_eq!(
        live.lines().await,
        ["the encoding of the database is SQL_ASCII, must be UTF8"]
    );
}

#[tokio::test]
async fn a_role_without_a_right_is_told_whose_it_is() {
    let mut live = Live::new().await;
    let database = live.options.get_database().unwrap().to_owned();
    let clerk = format!("clerk_of_{database}");
    live.run(&format!(
        "CREATE ROLE {clerk} LOGIN;
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {clerk};
         REVOKE INSERT ON logs FROM {clerk}"
    ))
    .await;
    live.options = live.options.username(&clerk);
    let verification = live.verify().await;
    let told: Vec<_> = verification
        .findings
        .iter()
        .map(|finding| finding.what[13..].to_owned())
        .collect();
    assert_eq!(
        told,
        [
            "(repo::logs::append): permission denied for table logs (SQLSTATE 42501)",
            "(repo::logs::append_many): permission denied for table logs (SQLSTATE 42501)",
        ]
    );
    assert_eq!(
        verification.findings[0].advice,
        format!("grant what is missing: GRANT INSERT ON logs TO {clerk}")
    );
}

/// A table that someone locked hides nothing of the others.
#[tokio::test]
async fn a_locked_table_is_told() {
    let mut live = Live::new().await;
    live.run("ALTER TABLE users ALTER COLUMN age SET NOT NULL")
        .await;
    live.run("BEGIN; LOCK TABLE fetch_log").await;
    let config = Config::from_options(live.options.clone()).lock_timeout(Duration::from_millis(10));
    let db = Db::connect(&config).await.unwrap();
    let findings = db.verify(&llm_trading_db::SCHEMA).await.unwrap().findings;
    let (locked, others): (Vec<_>, Vec<_>) = findings
        .iter()
        .partition(|finding| finding.what.contains("fetch_log"));
    let mut what: Vec<_> = locked.iter().map(|finding| &finding.what[13..]).collect();
    // A statement that varies is told once for each variant.
    what.dedup();
    assert_eq!(
        what,
        [
            "(repo::fetch_log::append): canceling statement due to lock timeout (SQLSTATE 55P03)",
            "(repo::fetch_log::append_many): canceling statement due to lock timeout (SQLSTATE 55P03)",
            "(repo::fetch_log::recent): canceling statement due to lock timeout (SQLSTATE 55P03)",
        ]
    );
    assert!(locked[0].advice.contains("pg_locks"), "{locked:?}");
    assert_eq!(others.len(), 4, "{others:?}");
}
