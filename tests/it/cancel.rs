//! A caller that goes away at any moment leaves nothing behind for the next user of the pool.
#![allow(
    clippy::disallowed_methods,
    reason = "these tables belong to the tests alone, so no macro can check statements on them"
)]

use crate::bank::{Bank, MS, poll_at_most, transfer, warm_up};
use futures_util::{TryStreamExt, future::join_all};
use llm_trading_db::{
    config::Config,
    db::Db,
    error::{Error, Result},
};
use sqlx::Executor;
use std::{
    hash::{BuildHasher, RandomState},
    time::{Duration, Instant},
};

/// Drops `operation` at its first, second, … 40th poll, and looks each time whether all is sound. Fails if it was dropped less
/// than `at_least` times, since then it does not test what it says.
async fn at_every_poll<T>(at_least: usize, operation: impl AsyncFn(&Db) -> T) {
    at_every_poll_with(|config| config, at_least, operation).await;
}

async fn at_every_poll_with<T>(
    configure: impl Fn(Config) -> Config,
    at_least: usize,
    operation: impl AsyncFn(&Db) -> T,
) {
    let mut bank = Bank::open().await;
    let (_relay, config) = bank.config_through_relay(2).await;
    let db = Db::connect(&configure(config)).await.unwrap();
    let mut cancelled = 0;
    for polls in 1..=40 {
        if poll_at_most(polls, operation(&db)).await.is_none() {
            cancelled += 1;
        }
        bank.assert_sound(&db, &format!("dropped at poll {polls}"))
            .await;
    }
    assert!(cancelled >= at_least, "dropped {cancelled} times only");
}

#[tokio::test]
async fn a_transaction() {
    at_every_poll(4, async |db| {
        db.transaction(async |tx| transfer(tx, 1, 2, 1).await).await
    })
    .await;
}

#[tokio::test]
async fn a_transaction_that_yields_between_its_statements() {
    at_every_poll(20, async |db| {
        db.transaction(async |tx| {
            for account in 1..=5 {
                tokio::task::yield_now().await;
                transfer(&mut *tx, account, account + 1, 1).await?;
                tokio::task::yield_now().await;
            }
            Ok::<_, Error>(())
        })
        .await
    })
    .await;
}

#[tokio::test]
async fn a_rollback() {
    at_every_poll(4, async |db| {
        db.transaction(async |tx| {
            transfer(tx, 1, 2, 1).await?;
            Err::<(), _>(Error::not_found("reason to commit", ""))
        })
        .await
    })
    .await;
}

#[tokio::test]
async fn a_statement() {
    at_every_poll(2, async |db| {
        sqlx::query("UPDATE accounts SET balance = balance WHERE id = $1")
            .bind(3)
            .execute(db)
            .await
    })
    .await;
}

#[tokio::test]
async fn a_stream() {
    at_every_poll(2, async |db| {
        sqlx::query("SELECT repeat('x', 1000) FROM generate_series(1, 3000)")
            .fetch(db)
            .try_for_each(async |_| Ok(()))
            .await
    })
    .await;
}

#[tokio::test]
async fn a_ping_before_use() {
    let always_ping = |config: Config| config.ping_after(Duration::ZERO);
    at_every_poll_with(always_ping, 2, async |db| db.execute("SELECT 1").await).await;
}

#[tokio::test]
async fn connecting() {
    let mut bank = Bank::open().await;
    let mut cancelled = 0;
    for polls in 1..=40 {
        let db = Db::connect_lazy(&bank.config(2)).unwrap(); // nothing is open: it must connect
        let work = db.transaction(async |tx| transfer(tx, 1, 2, 1).await);
        if poll_at_most(polls, work).await.is_none() {
            cancelled += 1;
        }
        bank.assert_sound(&db, &format!("dropped at poll {polls}"))
            .await;
    }
    // How many polls it takes is the machine's affair; one is never enough.
    assert!(cancelled >= 1, "{cancelled}");
}

#[tokio::test]
async fn waiting_for_a_connection() {
    let mut bank = Bank::open().await;
    let db = bank.db(1).await;
    let mut cancelled = 0;
    for polls in 1..=20 {
        let holder = async {
            db.execute("SELECT pg_sleep(0.003)").await.unwrap();
        };
        let waiters = (0..4).map(|ahead| {
            let work = db.transaction(async |tx| transfer(tx, 1, 2, 1).await);
            poll_at_most(usize::max(polls, ahead + 1) - ahead, work)
        });
        let ((), done) = tokio::join!(holder, join_all(waiters));
        cancelled += done.iter().filter(|done| done.is_none()).count();
        bank.assert_sound(&db, &format!("dropped at poll {polls}"))
            .await;
    }
    assert!(cancelled >= 4, "{cancelled}");
}

/// A random number below `most`.
fn random(most: u64) -> u64 {
    RandomState::new().hash_one(0) % most
}

/// Tries to transfer over and over, giving up after a random time of up to `patience`; returns transfers and cancels.
async fn impatient_caller(db: Db, patience: Duration, until: Instant) -> (u32, u32) {
    let (mut transfers, mut cancels) = (0, 0);
    while Instant::now() < until {
        let (from, to) = (random(50) as i32 + 1, random(50) as i32 + 1);
        let work = db.transaction(async |tx| transfer(tx, from.min(to), from.max(to), 1).await);
        let limit = Duration::from_micros(50 + random(patience.as_micros() as u64));
        match tokio::time::timeout(limit, work).await {
            Ok(done) => {
                done.unwrap();
                transfers += 1;
            }
            Err(_) => cancels += 1,
        }
    }
    (transfers, cancels)
}

async fn storm(start_warm: bool) {
    let mut bank = Bank::open().await;
    let db = Db::connect_lazy(&bank.config(8)).unwrap();
    if start_warm {
        warm_up(&db).await;
    }
    let until = Instant::now() + 1500 * MS;
    let callers = (0..32).map(|_| tokio::spawn(impatient_caller(db.clone(), 6 * MS, until)));
    let done = join_all(callers).await.into_iter().map(Result::unwrap);
    let (transfers, cancels) = done.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert!(cancels > 0, "nobody gave up: the test does not test");
    // A pool that closed the connection of each cancelled caller would get next to nothing done.
    assert!(transfers > 20, "{transfers} transfers, {cancels} cancels");
    bank.assert_sound(&db, "after the storm").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn impatient_callers_still_get_work_done() {
    storm(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_less_patient_than_a_connect_still_get_connections() {
    storm(false).await;
}
