//! A database with accounts to move money between, and ways to disturb whoever does.
#![allow(
    clippy::disallowed_methods,
    reason = "these tables belong to the tests alone, so no macro can check statements on them"
)]

use crate::{faults::Relay, support};
use llm_trading_db::{
    config::Config,
    db::{Db, Tx},
    error::{Error, Result},
};
use sqlx::{Connection, Executor, PgConnection, PgExecutor, postgres::PgConnectOptions};
use std::{
    future::poll_fn,
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

pub const MS: Duration = Duration::from_millis(1);

/// The money in the bank: 50 accounts with 1000 each.
pub const TOTAL: i64 = 50_000;

/// Under this name the pool's connections show in `pg_stat_activity`.
const POOL: &str = "bank";

pub struct Bank {
    options: PgConnectOptions,
    /// A connection that is not the pool's.
    pub outside: PgConnection,
}

impl Bank {
    pub async fn open() -> Self {
        let options = support::bare_database_options().await;
        let mut outside = connect(&options).await;
        outside
            .execute(
                "CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL);
                 INSERT INTO accounts SELECT id, 1000 FROM generate_series(1, 50) id;
                 CREATE TABLE ledger (id bigint GENERATED ALWAYS AS IDENTITY, amount bigint NOT NULL)",
            )
            .await
            .unwrap();
        Self { options, outside }
    }

    pub fn config(&self, max_pool_size: usize) -> Config {
        Config::from_options(self.options.clone())
            .application_name(POOL)
            .max_pool_size(max_pool_size)
    }

    /// How to connect without a pool.
    pub fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// As [`config`](Self::config), by way of a relay.
    pub async fn config_through_relay(&self, max_pool_size: usize) -> (Relay, Config) {
        let relay = Relay::start(&self.options).await;
        let options = self.options.clone().socket(relay.folder());
        let config = Config::from_options(options)
            .application_name(POOL)
            .max_pool_size(max_pool_size);
        (relay, config)
    }

    pub async fn db(&self, max_pool_size: usize) -> Db {
        Db::connect(&self.config(max_pool_size)).await.unwrap()
    }

    pub async fn total(&mut self) -> i64 {
        sqlx::query_scalar("SELECT sum(balance)::bigint FROM accounts")
            .fetch_one(&mut self.outside)
            .await
            .unwrap()
    }

    pub async fn balance(&mut self, account: i32) -> i64 {
        sqlx::query_scalar("SELECT balance FROM accounts WHERE id = $1")
            .bind(account)
            .fetch_one(&mut self.outside)
            .await
            .unwrap()
    }

    pub async fn ledger(&mut self) -> Vec<i64> {
        sqlx::query_scalar("SELECT amount FROM ledger ORDER BY amount")
            .fetch_all(&mut self.outside)
            .await
            .unwrap()
    }

    /// How many backends the pool has on the server.
    pub async fn backends(&mut self) -> i64 {
        self.count("*").await
    }

    /// Ends every backend of the pool; returns how many.
    pub async fn terminate_backends(&mut self) -> i64 {
        self.count("pg_terminate_backend(pid)").await
    }

    pub async fn count_tables(&mut self, name: &str) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE tablename = $1")
            .bind(name)
            .fetch_one(&mut self.outside)
            .await
            .unwrap()
    }

    /// Of the pool's backends, those for which `what` is not NULL.
    async fn count(&mut self, what: &str) -> i64 {
        let statement = format!(
            "SELECT count({what}) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = '{POOL}'"
        );
        sqlx::query_scalar(sqlx::AssertSqlSafe(statement))
            .fetch_one(&mut self.outside)
            .await
            .unwrap()
    }

    /// Waits until no backend of the pool runs a statement or is in a transaction.
    pub async fn wait_until_quiet(&mut self) {
        let start = Instant::now();
        while self.count("nullif(state, 'idle')").await > 0 {
            assert!(
                start.elapsed() < 20_000 * MS,
                "a backend stays in a transaction"
            );
            tokio::time::sleep(2 * MS).await;
        }
    }

    /// Waits until a backend of the pool is at its COMMIT.
    pub async fn wait_until_committing(&mut self) {
        let start = Instant::now();
        let committing = "CASE WHEN state = 'active' AND query LIKE '%COMMIT;%' THEN 1 END";
        while self.count(committing).await == 0 {
            assert!(start.elapsed() < 20_000 * MS, "no COMMIT in sight");
            tokio::time::sleep(2 * MS).await;
        }
    }

    /// After any disturbance: no transaction is left over, writes last, no money is lost, and the whole pool is free.
    pub async fn assert_sound(&mut self, db: &Db, what: &str) {
        let size = db.status().max_size;
        let rows = self.ledger().await.len();
        // All at once, so that every connection of the pool takes part.
        futures_util::future::join_all((0..size).map(|_| assert_autocommits(db, what))).await;
        assert_eq!(
            self.ledger().await.len(),
            rows + size,
            "{what}: an acknowledged insert is not visible"
        );
        self.wait_until_quiet().await;
        assert_eq!(self.total().await, TOTAL, "{what}: money");
        let start = Instant::now();
        loop {
            let status = db.status();
            if status.idle == status.size && status.waiting == 0 {
                assert!(status.size <= size, "{what}: {status:?}");
                return;
            }
            assert!(start.elapsed() < 20_000 * MS, "{what}: {status:?}");
            tokio::time::sleep(MS).await;
        }
    }
}

async fn connect(options: &PgConnectOptions) -> PgConnection {
    PgConnection::connect_with(options).await.unwrap()
}

async fn assert_autocommits(db: &Db, what: &str) {
    let transaction: Option<i64> = sqlx::query_scalar("SELECT txid_current_if_assigned()")
        .fetch_one(db)
        .await
        .unwrap();
    assert_eq!(transaction, None, "{what}: a stale transaction");
    insert(db, 1).await.unwrap();
}

pub async fn insert(db: &Db, amount: i64) -> Result<()> {
    sqlx::query("INSERT INTO ledger (amount) VALUES ($1)")
        .bind(amount)
        .execute(db)
        .await?;
    Ok(())
}

pub async fn transfer(tx: &mut Tx, from: i32, to: i32, amount: i64) -> Result<()> {
    add(&mut *tx, from, -amount).await?;
    add(&mut *tx, to, amount).await
}

pub async fn add(tx: impl PgExecutor<'_>, account: i32, amount: i64) -> Result<()> {
    let done = sqlx::query("UPDATE accounts SET balance = balance + $1 WHERE id = $2")
        .bind(amount)
        .bind(account)
        .execute(tx)
        .await?;
    match done.rows_affected() {
        1 => Ok(()),
        _ => Err(Error::not_found("account", account)),
    }
}

/// The server's process behind the connection that is used.
pub async fn backend_pid(db: &Db) -> i32 {
    sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(db)
        .await
        .unwrap()
}

/// Opens every connection of the pool.
pub async fn warm_up(db: &Db) {
    let all = (0..db.status().max_size).map(|_| db.execute("SELECT pg_sleep(0.02)"));
    futures_util::future::try_join_all(all).await.unwrap();
}

/// Polls `future` at most `polls` times, then drops it.
pub async fn poll_at_most<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut polled = 0;
    poll_fn(|context| {
        polled += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if polled >= polls => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Fails the test unless `error`, however it is shown, keeps `secret` to itself.
pub fn assert_silent(error: &(dyn std::error::Error + 'static), secret: &str) {
    let mut next = Some(error);
    while let Some(error) = next {
        let shown = format!("{error} {error:?} {error:#?}");
        assert!(!shown.contains(secret), "{shown}");
        next = error.source();
    }
}
