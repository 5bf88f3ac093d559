//! A server or a network that says nothing holds no caller for longer than it was told to wait.
#![allow(
    clippy::disallowed_methods,
    reason = "these tables belong to the tests alone, so no macro can check statements on them"
)]

use crate::{
    bank::{Bank, MS, backend_pid, insert, transfer, warm_up},
    faults::{DurableServer, Relay, Stopped},
};
use futures_util::{StreamExt, TryStreamExt, future::join_all};
use llm_trading_db::{
    config::Config,
    db::{Db, TxOptions, savepoint},
    embedded::{EmbeddedServer, ServerSettings},
    error::{Error, Result, TimeoutKind},
};
use sqlx::{Connection, Executor, PgConnection};
use std::time::{Duration, Instant};

/// The time for a statement.
const LIMIT: Duration = Duration::from_millis(400);
/// The time for a connection.
const ACQUIRE: Duration = Duration::from_millis(1500);
/// So much more may pass until a caller is told, on a machine that has other things to do.
const SLACK: Duration = Duration::from_millis(250);

async fn behind_a_relay(bank: &Bank, size: usize) -> (Relay, Db) {
    let (relay, config) = bank.config_through_relay(size).await;
    let db = Db::connect(&limited(config)).await.unwrap();
    (relay, db)
}

fn limited(config: Config) -> Config {
    config.command_timeout(LIMIT).acquire_timeout(ACQUIRE)
}

/// Runs it, and fails if it takes longer than the limit.
async fn within<T>(limit: Duration, what: &str, call: impl Future<Output = T>) -> T {
    let start = Instant::now();
    let outcome = call.await;
    let took = start.elapsed();
    assert!(took <= limit + SLACK, "{what} took {took:?}");
    outcome
}

fn is_no_answer<T>(outcome: &Result<T>) -> bool {
    matches!(outcome, Err(Error::Timeout(TimeoutKind::NoAnswer)))
}

async fn read(db: &Db) -> Result<i64> {
    let one = sqlx::query_scalar("SELECT balance FROM accounts WHERE id = 7");
    Ok(one.fetch_one(db).await?)
}

#[tokio::test]
async fn a_read_times_out_and_a_write_is_of_unknown_outcome() {
    let mut bank = Bank::open().await;
    let (relay, db) = behind_a_relay(&bank, 1).await;
    read(&db).await.unwrap();
    insert(&db, 1).await.unwrap();
    relay.silence_those_there_are();
    let outcome = within(LIMIT, "a read", read(&db)).await;
    assert!(is_no_answer(&outcome), "{outcome:?}");
    read(&db).await.unwrap();
    insert(&db, 2).await.unwrap();

    relay.hold(); // the server gets it, and its answer does not come
    let outcome = within(LIMIT, "a write", insert(&db, 3)).await;
    assert!(
        matches!(outcome, Err(Error::OutcomeUnknown { .. })),
        "{outcome:?}"
    );
    relay.let_go();
    insert(&db, 4).await.unwrap();
    assert_eq!(bank.ledger().await, [1, 2, 3, 4], "and so it is");
}

#[tokio::test]
async fn each_row_of_a_stream() {
    let bank = Bank::open().await;
    let (relay, db) = behind_a_relay(&bank, 1).await;
    let mut rows =
        sqlx::query("SELECT repeat('x', 1000) FROM generate_series(1, 200000)").fetch(&db);
    rows.next().await.unwrap().unwrap();
    // What the caller does meanwhile is not the server's fault.
    tokio::time::sleep(LIMIT * 2).await;
    rows.next().await.unwrap().unwrap();
    relay.silence();
    let rest = rows.try_for_each(async |_| Ok(()));
    let outcome = within(LIMIT, "the rest of a stream", rest).await;
    let outcome = outcome.map_err(Error::from);
    assert!(is_no_answer(&outcome), "{outcome:?}");
}

#[tokio::test]
async fn every_flight_of_a_transaction() {
    let mut bank = Bank::open().await;
    for phase in [
        "BEGIN",
        "a statement",
        "SAVEPOINT",
        "RELEASE",
        "raw",
        "COMMIT",
        "ROLLBACK",
    ] {
        let (relay, db) = behind_a_relay(&bank, 1).await;
        read(&db).await.unwrap();
        if phase == "BEGIN" {
            relay.silence();
        }
        let run = db.transaction(async |tx| -> Result<()> {
            transfer(&mut *tx, 1, 2, 1).await?;
            match phase {
                "a statement" => relay.silence(),
                "SAVEPOINT" => {
                    relay.silence();
                    savepoint(&mut *tx, async |_| Ok::<_, Error>(())).await?;
                }
                "RELEASE" => {
                    savepoint(&mut *tx, async |_| {
                        relay.silence();
                        Ok::<_, Error>(())
                    })
                    .await?;
                }
                "raw" => {
                    tx.raw(async |_| {
                        relay.silence();
                        Ok::<_, Error>(())
                    })
                    .await?;
                }
                _ => {}
            }
            transfer(&mut *tx, 1, 2, 1).await?;
            relay.silence();
            match phase {
                "COMMIT" => Ok(()),
                _ => Err(Error::not_found("a reason to commit", "any")),
            }
        });
        let limit = if phase == "ROLLBACK" {
            1000 * MS
        } else {
            LIMIT
        };
        let outcome = within(limit, phase, run).await;
        let right = match phase {
            "COMMIT" => matches!(outcome, Err(Error::CommitUnknown { .. })),
            "ROLLBACK" => matches!(outcome, Err(Error::NotFound { .. })),
            _ => is_no_answer(&outcome),
        };
        assert!(right, "{phase}: {outcome:?}");
        relay.speak();
        read(&db).await.unwrap();
        drop(db);
        bank.terminate_backends().await;
        bank.wait_until_quiet().await;
        assert_eq!(bank.balance(1).await, 1000, "{phase}");
    }
}

#[tokio::test]
async fn connecting() {
    let bank = Bank::open().await;
    let (relay, config) = bank.config_through_relay(4).await;
    relay.silence();
    let config = limited(config).connect_timeout(500 * MS);
    let outcome = within(ACQUIRE, "Db::connect", Db::connect(&config)).await;
    assert!(matches!(outcome, Err(Error::Connect { .. })), "{outcome:?}");
    let db = Db::connect_lazy(&config.connect_timeout(30_000 * MS)).unwrap();
    let outcome = within(ACQUIRE, "a first statement", read(&db)).await;
    assert!(matches!(outcome, Err(Error::Connect { .. })), "{outcome:?}");
    relay.speak();
    read(&db).await.unwrap();
}

#[tokio::test]
async fn idle_connections_that_are_dead_are_found_together() {
    let bank = Bank::open().await;
    let (relay, config) = bank.config_through_relay(16).await;
    let config = config.ping_after(Duration::ZERO).acquire_timeout(5000 * MS);
    let db = Db::connect(&config).await.unwrap();
    warm_up(&db).await;
    assert_eq!(db.status().idle, 16);
    relay.silence_those_there_are();
    // One ping of a second finds them all.
    within(1100 * MS, "the first read", read(&db))
        .await
        .unwrap();
    assert_eq!(db.status().size, 1);
    within(100 * MS, "the next read", read(&db)).await.unwrap();
}

#[tokio::test]
async fn to_acquire_takes_no_longer_than_its_limit() {
    let bank = Bank::open().await;
    let (relay, config) = bank.config_through_relay(16).await;
    let config = limited(config).ping_after(Duration::ZERO);
    let db = Db::connect(&config).await.unwrap();
    warm_up(&db).await;
    relay.silence();
    let calls = (0..32).map(|_| within(ACQUIRE, "a call", read(&db)));
    for outcome in join_all(calls).await {
        assert!(
            matches!(
                outcome,
                Err(Error::Connect { .. } | Error::PoolTimeout { .. })
            ),
            "{outcome:?}"
        );
    }
    let health = within(ACQUIRE, "health", db.migrations(&llm_trading_db::SCHEMA)).await;
    assert!(health.is_err());
    relay.speak();
    let start = Instant::now();
    while read(&db).await.is_err() {
        assert!(start.elapsed() < 1000 * MS, "it does not heal");
    }
}

#[tokio::test]
async fn a_stopped_backend() {
    let bank = Bank::open().await;
    let db = Db::connect(&limited(bank.config(2))).await.unwrap();
    let stopped = Stopped::new(backend_pid(&db).await);
    let outcome = within(LIMIT, "a read", read(&db)).await;
    assert!(is_no_answer(&outcome), "{outcome:?}");
    within(LIMIT, "a read on another one", read(&db))
        .await
        .unwrap();
    drop(stopped);
}

#[tokio::test]
async fn a_stopped_postmaster() {
    let server = EmbeddedServer::temporary_with(ServerSettings::default()).unwrap();
    let mut outside = PgConnection::connect_with(&server.options()).await.unwrap();
    let file: String = sqlx::query_scalar("SELECT pg_read_file('postmaster.pid')")
        .fetch_one(&mut outside)
        .await
        .unwrap();
    let config = limited(Config::from_options(server.options()).max_pool_size(2));
    let db = Db::connect(&config).await.unwrap();
    let stopped = Stopped::new(file.lines().next().unwrap().parse().unwrap());
    let two = (0..2).map(|_| {
        within(
            ACQUIRE + LIMIT,
            "a call",
            db.execute("SELECT pg_sleep(0.01)"),
        )
    });
    let outcomes = join_all(two).await;
    // One takes the connection that there is, and the other one then takes it, too.
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    drop(stopped);
    db.execute("SELECT 1").await.unwrap();
}

/// A commit that waits for a standby is beyond the reach of `statement_timeout`.
#[tokio::test]
async fn a_synchronous_standby_that_is_gone() {
    let server = DurableServer::start();
    let mut outside = PgConnection::connect_with(&server.options()).await.unwrap();
    let table =
        "CREATE TABLE ledger (id bigint GENERATED ALWAYS AS IDENTITY, amount bigint NOT NULL)";
    outside.execute(table).await.unwrap();
    outside
        .execute("ALTER SYSTEM SET synchronous_standby_names = 'nosuch'")
        .await
        .unwrap();
    outside.execute("SELECT pg_reload_conf()").await.unwrap();
    let config = limited(Config::from_options(server.options()).max_pool_size(2));
    let db = Db::connect(&config).await.unwrap();
    let start = Instant::now();
    let outcome = loop {
        match within(LIMIT, "a write", insert(&db, 1)).await {
            // The server has not read the setting yet.
            Ok(()) => assert!(start.elapsed() < 20_000 * MS),
            outcome => break outcome,
        }
    };
    let unknown = matches!(outcome, Err(Error::OutcomeUnknown { .. }));
    assert!(unknown, "{outcome:?}");
    let named = TxOptions::new().name("write");
    let run = db.transaction_with(named, async |tx| {
        tx.execute("INSERT INTO ledger (amount) VALUES (2)").await?;
        Ok::<_, Error>(())
    });
    let outcome = within(LIMIT, "a transaction", run).await;
    let unknown = matches!(outcome, Err(Error::CommitUnknown { .. }));
    assert!(unknown, "{outcome:?}");
    let reads = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM ledger").fetch_one(&db);
    within(LIMIT, "a read", reads).await.unwrap();
}

/// The server speaks first, if it can speak at all: its error says more.
#[tokio::test]
async fn a_server_that_answers_is_heard() {
    let bank = Bank::open().await;
    let db = Db::connect(&limited(bank.config(2))).await.unwrap();
    for _ in 0..5 {
        let outcome = db.execute("SELECT pg_sleep(30)").await.map_err(Error::from);
        let by_server = matches!(outcome, Err(Error::Timeout(TimeoutKind::Statement)));
        assert!(by_server, "{outcome:?}");
    }
    let unlimited = bank.config(1).command_timeout(Duration::ZERO);
    let db = Db::connect(&unlimited).await.unwrap();
    db.execute("SELECT pg_sleep(0.7)").await.unwrap();
}
