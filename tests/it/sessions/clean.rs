//! What one borrower sets in its session is gone for the next one.
#![allow(
    clippy::disallowed_methods,
    reason = "these tables belong to the tests alone, so no macro can check statements on them"
)]

use crate::bank::{Bank, backend_pid};
use llm_trading_db::{
    db::Db,
    error::{Error, Result},
};
use sqlx::Executor;

/// What a session looks like to the next borrower.
const LOOK: &str = "
    SELECT current_setting('statement_timeout') || ' ' || current_setting('lock_timeout')
           || ' ' || current_setting('search_path') || ' ' || current_setting('TimeZone')
           || ' ' || coalesce(current_setting('app.user', true), '')
           || ' ' || current_setting('default_transaction_read_only')
           || ' ' || current_setting('session_replication_role')
           || ' ' || current_user || ' ' || session_user
           || ' locks ' || (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())
           || ' tables ' || (SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema())
           || ' channels ' || (SELECT count(*) FROM pg_listening_channels())
           || ' cursors ' || (SELECT count(*) FROM pg_cursors WHERE is_holdable)
           || ' prepared ' || (SELECT count(*) FROM pg_prepared_statements WHERE from_sql)
           || ' accounts ' || (SELECT count(*) FROM accounts)";

/// Ways to leave something in a session, each a statement.
const DIRTY: &[&str] = &[
    "SET statement_timeout = 0",
    "SET SESSION lock_timeout = '1h'",
    "SET search_path = pg_catalog",
    "SET TIME ZONE 'Asia/Tokyo'",
    "SELECT set_config('app.user', 'alice', false)",
    "SELECT set_config('statement_timeout', '0', false) FROM accounts LIMIT 1",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "SET session_replication_role = replica",
    "SET ROLE pg_monitor",
    "SET SESSION AUTHORIZATION pg_monitor",
    "SELECT pg_advisory_lock(42)",
    "SELECT pg_try_advisory_lock_shared(4, 2)",
    "CREATE TEMP TABLE accounts (LIKE accounts)",
    "SELECT 1 AS id INTO TEMPORARY accounts",
    "CREATE TABLE pg_temp.accounts (id int)",
    "LISTEN news",
    "DECLARE held CURSOR WITH HOLD FOR SELECT 1",
    "PREPARE mine AS SELECT 1",
    "DO $$ BEGIN PERFORM set_config('app.user', 'bob', false); END $$",
    "DO $$ BEGIN PERFORM pg_advisory_lock(43); END $$",
    "DO $$ BEGIN EXECUTE 'CREATE TEMP TABLE accounts (id int)'; END $$",
    "DO $$ BEGIN EXECUTE 'PREPARE mine AS SELECT 1'; END $$",
    "SELECT hidden()",
    "SELECT h.hidden FROM (SELECT hidden()) h",
    "INSERT INTO ledger (amount) SELECT 1 WHERE hidden() IS NULL",
];

async fn prepare(bank: &mut Bank) {
    bank.outside
        .execute(
            "CREATE FUNCTION hidden() RETURNS text LANGUAGE plpgsql AS $$ BEGIN
                 SET lock_timeout = '2h';
                 PERFORM pg_advisory_lock(44);
                 LISTEN news;
                 CREATE TEMP TABLE IF NOT EXISTS accounts (id int);
                 RETURN 'done';
             END $$;
             CREATE TABLE audited (id int);
             CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 PERFORM hidden();
                 RETURN NEW;
             END $$;
             CREATE TRIGGER audit BEFORE INSERT ON audited FOR EACH ROW EXECUTE FUNCTION audit()",
        )
        .await
        .unwrap();
}

async fn look(db: &Db) -> String {
    sqlx::query_scalar(LOOK).fetch_one(db).await.unwrap()
}

#[tokio::test]
async fn after_a_transaction() {
    let mut bank = Bank::open().await;
    prepare(&mut bank).await;
    let db = bank.db(1).await;
    let clean = look(&db).await;
    assert!(clean.starts_with("30s 10s"), "{clean}");
    let hidden = ["INSERT INTO audited VALUES (1)"];
    for statement in DIRTY.iter().chain(&hidden) {
        for commit in [true, false] {
            let outcome: Result<()> = db
                .transaction(async |tx| {
                    tx.execute(*statement).await?;
                    match commit {
                        true => Ok(()),
                        false => Err(Error::not_found("reason to commit", "any")),
                    }
                })
                .await;
            assert_eq!(outcome.is_ok(), commit, "{statement}: {outcome:?}");
            assert_eq!(look(&db).await, clean, "{statement}");
        }
    }
}

#[tokio::test]
async fn after_the_raw_connection() {
    let mut bank = Bank::open().await;
    prepare(&mut bank).await;
    let db = bank.db(1).await;
    let clean = look(&db).await;
    for statement in DIRTY {
        db.transaction(async |tx| {
            tx.raw(async |conn| Ok::<_, Error>(conn.execute(*statement).await.map(drop)?))
                .await
        })
        .await
        .unwrap();
        assert_eq!(look(&db).await, clean, "{statement}");
    }
}

#[tokio::test]
async fn after_a_statement_by_itself() {
    let mut bank = Bank::open().await;
    prepare(&mut bank).await;
    let db = bank.db(1).await;
    let clean = look(&db).await;
    let several = [
        "SELECT 1; SET statement_timeout = 0",
        "BEGIN; SET LOCAL statement_timeout = 0",
        "SELECT pg_advisory_lock(42); SELECT 1 / 0",
    ];
    for statement in DIRTY.iter().chain(&several) {
        drop(db.execute(*statement).await);
        assert_eq!(look(&db).await, clean, "{statement}");
    }
    // The same as a prepared statement.
    sqlx::query("SELECT set_config('app.user', $1, false)")
        .bind("carol")
        .execute(&db)
        .await
        .unwrap();
    assert_eq!(look(&db).await, clean);
}

/// A session that can be cleaned is cleaned: to replace it for each temporary table would cost more than it saves.
#[tokio::test]
async fn a_clean_session_is_kept() {
    let mut bank = Bank::open().await;
    prepare(&mut bank).await;
    let db = bank.db(1).await;
    let before = backend_pid(&db).await;
    for statement in DIRTY.iter().filter(|one| !one.contains("PREPARE")) {
        db.transaction(async |tx| Ok::<_, Error>(tx.execute(*statement).await.map(drop)?))
            .await
            .unwrap();
        assert_eq!(backend_pid(&db).await, before, "{statement}");
    }
}
