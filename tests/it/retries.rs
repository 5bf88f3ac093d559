//! Collisions that are run again, seen in errors of every type, and logged.
#![allow(
    clippy::disallowed_methods,
    reason = "these tables belong to the tests alone, so no macro can check statements on them"
)]

use crate::{
    bank::{Bank, add},
    log::Log,
};
use llm_trading_db::{
    db::{Db, Isolation, Tx, TxOptions},
    error::{Error, Result},
};
use sqlx::Executor;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use tokio::sync::Barrier;

#[tokio::test]
async fn a_deadlock_is_run_again() {
    let mut bank = Bank::open().await;
    let db = bank.db(2).await;
    let runs = AtomicU32::new(0);
    let both_hold_one = Barrier::new(2);
    let cross = async |first: i32, second: i32| {
        db.transaction(async |tx| {
            let run = runs.fetch_add(1, Relaxed);
            add(&mut *tx, first, -1).await?;
            if run < 2 {
                both_hold_one.wait().await;
            }
            add(&mut *tx, second, 1).await
        })
        .await
    };
    let (one, other) = tokio::join!(cross(1, 2), cross(2, 1));
    one.unwrap();
    other.unwrap();
    // One of the two is the victim; seldom twice, when its second run overtakes the survivor.
    let runs = runs.into_inner();
    assert!((3..=6).contains(&runs), "{runs} runs");
    assert_eq!((bank.balance(1).await, bank.balance(2).await), (1000, 1000));
}

/// Reads account 9, waits until `others` did so too, and adds 1 to what it read; returns how often it ran.
async fn add_to_what_was_read(db: &Db, options: TxOptions, others: &Barrier) -> Result<u32> {
    let runs = AtomicU32::new(0);
    db.transaction_with(options, async |tx| {
        let run = runs.fetch_add(1, Relaxed);
        let balance: i64 = sqlx::query_scalar("SELECT balance FROM accounts WHERE id = 9")
            .fetch_one(&mut *tx)
            .await?;
        if run == 0 {
            others.wait().await;
        }
        sqlx::query("UPDATE accounts SET balance = $1 WHERE id = 9")
            .bind(balance + 1)
            .execute(&mut *tx)
            .await?;
        Ok::<_, Error>(())
    })
    .await?;
    Ok(runs.into_inner())
}

#[tokio::test]
async fn a_serialization_failure_is_run_again() {
    for level in [Isolation::RepeatableRead, Isolation::Serializable] {
        let mut bank = Bank::open().await;
        let db = bank.db(3).await;
        let options = TxOptions::new().isolation(level);
        let all_have_read = Barrier::new(3);
        let one = || add_to_what_was_read(&db, options, &all_have_read);
        let (a, b, c) = tokio::try_join!(one(), one(), one()).unwrap();
        assert!(a + b + c >= 5, "{level:?}: {a} + {b} + {c} runs");
        assert_eq!(bank.balance(9).await, 1003, "{level:?}");
    }
}

#[tokio::test]
async fn attempts_are_bounded() {
    let bank = Bank::open().await;
    let db = bank.db(1).await;
    for attempts in [1, 3] {
        let runs = AtomicU32::new(0);
        let result = db
            .transaction_with(TxOptions::new().attempts(attempts), async |tx| {
                runs.fetch_add(1, Relaxed);
                tx.execute("DO $$ BEGIN RAISE EXCEPTION SQLSTATE '40001'; END $$")
                    .await?;
                Ok::<_, Error>(())
            })
            .await;
        assert!(result.unwrap_err().is_retryable());
        assert_eq!(runs.into_inner(), attempts);
    }
}

#[tokio::test]
async fn every_further_run_is_logged_with_its_number() {
    let bank = Bank::open().await;
    let db = bank.db(1).await;
    let log = Log::default();
    let _guard = log.start();
    let result: Result<()> = db
        .transaction_with(TxOptions::new().attempts(3), async |tx| {
            tx.execute(COLLIDE).await?;
            Ok(())
        })
        .await;
    assert!(result.is_err());
    let log = log.take();
    let lines: Vec<_> = log
        .lines()
        .filter(|line| line.contains("attempt"))
        .collect();
    assert_eq!(lines.len(), 3, "{log}");
    for (line, part) in lines.iter().zip([
        "once more attempt=1",
        "once more attempt=2",
        "giving up attempt=3",
    ]) {
        assert!(line.contains(part) && line.contains("40P01"), "{line}");
    }
}

#[tokio::test]
async fn statements_are_logged_on_demand_and_without_parameters() {
    let bank = Bank::open().await;
    for on in [false, true] {
        let db = Db::connect(&bank.config(1).log_statements(on))
            .await
            .unwrap();
        let log = Log::default();
        let guard = log.start();
        sqlx::query("SELECT $1::text AS parameter")
            .bind("s3cret")
            .execute(&db)
            .await
            .unwrap();
        drop(guard);
        let log = log.take();
        assert_eq!(log.contains("AS parameter"), on, "{log}");
        assert!(!log.contains("s3cret"), "{log}");
    }
}

#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    #[error("the desk is closed")]
    Closed,
    #[error(transparent)]
    Db(#[from] Error),
    #[error("by sqlx")]
    Sqlx(#[from] sqlx::Error),
}

/// The error of an application that wraps `anyhow`, as handlers of web frameworks do.
#[derive(Debug)]
struct AppError(anyhow::Error);

impl<E: Into<anyhow::Error>> From<E> for AppError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl AsRef<dyn std::error::Error + Send + Sync> for AppError {
    fn as_ref(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self.0.as_ref()
    }
}

const COLLIDE: &str = "DO $$ BEGIN RAISE EXCEPTION SQLSTATE '40P01'; END $$";

/// Collides on its first run; the error is still one of this crate.
async fn collide_once(tx: &mut Tx, runs: &AtomicU32) -> Result<u32> {
    let run = runs.fetch_add(1, Relaxed);
    if run == 0 {
        tx.execute(COLLIDE).await?;
    }
    Ok(run)
}

/// The same with sqlx's own error.
async fn collide_once_by_sqlx(tx: &mut Tx, runs: &AtomicU32) -> sqlx::Result<u32> {
    let run = runs.fetch_add(1, Relaxed);
    if run == 0 {
        tx.execute(COLLIDE).await?;
    }
    Ok(run)
}

#[tokio::test]
async fn a_collision_is_seen_inside_of_any_error() {
    use anyhow::Context;

    let bank = Bank::open().await;
    let db = &bank.db(1).await;
    let runs = || AtomicU32::new(0);

    let r = runs();
    let own: Result<u32, OrderError> = db
        .transaction(async |tx| Ok(collide_once(tx, &r).await?))
        .await;
    assert_eq!(own.unwrap(), 1);

    let r = runs();
    let own: Result<u32, OrderError> = db
        .transaction(async |tx| Ok(collide_once_by_sqlx(tx, &r).await?))
        .await;
    assert_eq!(own.unwrap(), 1);

    let r = runs();
    let any: anyhow::Result<u32> = db
        .transaction(async |tx| collide_once(tx, &r).await.context("while colliding"))
        .await;
    assert_eq!(any.unwrap(), 1);

    let r = runs();
    let any: anyhow::Result<u32> = db
        .transaction(async |tx| Ok(collide_once_by_sqlx(tx, &r).await?))
        .await;
    assert_eq!(any.unwrap(), 1);

    let r = runs();
    let boxed: Result<u32, Box<dyn std::error::Error + Send + Sync>> = db
        .transaction(async |tx| Ok(collide_once(tx, &r).await?))
        .await;
    assert_eq!(boxed.unwrap(), 1);

    let r = runs();
    let app: Result<u32, AppError> = db
        .transaction(async |tx| Ok(collide_once(tx, &r).await?))
        .await;
    assert_eq!(app.unwrap(), 1);

    let r = runs();
    let plain: sqlx::Result<u32> = db
        .transaction(async |tx| collide_once_by_sqlx(tx, &r).await)
        .await;
    assert_eq!(plain.unwrap(), 1);
}
