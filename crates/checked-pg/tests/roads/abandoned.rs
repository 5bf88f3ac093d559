//! Savepoints and raw connections whose work is dropped half-way, in a transaction that goes on.

use crate::support::{ask, server};
use checked_pg::{
    config::Config,
    db::{Db, savepoint},
    error::{Error, Result},
};
use sqlx::{AssertSqlSafe, Executor};
use std::{future::pending, panic::AssertUnwindSafe};
use tokio::sync::Notify;

/// A pool of one, and an empty table.
async fn pool(table: &str) -> Db {
    let server = server();
    server.psql(&format!("CREATE TABLE {table} (n int)"));
    let config = Config::from_url(&server.url()).unwrap().max_pool_size(1);
    Db::connect(&config).await.unwrap()
}

/// Runs a call until the signal comes, and drops it then.
async fn until<T>(signal: &Notify, call: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        done = call => Some(done),
        () = signal.notified() => None,
    }
}

async fn insert<'e>(
    table: &str,
    n: i32,
    tx: impl Executor<'e, Database = sqlx::Postgres>,
) -> Result<()> {
    let insert = AssertSqlSafe(format!("INSERT INTO {table} VALUES ({n})"));
    sqlx::query(insert).execute(tx).await?;
    Ok(())
}

#[tokio::test]
async fn a_savepoint_that_is_dropped_half_way_is_undone() {
    let db = pool("half").await;
    let reached = &Notify::new();
    let work = db.transaction(async |tx| -> Result<()> {
        insert("half", 4, &mut *tx).await?;
        let dropped = savepoint(&mut *tx, async |tx| -> Result<()> {
            insert("half", 9, &mut *tx).await?;
            reached.notify_one();
            pending().await
        });
        assert!(until(reached, dropped).await.is_none());
        insert("half", 2, &mut *tx).await?;
        let dropped = savepoint(&mut *tx, async |tx| -> Result<()> {
            insert("half", 8, &mut *tx).await?;
            reached.notify_one();
            pending().await
        });
        // The last thing before COMMIT.
        assert!(until(reached, dropped).await.is_none());
        Ok(())
    });
    work.await.unwrap();
    let kept = "SELECT string_agg(n::text, ' ' ORDER BY n) FROM half";
    assert_eq!(ask(&db, kept).await, "2 4");
}

#[tokio::test]
async fn a_savepoint_is_undone_whole_after_one_inside_was_dropped() {
    let db = pool("outer_one").await;
    let reached = &Notify::new();
    let work = db.transaction(async |tx| -> Result<()> {
        insert("outer_one", 5, &mut *tx).await?;
        let outer = savepoint(&mut *tx, async |tx| -> Result<()> {
            insert("outer_one", 7, &mut *tx).await?;
            let dropped = savepoint(&mut *tx, async |tx| -> Result<()> {
                insert("outer_one", 6, &mut *tx).await?;
                reached.notify_one();
                pending().await
            });
            assert!(until(reached, dropped).await.is_none());
            Err(Error::invalid("outer", "is undone"))
        });
        outer.await.unwrap_err();
        insert("outer_one", 3, &mut *tx).await
    });
    work.await.unwrap();
    let kept = "SELECT string_agg(n::text, ' ' ORDER BY n) FROM outer_one";
    assert_eq!(ask(&db, kept).await, "3 5");
}

#[tokio::test]
async fn a_savepoint_whose_panic_is_caught_is_undone() {
    use futures_util::FutureExt;
    let db = pool("panicked").await;
    let work = db.transaction(async |tx| -> Result<()> {
        let panics = savepoint(&mut *tx, async |tx| -> Result<()> {
            insert("panicked", 9, &mut *tx).await?;
            panic!("on purpose")
        });
        assert!(AssertUnwindSafe(panics).catch_unwind().await.is_err());
        insert("panicked", 1, &mut *tx).await
    });
    work.await.unwrap();
    assert_eq!(
        ask(&db, "SELECT string_agg(n::text, ' ') FROM panicked").await,
        "1"
    );
}

#[tokio::test]
async fn a_commit_on_a_raw_connection_that_is_dropped_is_noticed() {
    let db = pool("early").await;
    let reached = &Notify::new();
    let work = db.transaction(async |tx| -> Result<()> {
        insert("early", 1, &mut *tx).await?;
        let dropped = tx.raw(async |conn| -> Result<()> {
            conn.execute("COMMIT").await?;
            reached.notify_one();
            pending().await
        });
        assert!(until(reached, dropped).await.is_none());
        // Would run outside of any transaction.
        insert("early", 2, &mut *tx).await
    });
    let error = work.await.unwrap_err();
    assert!(error.to_string().contains("(SQLSTATE 25P01)"), "{error}");
    let work = db.transaction(async |tx| -> Result<()> {
        let dropped = tx.raw(async |conn| -> Result<()> {
            conn.execute("COMMIT").await?;
            reached.notify_one();
            pending().await
        });
        assert!(until(reached, dropped).await.is_none());
        Err(Error::invalid("work", "failed"))
    });
    let error = work.await.unwrap_err();
    assert!(error.to_string().contains("(SQLSTATE 25P01)"), "{error}");
    assert_eq!(
        ask(&db, "SELECT string_agg(n::text, ' ') FROM early").await,
        "1"
    );
}

#[tokio::test]
async fn a_copy_that_is_given_up_is_what_the_error_says() {
    use futures_util::TryStreamExt;
    let db = pool("given_up").await;
    let work = db.transaction(async |tx| -> Result<()> {
        tx.raw(async |conn| -> Result<()> {
            let many = "COPY (SELECT repeat('x', 500) FROM generate_series(1, 300)) TO STDOUT";
            let mut rows = conn.copy_out_raw(many).await?;
            rows.try_next().await?;
            Ok(())
        })
        .await
    });
    let error = work.await.unwrap_err();
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
    assert!(error.to_string().contains("such as a COPY"), "{error}");
}
