//! What a program is told of its transactions.

use crate::support::server;
use checked_pg::{
    config::Config,
    db::{Db, EndedTransaction, TransactionOutcome, Tx, TxOptions},
    error::{Error, Result},
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

async fn watched() -> (Db, Arc<Mutex<Vec<EndedTransaction>>>) {
    let seen: Arc<Mutex<Vec<EndedTransaction>>> = Arc::default();
    let notes = seen.clone();
    let config = Config::from_url(&server().url())
        .unwrap()
        .on_transaction(move |ended| notes.lock().unwrap().push(*ended));
    (Db::connect(&config).await.unwrap(), seen)
}

async fn run(tx: &mut Tx, sql: &'static str) -> Result<()> {
    sqlx::query(sql).execute(tx).await?;
    Ok(())
}

#[tokio::test]
async fn each_transaction_is_told_once_with_its_name_attempts_and_end() {
    use TransactionOutcome::{Abandoned, Committed, Failed};
    let (db, seen) = watched().await;
    let named = |name| TxOptions::new().name(name);
    db.transaction_with(named("slow"), async |tx| {
        run(tx, "SELECT pg_sleep(0.06)").await
    })
    .await
    .unwrap();
    let begun = line!() + 1;
    db.transaction(async |tx| run(tx, "SELECT 1 / 0").await)
        .await
        .unwrap_err();
    // Two collisions, and then none.
    let runs = Arc::new(AtomicU32::new(0));
    db.transaction_with(named("collides"), async |tx| {
        match runs.fetch_add(1, Relaxed) {
            0 | 1 => run(tx, "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$").await,
            _ => Ok(()),
        }
    })
    .await
    .unwrap();
    let gives_up = named("gives up").attempts(3);
    db.transaction_with(gives_up, async |tx| {
        run(tx, "DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$").await
    })
    .await
    .unwrap_err();
    let inside = tokio::sync::Notify::new();
    let work = async |_: &mut Tx| -> Result<()> {
        inside.notify_one();
        std::future::pending().await
    };
    tokio::select! {
        _ = db.transaction_with(named("left"), work) => unreachable!(),
        () = inside.notified() => {}
    }
    db.transaction_once(async |_| -> Result<()> { Err(Error::not_found("reason", "to commit")) })
        .await
        .unwrap_err();

    let seen = seen.lock().unwrap();
    let told: Vec<_> = seen
        .iter()
        .map(|ended| (ended.name, ended.attempts, ended.outcome))
        .collect();
    assert_eq!(
        told,
        [
            (Some("slow"), 1, Committed),
            (None, 1, Failed),
            (Some("collides"), 3, Committed),
            (Some("gives up"), 3, Failed),
            (Some("left"), 1, Abandoned),
            (None, 1, Failed),
        ]
    );
    assert!(
        seen[0].duration >= Duration::from_millis(60),
        "{:?}",
        seen[0]
    );
    assert!(seen[0].duration < Duration::from_secs(20), "{:?}", seen[0]);
    // The pauses between attempts count: 2 ms and 4 ms at least.
    assert!(
        seen[2].duration >= Duration::from_millis(6),
        "{:?}",
        seen[2]
    );
    assert_eq!(
        (seen[1].place.file(), seen[1].place.line()),
        (file!(), begun)
    );
}
