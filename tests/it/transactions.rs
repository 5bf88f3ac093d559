//! Transactions on a real server.
#![allow(
    clippy::disallowed_methods,
    reason = "these tables belong to the tests alone, so no macro can check statements on them"
)]

use crate::{
    bank::{Bank, MS, TOTAL, add, backend_pid, transfer},
    retries::OrderError,
};
use llm_trading_db::{
    db::{Db, Isolation, Tx, TxOptions, savepoint},
    error::{ConflictKind, Error, Result},
};
use sqlx::Executor;
use std::{
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::{Duration, Instant},
};

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
    async fn balance(tx: &mut Tx, account: i32) -> Result<i64> {
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
