//! Transactions on a real server.
#![allow(
    clippy::disallowed_methods,
    reason = "these tables belong to the tests alone, so no macro can check statements on them"
)]

use crate::bank::{Bank, MS, TOTAL, add, backend_pid, transfer};
use llm_trading_db::{
    db::{Db, Isolation, TxOptions, savepoint},
    error::{ConflictKind, Error, Result},
};
use sqlx::{Connection, Executor, PgConnection};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::sync::Barrier;

#[tokio::test]
async fn ok_commits_and_err_rolls_back() {
    let mut bank = Bank::open().await;
    let db = bank.db(1).await;
    db.transaction(async |tx| transfer(tx, 1, 2, 10).await)
        .await
        .unwrap();
    let refused = db
        .transaction(async |tx| {
            transfer(tx, 1, 2, 10).await?;
            Err::<(), _>(Error::not_found("reason to commit", "any"))
        })
        .await;
    assert!(matches!(refused, Err(Error::NotFound { key, .. }) if key == "any"));
    assert_eq!((bank.balance(1).await, bank.balance(2).await), (990, 1010));
    assert_eq!(db.status().size, 1, "neither costs the connection");
}

#[tokio::test]
async fn savepoints_nest_and_undo_only_themselves() {
    let mut bank = Bank::open().await;
    let db = bank.db(1).await;
    db.transaction(async |tx| {
        transfer(&mut *tx, 3, 4, 1).await?;
        let outer = savepoint(&mut *tx, async |tx| {
            transfer(&mut *tx, 3, 4, 100).await?;
            let inner = savepoint(&mut *tx, async |tx| {
                tx.execute("SELECT 1 / 0").await?;
                Ok::<_, Error>(())
            })
            .await;
            assert!(inner.is_err());
            tx.execute("INSERT INTO accounts VALUES (1, 1)").await?;
            Ok::<_, Error>(())
        })
        .await;
        assert!(matches!(
            outer,
            Err(Error::Conflict {
                kind: ConflictKind::Unique,
                ..
            })
        ));
        savepoint(tx, async |tx| transfer(tx, 3, 4, 5).await).await
    })
    .await
    .unwrap();
    assert_eq!((bank.balance(3).await, bank.balance(4).await), (994, 1006));
}

#[tokio::test]
async fn a_savepoint_in_which_an_error_was_swallowed_is_undone() {
    let mut bank = Bank::open().await;
    let db = bank.db(1).await;
    db.transaction(async |tx| {
        let swallowed = savepoint(&mut *tx, async |tx| {
            transfer(&mut *tx, 3, 4, 100).await?;
            assert!(tx.execute("SELECT 1 / 0").await.is_err());
            Ok::<_, Error>(())
        })
        .await;
        assert_eq!(code(&swallowed), Some("25P02"));
        transfer(tx, 3, 4, 5).await
    })
    .await
    .unwrap();
    assert_eq!(bank.balance(3).await, 995);
}

fn code<T>(result: &Result<T>) -> Option<&str> {
    match result {
        Err(Error::Database(error)) => Some(error.code()),
        _ => None,
    }
}

#[tokio::test]
async fn a_swallowed_error_is_no_silent_rollback() {
    let mut bank = Bank::open().await;
    let db = bank.db(1).await;
    let before = backend_pid(&db).await;
    let result = db
        .transaction(async |tx| {
            transfer(&mut *tx, 1, 2, 10).await?;
            assert!(tx.execute("SELECT 1 / 0").await.is_err());
            Ok::<_, Error>(())
        })
        .await;
    assert_eq!(code(&result), Some("25P02"), "{result:?}");
    assert!(result.unwrap_err().to_string().contains("swallowed"));
    assert_eq!(bank.balance(1).await, 1000);
    assert_eq!(backend_pid(&db).await, before);
}

#[tokio::test]
async fn a_commit_inside_is_reported() {
    let mut bank = Bank::open().await;
    let db = bank.db(1).await;
    let by_hand = db
        .transaction(async |tx| {
            transfer(&mut *tx, 1, 2, 1).await?;
            tx.execute("COMMIT").await?;
            Ok::<_, Error>(())
        })
        .await;
    assert_eq!(code(&by_hand), Some("25P01"), "{by_hand:?}");
    let by_sqlx = db
        .transaction(async |tx| {
            let mut nested = tx.begin().await?;
            transfer(&mut nested, 1, 2, 1).await?;
            nested.commit().await?;
            Ok::<_, Error>(())
        })
        .await;
    assert_eq!(code(&by_sqlx), Some("25P01"), "{by_sqlx:?}");
    bank.assert_sound(&db, "afterwards").await;
}

#[tokio::test]
async fn a_deferred_constraint_speaks_at_commit() {
    let mut bank = Bank::open().await;
    let table =
        "CREATE TABLE entries (account int REFERENCES accounts DEFERRABLE INITIALLY DEFERRED)";
    bank.outside.execute(table).await.unwrap();
    let db = bank.db(1).await;
    let result = db
        .transaction(async |tx| {
            tx.execute("INSERT INTO entries VALUES (999)").await?;
            Ok::<_, Error>(())
        })
        .await;
    let error = result.unwrap_err();
    assert_eq!(
        error.constraint(),
        Some("entries_account_fkey"),
        "{error:?}"
    );
    bank.assert_sound(&db, "afterwards").await;
}

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

/// Collects what is logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn start(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_ansi(false)
            .with_writer(move || log.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
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
enum OrderError {
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
async fn collide_once(tx: &mut PgConnection, runs: &AtomicU32) -> Result<u32> {
    let run = runs.fetch_add(1, Relaxed);
    if run == 0 {
        tx.execute(COLLIDE).await?;
    }
    Ok(run)
}

/// The same with sqlx's own error.
async fn collide_once_by_sqlx(tx: &mut PgConnection, runs: &AtomicU32) -> sqlx::Result<u32> {
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

#[tokio::test]
async fn errors_of_the_caller_pass_through_unchanged() {
    let mut bank = Bank::open().await;
    let db = bank.db(1).await;
    let runs = AtomicU32::new(0);
    let closed = db
        .transaction(async |tx| {
            runs.fetch_add(1, Relaxed);
            transfer(tx, 1, 2, 1).await?;
            Err::<(), _>(OrderError::Closed)
        })
        .await;
    assert!(matches!(closed, Err(OrderError::Closed)), "{closed:?}");
    assert_eq!(runs.into_inner(), 1, "no collision, no second run");
    assert_eq!(bank.balance(1).await, 1000);

    db.close(MS).await;
    let closed: Result<(), OrderError> = db.transaction(async |_| Ok(())).await;
    assert!(
        matches!(closed, Err(OrderError::Db(Error::PoolClosed))),
        "{closed:?}"
    );
}

async fn setting(db: &Db, options: TxOptions, name: &str) -> String {
    db.transaction_with(options, async |tx| {
        Ok::<_, Error>(
            sqlx::query_scalar("SELECT current_setting($1)")
                .bind(name)
                .fetch_one(tx)
                .await?,
        )
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn options_reach_the_server() {
    let mut bank = Bank::open().await;
    let db = bank.db(1).await;
    let options = TxOptions::new();
    for (options, name, value) in [
        (options, "transaction_isolation", "read committed"),
        (
            options.isolation(Isolation::ReadCommitted),
            "transaction_isolation",
            "read committed",
        ),
        (
            options.isolation(Isolation::RepeatableRead),
            "transaction_isolation",
            "repeatable read",
        ),
        (
            options.isolation(Isolation::Serializable),
            "transaction_isolation",
            "serializable",
        ),
        (options, "transaction_read_only", "off"),
        (options.read_only(), "transaction_read_only", "on"),
        (options, "transaction_deferrable", "off"),
        (options.deferrable(), "transaction_deferrable", "on"),
    ] {
        assert_eq!(setting(&db, options, name).await, value, "{options:?}");
    }
    let all = options
        .isolation(Isolation::Serializable)
        .read_only()
        .deferrable();
    let write = db
        .transaction_with(all, async |tx| transfer(tx, 1, 2, 1).await)
        .await;
    assert_eq!(code(&write), Some("25006"));
    bank.assert_sound(&db, "afterwards").await;
}

#[tokio::test]
async fn spawned_with_borrowed_arguments_and_without_move() {
    async fn handler(db: &Db, accounts: &[i32]) -> Result<i64> {
        db.transaction(async |tx| {
            let mut sum = 0;
            for account in accounts {
                sum += savepoint(&mut *tx, async |tx| balance(tx, *account).await).await?;
            }
            Ok(sum)
        })
        .await
    }
    async fn balance(tx: &mut PgConnection, account: i32) -> Result<i64> {
        Ok(
            sqlx::query_scalar("SELECT balance FROM accounts WHERE id = $1")
                .bind(account)
                .fetch_one(tx)
                .await?,
        )
    }
    let bank = Bank::open().await;
    let db = bank.db(2).await;
    let task = tokio::spawn(async move { handler(&db, &[1, 2]).await });
    assert_eq!(task.await.unwrap().unwrap(), 2000);
}

#[tokio::test]
async fn a_panic_rolls_back() {
    let mut bank = Bank::open().await;
    let db = bank.db(1).await;
    let task = {
        let db = db.clone();
        tokio::spawn(async move {
            db.transaction(async |tx| -> Result<()> {
                add(tx, 1, -10).await?;
                panic!("on purpose")
            })
            .await
        })
    };
    assert!(task.await.unwrap_err().is_panic());
    bank.assert_sound(&db, "after the panic").await;
    assert_eq!(bank.total().await, TOTAL);
}

#[tokio::test]
async fn a_statement_given_up_inside_does_not_hold_up_the_rollback() {
    let mut bank = Bank::open().await;
    let db = bank.db(1).await;
    let start = Instant::now();
    let result = db
        .transaction(async |tx| {
            add(&mut *tx, 1, -10).await?;
            let slow = tx.execute("SELECT pg_sleep(25)");
            match tokio::time::timeout(50 * MS, slow).await {
                Ok(_) => Ok(()),
                Err(_) => Err(Error::not_found("patience", "any")),
            }
        })
        .await;
    assert!(matches!(result, Err(Error::NotFound { .. })));
    assert!(start.elapsed() < 10_000 * MS, "{:?}", start.elapsed());
    let locked = Instant::now();
    add(&mut bank.outside, 1, 0).await.unwrap();
    assert!(
        locked.elapsed() < Duration::from_secs(10),
        "{:?}",
        locked.elapsed()
    );
    bank.assert_sound(&db, "afterwards").await;
}
