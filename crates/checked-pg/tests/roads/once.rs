//! What runs again by itself, and what must not.

use crate::support::{ask, server};
use checked_pg::{
    config::Config,
    db::Db,
    error::{Error, Result},
};
use sqlx::{Executor, Row, Statement};
use std::time::Duration;

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
