//! `&Db` wherever sqlx wants an executor.
#![allow(
    clippy::disallowed_methods,
    reason = "these tables belong to the tests alone, so no macro can check statements on them"
)]

use crate::bank::{Bank, MS, backend_pid, insert};
use futures_util::TryStreamExt;
use llm_trading_db::{
    db::{Db, Tx},
    error::{Error, Result},
};
use sqlx::{Executor, PgExecutor, PgPool, Row, SqlStr, Statement};
use std::time::{Duration, Instant};

async fn balance(db: impl PgExecutor<'_>, account: i32) -> Result<i64> {
    let row = sqlx::query("SELECT balance FROM accounts WHERE id = $1")
        .bind(account)
        .fetch_one(db)
        .await?;
    Ok(row.try_get(0)?)
}

fn assert_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test]
async fn one_function_takes_every_kind_of_executor() {
    let mut bank = Bank::open().await;
    let db = bank.db(1).await;
    let pool = PgPool::connect_lazy_with(bank.config(1).connect_options());
    assert_eq!(balance(&db, 5).await.unwrap(), 1000);
    assert_eq!(balance(&pool, 5).await.unwrap(), 1000);
    assert_eq!(balance(&mut bank.outside, 5).await.unwrap(), 1000);
    let in_transaction = db.transaction(async |tx| balance(tx, 5).await).await;
    assert_eq!(in_transaction.unwrap(), 1000);
    let task = tokio::spawn(assert_send(async move { balance(&db, 5).await }));
    assert_eq!(task.await.unwrap().unwrap(), 1000);
}

#[tokio::test]
async fn every_method_answers() {
    let bank = Bank::open().await;
    let db = bank.db(1).await;
    let all = db
        .fetch_all("SELECT id FROM accounts ORDER BY id")
        .await
        .unwrap();
    assert_eq!((all.len(), all[49].get::<i32, _>(0)), (50, 50));
    let none = db.fetch_optional("SELECT 1 WHERE false").await.unwrap();
    assert!(none.is_none());
    let first = db.fetch_optional("SELECT generate_series(7, 9)").await;
    assert_eq!(first.unwrap().unwrap().get::<i32, _>(0), 7);
    let done = db
        .execute("UPDATE accounts SET balance = balance WHERE id <= 10")
        .await;
    assert_eq!(done.unwrap().rows_affected(), 10);
    let two = db.execute_many("SELECT 1; SELECT 2");
    assert_eq!(two.try_collect::<Vec<_>>().await.unwrap().len(), 2);
    let statement = db.prepare(SqlStr::from_static("SELECT $1::int4 AS n"));
    let statement = statement.await.unwrap();
    assert_eq!(statement.columns().len(), 1);
    let row = statement.query().bind(4).fetch_one(&db).await.unwrap();
    assert_eq!(row.get::<i32, _>("n"), 4);
    let described = db.describe(SqlStr::from_static("SELECT 1 AS x, 2 AS y"));
    assert_eq!(described.await.unwrap().columns().len(), 2);
}

#[tokio::test]
async fn an_error_of_the_statement_costs_no_connection() {
    let bank = Bank::open().await;
    let db = bank.db(1).await;
    let before = backend_pid(&db).await;
    assert!(matches!(
        balance(&db, -1).await,
        Err(Error::NotFound { .. })
    ));
    assert!(db.execute("SELEC 1").await.is_err());
    assert!(db.execute("SELECT 1 / 0").await.is_err());
    let wrong_type = sqlx::query_scalar::<_, String>("SELECT balance FROM accounts");
    assert!(wrong_type.fetch_one(&db).await.is_err());
    let wrong_type = sqlx::query_scalar::<_, String>("SELECT balance FROM accounts");
    assert!(wrong_type.fetch_all(&db).await.is_err());
    assert_eq!(backend_pid(&db).await, before);
}

#[tokio::test]
async fn a_stream_holds_its_connection_until_it_ends() {
    let bank = Bank::open().await;
    let db = bank.db(1).await;
    let before = backend_pid(&db).await;

    drop(sqlx::query("SELECT 1").fetch(&db));
    assert_eq!(
        db.status().idle,
        1,
        "a stream never polled takes no connection"
    );

    let mut stream = sqlx::query("SELECT generate_series(1, 10000)").fetch(&db);
    stream.try_next().await.unwrap();
    assert_eq!(db.status().idle, 0);
    while stream.try_next().await.unwrap().is_some() {}
    assert_eq!(db.status().idle, 1);
    drop(stream);

    let mut stream = sqlx::query("SELECT generate_series(1, 10000)").fetch(&db);
    stream.try_next().await.unwrap();
    drop(stream);
    assert_eq!(
        backend_pid(&db).await,
        before,
        "read to its end in the background"
    );
}

#[tokio::test]
async fn a_statement_is_one_flight_and_a_transaction_two_more() {
    let bank = Bank::open().await;
    let (relay, config) = bank.config_through_relay(1).await;
    let db = Db::connect(&config).await.unwrap();
    insert(&db, 1).await.unwrap(); // prepares it
    balance(&db, 1).await.unwrap();

    relay.take_flights();
    insert(&db, 2).await.unwrap();
    assert_eq!(relay.take_flights(), 1, "a write");
    balance(&db, 1).await.unwrap();
    assert_eq!(relay.take_flights(), 1, "a read");
    db.transaction(async |tx| balance(tx, 1).await)
        .await
        .unwrap();
    assert_eq!(relay.take_flights(), 3, "BEGIN, the statement, COMMIT");
    let refused = db.transaction(async |_| Err::<(), _>(Error::not_found("any", "")));
    assert!(refused.await.is_err());
    assert_eq!(relay.take_flights(), 2, "BEGIN, ROLLBACK");
}

async fn lock_and_sleep(tx: &mut Tx) -> Result<()> {
    tx.execute("UPDATE accounts SET balance = balance + 1 WHERE id = 1")
        .await?;
    tx.execute("SELECT pg_sleep(30)").await?;
    Ok(())
}

#[tokio::test]
async fn a_cancelled_callers_lock_is_soon_free() {
    let mut bank = Bank::open().await;
    let db = bank.db(2).await;
    let work = db.transaction(async |tx| lock_and_sleep(tx).await);
    assert!(tokio::time::timeout(100 * MS, work).await.is_err());
    let start = Instant::now();
    let update = "UPDATE accounts SET balance = balance WHERE id = 1";
    bank.outside.execute(update).await.unwrap();
    assert!(start.elapsed() < 10_000 * MS, "{:?}", start.elapsed());
    assert_eq!(bank.balance(1).await, 1000);
}

#[tokio::test]
async fn draining_keeps_the_connection_of_short_work_only() {
    let bank = Bank::open().await;
    let db = Db::connect(&bank.config(1).drain(1000 * MS)).await.unwrap();
    let before = backend_pid(&db).await;
    let short = db.transaction(async |tx| {
        tx.execute("INSERT INTO ledger (amount) VALUES (99)")
            .await?;
        let late = "DO $$ BEGIN PERFORM pg_sleep(0.05); RAISE EXCEPTION 'late'; END $$";
        tx.execute(late).await?;
        Ok::<_, Error>(())
    });
    assert!(tokio::time::timeout(10 * MS, short).await.is_err());
    assert_eq!(backend_pid(&db).await, before, "short work");
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM ledger")
        .fetch_one(&db)
        .await
        .unwrap();
    assert_eq!(rows, 0);

    let long = db.execute("SELECT pg_sleep(30)");
    assert!(tokio::time::timeout(10 * MS, long).await.is_err());
    let start = Instant::now();
    assert_ne!(backend_pid(&db).await, before, "long work");
    assert!(start.elapsed() < 10_000 * MS, "{:?}", start.elapsed());
}

/// Callers that give up on long statements over and over: what they leave behind on the server stays bounded.
#[tokio::test(flavor = "multi_thread")]
async fn abandoned_backends_do_not_pile_up() {
    let mut bank = Bank::open().await;
    let db = bank.db(8).await;
    let until = Instant::now() + 1500 * MS;
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                let mut gave_up = 0;
                while Instant::now() < until {
                    let slow = db.execute("SELECT pg_sleep(10)");
                    gave_up += u32::from(tokio::time::timeout(20 * MS, slow).await.is_err());
                }
                gave_up
            })
        })
        .collect();
    let mut most = 0;
    while Instant::now() < until {
        most = most.max(bank.backends().await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut gave_up = 0;
    for caller in callers {
        gave_up += caller.await.unwrap();
    }
    assert!(gave_up > 0, "nobody gave up: the test does not test");
    assert!(most <= 6 * 8, "{most} backends behind a pool of 8");
}
