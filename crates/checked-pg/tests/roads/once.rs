//! What runs again by itself, and what must not.

use crate::support::{ask, server};
use checked_pg::{
    config::Config,
    db::{Db, Tx},
    error::{Error, Result},
};
use sqlx::{Executor, Row, Statement};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
};

async fn pool() -> Db {
    let config = Config::from_url(&server().url()).unwrap();
    Db::connect(&config.max_pool_size(1)).await.unwrap()
}

#[tokio::test]
async fn what_may_have_committed_a_part_is_not_run_again() {
    let server = server();
    server.psql(
        "CREATE TABLE payments (n int); CREATE PROCEDURE pay() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO payments VALUES (7); COMMIT; \
         PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); END $$",
    );
    let db = pool().await;
    for outcome in [
        sqlx::query("CALL pay()").execute(&db).await.map(|_| ()),
        sqlx::query(
            "DO $$ BEGIN INSERT INTO payments VALUES (8); COMMIT; PERFORM pg_terminate_backend(pg_backend_pid()); \
             PERFORM pg_sleep(5); END $$",
        )
        .execute(&db)
        .await
        .map(|_| ()),
        sqlx::raw_sql(
            "INSERT INTO payments VALUES (9); COMMIT; SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(5)",
        )
        .fetch_one(&db)
        .await
        .map(|_| ()),
    ] {
        let error = Error::from(outcome.unwrap_err());
        assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
    }
    let paid = "SELECT string_agg(n::text, ' ' ORDER BY n) FROM payments";
    assert_eq!(ask(&db, paid).await, "7 8 9");
}

#[tokio::test]
async fn a_session_that_idled_too_long_committed_nothing_for_sure() {
    let server = server();
    let config = Config::from_url(&server.url()).unwrap();
    let limit = Duration::from_millis(50);
    let config = config.max_pool_size(1).idle_in_transaction_timeout(limit);
    let db = Db::connect(&config).await.unwrap();
    let watch = pool().await;
    let work = db.transaction(async |tx| -> Result<()> {
        let pid = sqlx::query_scalar::<_, i32>("SELECT pg_backend_pid()");
        let pid = pid.fetch_one(&mut *tx).await?;
        loop {
            let there = sqlx::query("SELECT FROM pg_stat_activity WHERE pid = $1").bind(pid);
            if there.fetch_optional(&watch).await?.is_none() {
                return Ok(());
            }
        }
    });
    let error = work.await.unwrap_err();
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
    assert!(error.to_string().contains("(SQLSTATE 25P03)"), "{error}");
}

#[tokio::test]
async fn a_statement_prepared_elsewhere_reads_the_columns_that_there_are() {
    let server = server();
    server.psql("CREATE TABLE swapped (a text, b text); INSERT INTO swapped VALUES ('A', 'B')");
    let before = pool().await;
    let all = sqlx::SqlStr::from_static("SELECT * FROM swapped");
    let all = before.prepare(all).await.unwrap();
    server.psql("DROP TABLE swapped; CREATE TABLE swapped (b text, a text); INSERT INTO swapped VALUES ('B', 'A')");
    for db in [before, pool().await] {
        let row = all.query().fetch_one(&db).await.unwrap();
        assert_eq!(row.get::<String, _>("b"), "B");
        let row = db.transaction(async |tx| -> Result<_> { Ok(all.query().fetch_one(tx).await?) });
        assert_eq!(row.await.unwrap().get::<String, _>("b"), "B");
    }
}

#[derive(sqlx::Type, Debug, Clone, Copy)]
#[sqlx(type_name = "mood", rename_all = "lowercase")]
enum Mood {
    Sad,
    Happy,
}

#[tokio::test]
async fn a_type_that_was_made_anew_is_known_by_its_new_number() {
    let server = server();
    let make = "CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE TABLE moods (id int, mood mood); \
                INSERT INTO moods VALUES (2, 'happy'), (1, 'sad')";
    server.psql(make);
    let db = pool().await;
    let find = async |mood: Mood| {
        let found = sqlx::query_scalar::<_, i32>("SELECT id FROM moods WHERE mood = $1");
        found.bind(mood).fetch_one(&db).await
    };
    assert_eq!(find(Mood::Happy).await.unwrap(), 2);
    let again = format!("DROP TABLE moods; DROP TYPE mood; {make}");
    server.psql(&again);
    assert_eq!(find(Mood::Sad).await.unwrap(), 1);
    server.psql(&again);
    // Never prepared before.
    let insert = sqlx::query("INSERT INTO moods VALUES (3, $1)").bind(Mood::Sad);
    insert.execute(&db).await.unwrap();
    server.psql(&again);
    let work = db.transaction(async |tx| -> Result<i32> {
        let found = sqlx::query_scalar("SELECT id FROM moods WHERE mood = $1 AND id < 9");
        Ok(found.bind(Mood::Happy).fetch_one(tx).await?)
    });
    assert_eq!(work.await.unwrap(), 2);
}

#[tokio::test]
async fn a_temporary_table_hides_the_one_of_its_name_from_statements_prepared_before() {
    let server = server();
    server.psql("CREATE TABLE staged (n int); INSERT INTO staged VALUES (5), (4)");
    let db = pool().await;
    // The second time, the session has had a temporary table before, and PostgreSQL notices the new one no more.
    for round in [1, 2] {
        let work = db.transaction(async |tx| -> Result<(i64, i64)> {
            let sum = async |tx: &mut Tx| {
                let sum = sqlx::query_scalar::<_, i64>("SELECT sum(n) FROM staged");
                sum.fetch_one(&mut *tx).await
            };
            let kept = sum(&mut *tx).await?;
            for sql in [
                "CREATE TEMP TABLE staged (n int)",
                "INSERT INTO staged VALUES (70)",
            ] {
                sqlx::query(sql).execute(&mut *tx).await?;
            }
            Ok((kept, sum(&mut *tx).await?))
        });
        assert_eq!(work.await.unwrap(), (9, 70), "round {round}");
    }
    assert_eq!(ask(&db, "SELECT sum(n)::text FROM staged").await, "9");
}

/// A port that leads to the server. If told so, it closes a connection in the place of its next answer.
async fn losing(target: u16) -> (u16, Arc<AtomicBool>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let lose = Arc::new(AtomicBool::new(false));
    let told = lose.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let told = told.clone();
            let server = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
            tokio::spawn(async move {
                let (mut asks, mut hears) = client.into_split();
                let (mut answers, mut takes) = server.into_split();
                let back = async {
                    let mut bytes = vec![0; 8192];
                    loop {
                        let length = answers.read(&mut bytes).await.unwrap_or(0);
                        let lost = told.swap(false, SeqCst);
                        if length == 0 || lost || hears.write_all(&bytes[..length]).await.is_err() {
                            return;
                        }
                    }
                };
                tokio::select! {
                    () = back => {}
                    _ = copy(&mut asks, &mut takes) => {}
                }
            });
        }
    });
    (port, lose)
}

/// A function may be called without a parenthesis, or by the name of one of PostgreSQL's.
#[tokio::test]
async fn a_read_that_calls_a_function_by_another_road_does_not_run_again() {
    let server = server();
    server.psql("CREATE DATABASE roads");
    let (port, lose) = losing(server.port()).await;
    let [db, direct] = [port, server.port()].map(|port| {
        let url = format!("postgres://postgres@127.0.0.1:{port}/roads");
        let config = Config::from_url(&url).unwrap().max_pool_size(1);
        Db::connect_lazy(&config).unwrap()
    });
    let drawn = "RETURNS bigint LANGUAGE sql AS 'SELECT nextval(''tickets'')'";
    for (made, gone, draw) in [
        (
            format!("CREATE TYPE person AS (n int); CREATE FUNCTION ticket(person) {drawn}"),
            "DROP TYPE person CASCADE",
            "SELECT (NULL::person).ticket",
        ),
        (
            format!(
                "CREATE FUNCTION draw(int, int) {drawn}; CREATE OPERATOR @@@ (leftarg = int, rightarg = int, procedure = draw)"
            ),
            "DROP FUNCTION draw(int, int) CASCADE",
            "SELECT 1 @@@ 2",
        ),
        (
            format!("CREATE FUNCTION upper(int) {drawn}"),
            "DROP FUNCTION upper(int)",
            "SELECT upper(7)",
        ),
    ] {
        let ticket = async || {
            let next = sqlx::query_scalar::<_, i64>(draw);
            next.fetch_one(&db).await.map_err(Error::from)
        };
        let made = sqlx::AssertSqlSafe(format!("CREATE SEQUENCE tickets; {made}"));
        sqlx::raw_sql(made).execute(&direct).await.unwrap();
        assert_eq!(ticket().await.unwrap(), 1, "{draw}");
        lose.store(true, SeqCst);
        let outcome = ticket().await;
        assert!(
            matches!(outcome, Err(Error::Disconnected { .. })),
            "{draw}: {outcome:?}"
        );
        assert_eq!(ticket().await.unwrap(), 3, "{draw}: drawn once and lost");
        let gone = sqlx::AssertSqlSafe(format!("{gone}; DROP SEQUENCE tickets"));
        sqlx::raw_sql(gone).execute(&direct).await.unwrap();
    }
}
