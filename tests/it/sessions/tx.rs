//! What a transaction refuses, and what it notices.
#![allow(
    clippy::disallowed_methods,
    reason = "these tables belong to the tests alone, so no macro can check statements on them"
)]

use crate::bank::{Bank, MS, insert, transfer};
use llm_trading_db::{
    db::{Db, TxOptions, savepoint},
    error::{Error, Result},
};
use sqlx::{Connection, Executor, PgConnection};
use std::time::Instant;

fn code<T>(result: &Result<T>) -> Option<&str> {
    match result {
        Err(Error::Database(error)) => Some(error.code()),
        _ => None,
    }
}

#[tokio::test]
async fn control_by_a_statement_is_refused_and_ends_nothing() {
    let mut bank = Bank::open().await;
    let db = bank.db(1).await;
    for statement in [
        "COMMIT",
        "end",
        "/* so */ ROLLBACK",
        "BEGIN",
        "START TRANSACTION",
        "ABORT",
        "SAVEPOINT a",
        "ROLLBACK TO nested",
        "RELEASE nested",
        "PREPARE TRANSACTION 'x'",
        "COMMIT AND CHAIN",
        "SELECT 1; COMMIT; SELECT 2",
    ] {
        for keep in [true, false] {
            let before = bank.balance(1).await;
            let outcome = db
                .transaction(async |tx| {
                    transfer(&mut *tx, 1, 2, 3).await?;
                    let refused = tx.execute(statement).await.map(drop).map_err(Error::from);
                    assert!(
                        matches!(refused, Err(Error::Invalid { .. })),
                        "{statement}: {refused:?}"
                    );
                    let refused = sqlx::query(statement)
                        .fetch_all(&mut *tx)
                        .await
                        .map_err(Error::from);
                    assert!(matches!(refused, Err(Error::Invalid { .. })), "{statement}");
                    match keep {
                        true => Ok(()),
                        false => Err(Error::not_found("reason to commit", "any")),
                    }
                })
                .await;
            assert_eq!(outcome.is_ok(), keep, "{outcome:?}");
            let spent = before - bank.balance(1).await;
            assert_eq!(spent, if keep { 3 } else { 0 }, "{statement}");
        }
        if !statement.contains(';') {
            let outside = db.execute(statement).await.map_err(Error::from);
            assert!(matches!(outside, Err(Error::Invalid { .. })), "{statement}");
        }
    }
    bank.assert_sound(&db, "afterwards").await;
}

/// Ways to end a transaction on its raw connection.
async fn end_early(conn: &mut PgConnection, how: usize) -> Result<()> {
    let ends = ["COMMIT", "ROLLBACK", "COMMIT AND CHAIN", "COMMIT; BEGIN"];
    match how {
        0..4 => {
            conn.execute(ends[how]).await?;
        }
        4 => conn.begin_with("BEGIN").await?.commit().await?,
        5 => conn.begin().await?.commit().await?,
        6 => {
            conn.transaction(|tx| Box::pin(async move { tx.execute("SELECT 1").await }))
                .await?;
        }
        _ => {
            conn.execute("COMMIT").await?;
            drop(conn.copy_in_raw("COPY ledger FROM STDIN").await?);
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_end_on_the_raw_connection_is_noticed_on_both_paths() {
    let mut bank = Bank::open().await;
    let db = bank.db(1).await;
    for how in 0..8 {
        for propagate in [true, false] {
            for keep in [true, false] {
                let outcome = db
                    .transaction(async |tx| {
                        transfer(&mut *tx, 1, 2, 1).await?;
                        let ended = tx.raw(async |conn| end_early(conn, how).await).await;
                        assert!(ended.is_err(), "{how}");
                        if propagate {
                            ended?;
                        }
                        let after = transfer(&mut *tx, 1, 2, 1).await;
                        assert!(after.is_err(), "{how}: ran outside of the transaction");
                        match keep {
                            true => Ok(()),
                            false => Err(Error::not_found("reason to commit", "any")),
                        }
                    })
                    .await;
                if how < 7 {
                    assert_eq!(code(&outcome), Some("25P01"), "{how}: {outcome:?}");
                } else {
                    assert!(outcome.is_err(), "{how}: {outcome:?}");
                }
            }
        }
    }
    bank.assert_sound(&db, "afterwards").await;
}

#[tokio::test]
async fn a_raw_connection_that_fails_is_undone_and_the_rest_goes_on() {
    let mut bank = Bank::open().await;
    let db = bank.db(1).await;
    db.transaction(async |tx| {
        transfer(&mut *tx, 1, 2, 10).await?;
        let failed = tx
            .raw(async |conn| {
                conn.execute("INSERT INTO ledger (amount) VALUES (8)")
                    .await?;
                conn.execute("SELECT 1 / 0").await?;
                Ok::<_, Error>(())
            })
            .await;
        assert_eq!(code(&failed), Some("22012"));
        let swallowed = tx
            .raw(async |conn| {
                conn.execute("INSERT INTO ledger (amount) VALUES (9)")
                    .await?;
                assert!(conn.execute("SELECT 1 / 0").await.is_err());
                Ok::<_, Error>(())
            })
            .await;
        assert_eq!(code(&swallowed), Some("25P02"));
        savepoint(&mut *tx, async |tx| {
            tx.raw(async |conn| {
                Ok::<_, Error>(
                    conn.execute("INSERT INTO ledger (amount) VALUES (10)")
                        .await
                        .map(drop)?,
                )
            })
            .await
        })
        .await
    })
    .await
    .unwrap();
    assert_eq!(bank.ledger().await, [10]);
    assert_eq!(bank.balance(2).await, 1010);
    bank.assert_sound(&db, "afterwards").await;
}

#[tokio::test]
async fn the_pool_inside_of_its_own_transaction_is_an_error_with_both_places() {
    let mut bank = Bank::open().await;
    let db = bank.db(4).await;
    let other = bank.db(1).await;
    let start = Instant::now();
    let named = TxOptions::new().name("move");
    let line = line!() + 1;
    let outcome = db.transaction_with(named, async |tx| {
        transfer(&mut *tx, 1, 2, 1).await?;
        insert(&db, 66).await
    });
    let error = outcome.await.unwrap_err();
    let Error::InsideTransaction {
        transaction, used, ..
    } = &error
    else {
        panic!("{error:?}");
    };
    assert!(transaction.contains("`move`"), "{transaction}");
    assert!(
        transaction.contains(&format!("{}:{line}", file!())),
        "{transaction}"
    );
    assert!(used.contains("INSERT INTO ledger"), "{used}");
    assert!(used.contains("tests/it/bank.rs:"), "{used}");

    let line = line!() + 3;
    let nested = db.transaction(async |_| {
        let db = db.clone();
        db.transaction(async |tx| transfer(tx, 1, 2, 1).await).await
    });
    let error = nested.await.unwrap_err().to_string();
    assert!(error.contains(&format!("{}:{line}", file!())), "{error}");

    // Another pool, another task, and beside the transaction are all meant so.
    db.transaction(async |_| {
        insert(&other, 1).await?;
        let db = db.clone();
        tokio::spawn(async move { insert(&db, 2).await })
            .await
            .unwrap()
    })
    .await
    .unwrap();
    let beside = db.transaction(async |tx| transfer(tx, 3, 4, 1).await);
    let (inside, beside) = tokio::join!(beside, insert(&db, 3));
    inside.unwrap();
    beside.unwrap();
    assert_eq!(bank.ledger().await, [1, 2, 3]);
    assert!(
        start.elapsed() < 4000 * MS,
        "nobody waited for a connection"
    );
    bank.assert_sound(&db, "afterwards").await;
}

/// Both `std::error::Error` and `AsRef<dyn Error>`, and it tells nothing of its source.
#[derive(Debug)]
struct Opaque;

impl std::fmt::Display for Opaque {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no more is told")
    }
}

impl std::error::Error for Opaque {}

impl AsRef<dyn std::error::Error + Send + Sync + 'static> for Opaque {
    fn as_ref(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self
    }
}

impl From<Error> for Opaque {
    fn from(_: Error) -> Self {
        Self
    }
}

#[tokio::test]
async fn a_collision_is_seen_whatever_the_error_type_tells() {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    let bank = Bank::open().await;
    let db = bank.db(1).await;
    let collide = "DO $$ BEGIN RAISE EXCEPTION SQLSTATE '40001'; END $$";
    let runs = AtomicU32::new(0);
    let outcome: Result<u32, Opaque> = db
        .transaction(async |tx| {
            let run = runs.fetch_add(1, Relaxed);
            if run < 2 {
                tx.execute(collide).await.map_err(|_| Opaque)?;
            }
            Ok(run)
        })
        .await;
    assert_eq!(outcome.unwrap(), 2);

    // A collision that was dealt with is no reason to run again.
    let runs = AtomicU32::new(0);
    let outcome: Result<(), Opaque> = db
        .transaction(async |tx| {
            runs.fetch_add(1, Relaxed);
            let tried = savepoint(&mut *tx, async |tx| {
                Ok::<_, Error>(tx.execute(collide).await.map(drop)?)
            });
            assert!(tried.await.is_err());
            tx.execute("SELECT 1").await.map_err(|_| Opaque)?;
            Err(Opaque)
        })
        .await;
    assert!(outcome.is_err());
    assert_eq!(runs.into_inner(), 1);
}

/// A statement given up inside of a savepoint fails later than it was given up: the savepoint is undone all the same.
#[tokio::test]
async fn a_savepoint_is_undone_after_a_statement_that_was_given_up() {
    let mut bank = Bank::open().await;
    let db = bank.db(1).await;
    db.transaction(async |tx| {
        transfer(&mut *tx, 1, 2, 4).await?;
        let given_up = savepoint(&mut *tx, async |tx| {
            transfer(&mut *tx, 1, 2, 100).await?;
            let late = "DO $$ BEGIN PERFORM pg_sleep(0.05); RAISE EXCEPTION 'late'; END $$";
            match tokio::time::timeout(5 * MS, tx.execute(late)).await {
                Ok(_) => Ok(()),
                Err(_) => Err(Error::not_found("patience", "any")),
            }
        });
        assert!(matches!(given_up.await, Err(Error::NotFound { .. })));
        transfer(tx, 1, 2, 5).await
    })
    .await
    .unwrap();
    assert_eq!(bank.balance(2).await, 1009);
}

#[tokio::test]
async fn a_name_is_seen_in_the_span() {
    let bank = Bank::open().await;
    let db: Db = bank.db(1).await;
    let log = crate::log::Log::default();
    let guard = log.start();
    let collide = "DO $$ BEGIN RAISE EXCEPTION SQLSTATE '40001'; END $$";
    let named = TxOptions::new().name("move money").attempts(2);
    let outcome: Result<()> = db
        .transaction_with(named, async |tx| {
            tracing::info!("at work");
            tx.execute(collide).await?;
            Ok(())
        })
        .await;
    drop(guard);
    assert!(outcome.is_err());
    let log = log.take();
    let lines = log.lines().filter(|line| line.contains("at work"));
    let lines: Vec<_> = lines.collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(
        lines.iter().all(|line| line.contains("move money")),
        "{log}"
    );
}
