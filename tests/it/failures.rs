//! Backends that die under load: money is conserved, nothing is applied twice, and the pool recovers.
#![allow(
    clippy::disallowed_methods,
    reason = "these tables belong to the tests alone, so no macro can check statements on them"
)]

use crate::bank::{Bank, MS, backend_pid, insert, transfer, warm_up};
use futures_util::future::join_all;
use llm_trading_db::{
    db::Db,
    error::{Error, Result},
};
use sqlx::Executor;
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// Ends the pool's backends every `pause` until the time is up; returns how many.
async fn terminate_until(bank: &mut Bank, until: Instant, pause: Duration) -> i64 {
    let mut terminated = 0;
    while Instant::now() < until {
        tokio::time::sleep(pause).await;
        terminated += bank.terminate_backends().await;
    }
    terminated
}

/// What a broken connection may show as, and nothing else.
fn assert_is_breakage(error: &Error) {
    assert!(
        matches!(
            error,
            Error::Disconnected { .. } | Error::CommitUnknown { .. }
        ),
        "{error:?}"
    );
}

async fn transfer_until(db: Db, from: i32, until: Instant) -> u32 {
    let mut done = 0;
    while Instant::now() < until {
        match db
            .transaction(async |tx| transfer(tx, from, 50, 1).await)
            .await
        {
            Ok(()) => done += 1,
            Err(error) => assert_is_breakage(&error),
        }
    }
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn transfers_survive_killed_backends() {
    let mut bank = Bank::open().await;
    let db = bank.db(16).await;
    let until = Instant::now() + 2000 * MS;
    let tasks = (1..=16).map(|from| tokio::spawn(transfer_until(db.clone(), from, until)));
    let tasks = join_all(tasks);
    let (done, terminated) = tokio::join!(tasks, terminate_until(&mut bank, until, 250 * MS));
    let transfers: u32 = done.into_iter().map(Result::unwrap).sum();
    assert!(terminated > 0, "nothing was disturbed");
    assert!(transfers > 0, "nothing was transferred");
    bank.assert_sound(&db, "after the kills").await;
}

/// Inserts numbers nobody else inserts; returns those acknowledged and those whose fate is unknown.
async fn insert_until(db: Db, next: Arc<AtomicI64>, until: Instant) -> (Vec<i64>, Vec<i64>) {
    let (mut acknowledged, mut unknown) = (vec![], vec![]);
    while Instant::now() < until {
        let number = next.fetch_add(1, Relaxed);
        match insert(&db, number).await {
            Ok(()) => acknowledged.push(number),
            Err(error) => {
                assert_is_breakage(&error);
                unknown.push(number);
            }
        }
    }
    (acknowledged, unknown)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_runs_again_is_never_applied_twice() {
    let mut bank = Bank::open().await;
    let db = bank.db(16).await;
    let next = Arc::new(AtomicI64::new(1));
    let until = Instant::now() + 3000 * MS;
    let tasks = (0..16).map(|_| tokio::spawn(insert_until(db.clone(), next.clone(), until)));
    let tasks = join_all(tasks);
    let (done, terminated) = tokio::join!(tasks, terminate_until(&mut bank, until, 15 * MS));
    assert!(terminated > 0, "nothing was disturbed");

    let (mut acknowledged, mut unknown) = (BTreeSet::new(), BTreeSet::new());
    for (yes, maybe) in done.into_iter().map(Result::unwrap) {
        acknowledged.extend(yes);
        unknown.extend(maybe);
    }
    assert!(!acknowledged.is_empty(), "nothing was inserted");
    let rows = bank.ledger().await;
    let stored: BTreeSet<i64> = rows.iter().copied().collect();
    assert_eq!(stored.len(), rows.len(), "one was applied twice");
    assert!(
        acknowledged.is_subset(&stored),
        "an acknowledged one is lost"
    );
    let surplus: Vec<_> = stored
        .difference(&acknowledged)
        .filter(|number| !unknown.contains(number))
        .collect();
    assert!(surplus.is_empty(), "{surplus:?}");
}

#[tokio::test]
async fn backends_that_die_while_idle_go_unnoticed() {
    let mut bank = Bank::open().await;
    let db = bank.db(16).await;
    for round in 0..3 {
        warm_up(&db).await;
        assert!(bank.terminate_backends().await > 0);
        for number in 0..20 {
            insert(&db, round * 20 + number).await.unwrap();
        }
        warm_up(&db).await;
        assert!(bank.terminate_backends().await > 0);
        db.transaction(async |tx| transfer(tx, 1, 2, 1).await)
            .await
            .unwrap();
    }
    let rows: Vec<i64> = (0..60).collect();
    assert_eq!(bank.ledger().await, rows);
}

#[tokio::test]
async fn one_broken_connection_has_its_siblings_checked() {
    let mut bank = Bank::open().await;
    let db = bank.db(8).await;
    warm_up(&db).await;
    bank.terminate_backends().await;
    insert(&db, 1).await.unwrap();
    assert_eq!(
        db.status().size,
        1,
        "the one that failed made the pool look at the others, which are closed"
    );
    backend_pid(&db).await;
}

#[tokio::test]
async fn a_backend_that_dies_in_mid_transaction_is_reported_and_rolled_back() {
    let mut bank = Bank::open().await;
    let db = bank.db(1).await;
    for dies_before_commit in [false, true] {
        let outside = tokio::sync::Mutex::new(&mut bank);
        let result = db
            .transaction(async |tx| {
                transfer(&mut *tx, 1, 2, 10).await?;
                assert_eq!(outside.lock().await.terminate_backends().await, 1);
                match dies_before_commit {
                    true => Ok(()),
                    false => transfer(&mut *tx, 1, 2, 10).await,
                }
            })
            .await;
        // The answer to COMMIT was "terminated", and nothing else: nothing was committed, and we know it.
        let broken = matches!(result, Err(Error::Disconnected { .. }));
        assert!(broken, "{result:?}");
        assert_eq!(bank.balance(1).await, 1000);
    }
    bank.assert_sound(&db, "afterwards").await;
}

#[tokio::test]
async fn a_backend_that_dies_during_commit_leaves_the_outcome_unknown() {
    let mut bank = Bank::open().await;
    bank.outside
        .execute(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
                 AS $$ BEGIN PERFORM pg_sleep(25); RETURN NULL; END $$;
             CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON ledger
                 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()",
        )
        .await
        .unwrap();
    let db = bank.db(1).await;
    let runs = AtomicI64::new(0);
    let work = db.transaction(async |tx| {
        runs.fetch_add(1, Relaxed);
        tx.execute("INSERT INTO ledger (amount) VALUES (1)").await?;
        Ok::<_, Error>(())
    });
    let kill = async {
        bank.wait_until_committing().await;
        assert_eq!(bank.terminate_backends().await, 1);
    };
    let (result, ()) = tokio::join!(work, kill);
    assert!(
        matches!(result, Err(Error::CommitUnknown { .. })),
        "{result:?}"
    );
    assert_eq!(runs.into_inner(), 1, "never run again blindly");
    assert!(bank.ledger().await.is_empty());
}

#[tokio::test]
async fn a_statement_whose_answer_is_lost_is_not_sent_again() {
    let mut bank = Bank::open().await;
    let (relay, config) = bank.config_through_relay(1).await;
    let db = Db::connect(&config).await.unwrap();
    insert(&db, 1).await.unwrap(); // prepares it
    relay.lose_next_answer();
    let result = insert(&db, 2).await;
    assert!(
        matches!(result, Err(Error::Disconnected { .. })),
        "{result:?}"
    );
    assert_eq!(bank.ledger().await, [1, 2], "once, and we do not know");
    insert(&db, 3).await.unwrap();
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_unknown_and_not_run_again() {
    let mut bank = Bank::open().await;
    let (relay, config) = bank.config_through_relay(1).await;
    let db = Db::connect(&config).await.unwrap();
    let result = db
        .transaction(async |tx| {
            transfer(tx, 1, 2, 10).await?;
            relay.lose_next_answer();
            Ok::<_, Error>(())
        })
        .await;
    assert!(
        matches!(result, Err(Error::CommitUnknown { .. })),
        "{result:?}"
    );
    assert_eq!(bank.balance(2).await, 1010, "committed, and once");
    bank.assert_sound(&db, "afterwards").await;
}
