//! What a statement changes in its session without saying so: by a trigger, by a view, by a function that is called like a column.

use crate::support::server;
use checked_pg::{config::Config, db::Db, error::Error};
use sqlx::{Executor, Row};

/// A pool of one connection to a database that has these things and no others.
async fn pool(database: &str, things: &str) -> Db {
    let server = server();
    server.psql(&format!("CREATE DATABASE {database}"));
    let url = format!("postgres://postgres@127.0.0.1:{}/{database}", server.port());
    let config = Config::from_url(&url).unwrap().max_pool_size(1);
    let before = Db::connect(&config).await.unwrap();
    let made = before.transaction(async |tx| {
        tx.raw(async |conn| conn.execute(sqlx::AssertSqlSafe(things)).await.map(drop))
            .await
    });
    made.await.unwrap();
    drop(before);
    Db::connect(&config).await.unwrap()
}

/// What the last borrower left behind.
async fn left(db: &Db) -> (Option<String>, i64, Option<String>) {
    let row = sqlx::query(
        "SELECT nullif(current_setting('app.who', true), ''), (SELECT count(*) FROM pg_locks \
         WHERE locktype = 'advisory' AND pid = pg_backend_pid()), to_regclass('pg_temp.mine')::text",
    );
    let row = row.fetch_one(db).await.unwrap();
    (row.get(0), row.get(1), row.get(2))
}

#[tokio::test]
async fn nothing_that_a_trigger_or_a_view_changes_reaches_the_next_borrower() {
    let cases = [
        (
            "unseen_trigger",
            "CREATE TABLE t (n int);
             CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 PERFORM set_config('app.who', 'alice', false); PERFORM pg_advisory_lock(7); RETURN NEW; END $$;
             CREATE TRIGGER act BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION act()",
            "INSERT INTO t VALUES (1)",
        ),
        (
            "unseen_set",
            "CREATE TABLE t (n int);
             CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 -- A note.
                 SET app.who = 'bob'; RETURN NEW; END $$;
             CREATE TRIGGER act BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION act()",
            "INSERT INTO t VALUES (2)",
        ),
        (
            "unseen_dynamic",
            "CREATE TABLE t (n int);
             CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 EXECUTE 'CREATE TEMPORARY TABLE mine (n int)'; RETURN NEW; END $$;
             CREATE TRIGGER act BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION act()",
            "INSERT INTO t VALUES (3)",
        ),
        (
            "unseen_view",
            "CREATE VIEW v AS SELECT set_config('app.who', 'carol', false) AS who",
            "SELECT who FROM v",
        ),
        (
            "unseen_column",
            "CREATE TABLE t (n int); INSERT INTO t VALUES (4);
             CREATE FUNCTION act(t) RETURNS void LANGUAGE sql
             BEGIN ATOMIC SELECT pg_advisory_lock($1.n); END",
            "SELECT t.act FROM t",
        ),
    ];
    for (database, things, statement) in cases {
        let db = pool(database, things).await;
        for _ in 0..2 {
            sqlx::query(sqlx::AssertSqlSafe(statement))
                .execute(&db)
                .await
                .unwrap();
            assert_eq!(left(&db).await, (None, 0, None), "{database}");
        }
    }
}

#[tokio::test]
async fn functions_that_leave_nothing_cost_nothing() {
    let db = pool(
        "unseen_harmless",
        "CREATE TABLE t (n int, at timestamptz);
         CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$ BEGIN
             UPDATE public.t
             SET n = 5 WHERE n = 6;
             SET LOCAL lock_timeout = '5s'; PERFORM pg_advisory_xact_lock(8);
             IF NEW.n > 5 THEN NEW.n := 4; ELSE RETURN NEW; END IF; RETURN NEW; END $$;
         CREATE TRIGGER act BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION act();
         CREATE VIEW v AS SELECT n, current_setting('app.who', true) AS who FROM t",
    )
    .await;
    for statement in ["INSERT INTO t VALUES (9)", "SELECT who FROM v"] {
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&db)
            .await
            .unwrap();
        // At once, and not after a proof.
        assert_eq!(db.status().idle, 1, "{statement}");
    }
}

/// A look at each would take every connection too long.
#[tokio::test]
async fn thousands_of_functions_count_as_such_that_leave_something() {
    for (functions, idle) in [(5_000, 1), (5_001, 0)] {
        let make = format!(
            "DO $$ BEGIN FOR n IN 1..{functions} LOOP
                 EXECUTE format('CREATE FUNCTION f%s() RETURNS int LANGUAGE sql RETURN %s', n, n);
             END LOOP; END $$"
        );
        let db = pool(&format!("unseen_{functions}"), &make).await;
        sqlx::query("SELECT 7").execute(&db).await.unwrap();
        assert_eq!(db.status().idle, idle, "{functions}");
    }
}

#[tokio::test]
async fn the_last_value_of_a_sequence_is_forgotten_with_the_transaction() {
    let db = pool("unseen_sequence", "CREATE SEQUENCE numbers START 41").await;
    let (next, last) = ("SELECT nextval('numbers')", "SELECT lastval()");
    let number: i64 = db
        .transaction(async |tx| {
            let number = sqlx::query_scalar(next).fetch_one(&mut *tx).await?;
            let again: i64 = sqlx::query_scalar(last).fetch_one(tx).await?;
            assert_eq!(again, number);
            Ok::<_, Error>(number)
        })
        .await
        .unwrap();
    assert_eq!(number, 41);
    let error = sqlx::query_scalar::<_, i64>(last).fetch_one(&db).await;
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("lastval is not yet defined")
    );
}
