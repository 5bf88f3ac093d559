//! Whatever is left half-done on a connection, the next caller gets the answer to its own question.
#![allow(
    clippy::disallowed_methods,
    reason = "these tables belong to the tests alone, so no macro can check statements on them"
)]

use crate::bank::{Bank, MS};
use futures_util::StreamExt;
use llm_trading_db::{
    config::Config,
    db::{Db, Tx},
    error::{Error, Result},
};
use sqlx::{Connection, Executor, PgConnection};
use std::time::Duration;

/// Ways to leave a connection in the middle of something.
#[derive(Debug, Clone, Copy)]
enum Mess {
    CopyInDropped,
    CopyInForgotten,
    CopyInOfABadLine,
    CopyInRefused,
    CopyOutDropped,
    CopyOutRefused,
    CopyOutThatFails,
    SeveralDropped,
    SeveralThatFail,
    Begun,
    BegunAndForgotten,
    StreamDropped,
    CursorOpen,
    LockGuardDropped,
    NotificationUnread,
}

const MESSES: [Mess; 15] = [
    Mess::CopyInDropped,
    Mess::CopyInForgotten,
    Mess::CopyInOfABadLine,
    Mess::CopyInRefused,
    Mess::CopyOutDropped,
    Mess::CopyOutRefused,
    Mess::CopyOutThatFails,
    Mess::SeveralDropped,
    Mess::SeveralThatFail,
    Mess::Begun,
    Mess::BegunAndForgotten,
    Mess::StreamDropped,
    Mess::CursorOpen,
    Mess::LockGuardDropped,
    Mess::NotificationUnread,
];

async fn make(mess: Mess, conn: &mut PgConnection) -> Result<()> {
    match mess {
        Mess::CopyInDropped | Mess::CopyInForgotten => {
            let mut copy = conn.copy_in_raw("COPY ledger (amount) FROM STDIN").await?;
            copy.send(&b"7\n"[..]).await?;
            if let Mess::CopyInForgotten = mess {
                std::mem::forget(copy);
            }
        }
        Mess::CopyInOfABadLine => {
            let mut copy = conn.copy_in_raw("COPY ledger (amount) FROM STDIN").await?;
            copy.send(&b"seven\n"[..]).await?;
            copy.finish().await?;
        }
        Mess::CopyInRefused => drop(conn.copy_in_raw("COPY nosuch FROM STDIN").await?),
        Mess::CopyOutDropped => {
            let rows = "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 2000)) TO STDOUT";
            let mut copy = conn.copy_out_raw(rows).await?;
            copy.next().await.unwrap()?;
        }
        Mess::CopyOutRefused => drop(conn.copy_out_raw("COPY nosuch TO STDOUT").await?),
        Mess::CopyOutThatFails => {
            let rows = "COPY (SELECT 1 / (3 - n) FROM generate_series(1, 5) n) TO STDOUT";
            let mut copy = conn.copy_out_raw(rows).await?;
            while let Some(piece) = copy.next().await {
                piece?;
            }
        }
        Mess::SeveralDropped => {
            let mut several = sqlx::raw_sql("SELECT 1; SELECT 2; SELECT 3").fetch_many(conn);
            several.next().await.unwrap()?;
        }
        Mess::SeveralThatFail => {
            let several = sqlx::raw_sql("SELECT 1; SELECT 1 / 0; SELECT 3").fetch_many(conn);
            several.for_each(async |_| ()).await;
        }
        Mess::Begun => drop(conn.begin().await?),
        Mess::BegunAndForgotten => std::mem::forget(conn.begin().await?),
        Mess::StreamDropped => {
            let mut rows = sqlx::query("SELECT generate_series(1, 100000)").fetch(conn);
            rows.next().await.unwrap()?;
        }
        Mess::CursorOpen => {
            conn.execute("DECLARE held CURSOR WITH HOLD FOR SELECT generate_series(1, 9)")
                .await?;
            conn.execute("FETCH 2 FROM held").await?;
        }
        Mess::LockGuardDropped => {
            let lock = sqlx::postgres::PgAdvisoryLock::new("a test");
            drop(lock.acquire(&mut *conn).await?);
        }
        Mess::NotificationUnread => {
            conn.execute("LISTEN news").await?;
            conn.execute("NOTIFY news, 'unread'").await?;
        }
    }
    Ok(())
}

/// How the transaction goes on after the mess.
#[derive(Debug, Clone, Copy)]
enum Then {
    Ok,
    Err,
    Cancelled,
}

async fn work(tx: &mut Tx, mess: Mess, then: Then) -> Result<()> {
    tx.execute("UPDATE accounts SET balance = balance - 5 WHERE id = 1")
        .await?;
    let made = tx.raw(async |conn| {
        make(mess, &mut *conn).await?;
        if let Then::Cancelled = then {
            std::future::pending::<()>().await;
        }
        Ok::<_, Error>(())
    });
    made.await?;
    match then {
        Then::Ok => Ok(()),
        _ => Err(Error::not_found("a reason to commit", "any")),
    }
}

/// Each account is asked for by itself, and none is answered with another one's number.
async fn assert_in_step(db: &Db, what: &str) {
    for id in [11_i32, 12, 13, 14, 15, 16] {
        let row: (i32,) = sqlx::query_as("SELECT id FROM accounts WHERE id = $1")
            .bind(id)
            .fetch_one(db)
            .await
            .unwrap_or_else(|error| panic!("{what}: {error:?}"));
        assert_eq!(row.0, id, "{what}: somebody else's row");
    }
    let done = sqlx::query("UPDATE accounts SET balance = balance WHERE id <= 3")
        .execute(db)
        .await
        .unwrap();
    assert_eq!(done.rows_affected(), 3, "{what}");
}

async fn one(config: &Config, mess: Mess, then: Then) -> (Option<Result<()>>, Db) {
    let db = Db::connect(config).await.unwrap();
    let run = db.transaction(async |tx| work(tx, mess, then).await);
    let limit = match then {
        Then::Cancelled => 50 * MS,
        _ => Duration::from_secs(20),
    };
    (tokio::time::timeout(limit, run).await.ok(), db)
}

#[tokio::test]
async fn whatever_was_left_half_done() {
    let mut bank = Bank::open().await;
    for mess in MESSES {
        for then in [Then::Ok, Then::Err, Then::Cancelled] {
            let what = format!("{mess:?}, {then:?}");
            let before = bank.balance(1).await;
            let (outcome, db) = one(&bank.config(1), mess, then).await;
            assert_in_step(&db, &what).await;
            bank.wait_until_quiet().await;
            let committed = matches!(outcome, Some(Ok(())));
            let spent = before - bank.balance(1).await;
            assert_eq!(spent, if committed { 5 } else { 0 }, "{what}: {outcome:?}");
            if let Then::Err | Then::Cancelled = then {
                assert!(!committed, "{what}");
            }
            if let (Some(Err(error)), Then::Err) = (&outcome, then) {
                let unclear = matches!(error, Error::CommitUnknown { .. });
                assert!(!unclear, "{what}: {error:?}");
            }
        }
    }
    assert_eq!(bank.ledger().await, Vec::<i64>::new());
}

#[tokio::test]
async fn a_copy_that_was_abandoned_is_told_and_not_committed() {
    let bank = Bank::open().await;
    let (outcome, _db) = one(&bank.config(1), Mess::CopyInDropped, Then::Ok).await;
    let error = outcome.unwrap().unwrap_err();
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
    assert!(error.to_string().contains("COPY"), "{error}");
}

#[tokio::test]
async fn a_statement_by_itself_that_is_several_or_a_copy() {
    let bank = Bank::open().await;
    let db = bank.db(1).await;
    for text in [
        "SELECT 1; SELECT 2; SELECT 3",
        "SELECT 1; SELECT 1 / 0; SELECT 3",
        "COPY ledger FROM STDIN",
        "COPY (SELECT 1) TO STDOUT",
        "BEGIN; SELECT 1",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
        "",
        ";",
    ] {
        drop(db.execute(text).await);
        assert_in_step(&db, text).await;
        drop(sqlx::raw_sql(text).fetch_many(&db).next().await);
        assert_in_step(&db, text).await;
    }
}

/// The connection is not replaced where that is not needed.
#[tokio::test]
async fn what_was_ended_properly_keeps_its_connection() {
    let mut bank = Bank::open().await;
    let db = bank.db(1).await;
    let before = crate::bank::backend_pid(&db).await;
    db.transaction(async |tx| {
        tx.raw(async |conn| {
            let mut copy = conn.copy_in_raw("COPY ledger (amount) FROM STDIN").await?;
            copy.send(&b"41\n42\n"[..]).await?;
            assert_eq!(copy.finish().await?, 2);
            Ok::<_, Error>(())
        })
        .await
    })
    .await
    .unwrap();
    assert_eq!(bank.ledger().await, [41, 42]);
    let refused = db.transaction(async |tx| {
        tx.raw(async |conn| make(Mess::CopyInOfABadLine, conn).await)
            .await
    });
    assert!(refused.await.is_err());
    let refused = db.execute("SELECT 1 / 0").await;
    assert!(refused.is_err());
    assert_eq!(crate::bank::backend_pid(&db).await, before);
}
