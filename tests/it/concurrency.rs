//! Many writers of the same rows: nothing is lost, and nobody waits for ever.

use std::{collections::BTreeSet, sync::Mutex, time::Instant};

use chrono::Days;
use futures_util::future::join;
use llm_trading_db::{
    db::{Db, Tx},
    error::Result,
    repo::{
        accounts::{self, TransferError},
        bars::{self, Bar},
        decisions,
        pitches::{self, NewPitch},
        reviews::{self, NewReview, Round},
    },
    types::{AccountId, Amount, Balance, Price, ReviewId, WeekId},
};
use rust_decimal::Decimal;
use tokio::{sync::Notify, task::JoinSet};

use crate::fixtures::{
    ALLOWED, account, column, database, day, dec, decision, execute, label, model, now, pitch,
    review, symbol, week,
};

const TASKS: usize = 32;
const TRANSFERS: usize = 200;

fn wednesday() -> WeekId {
    week("2026-01-07")
}

/// Deadlocks that the server has broken; a statement that is run again would hide them.
async fn deadlocks(db: &Db) -> i64 {
    let sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    column(db, sql).await.unwrap()[0]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transfers_in_both_directions_keep_the_sum() {
    let db = database().await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        let id = AccountId::generate(now());
        let balance = Balance::new(dec("100.00")).unwrap();
        accounts::open(&db, id, balance, now()).await.unwrap();
        ids.push(id);
    }
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let (db, ids) = (db.clone(), ids.clone());
        tasks.spawn(async move {
            let mut state = task as u32;
            let mut refused = 0;
            for _ in 0..TRANSFERS {
                // A linear congruence; its upper bits are random enough.
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let draw = (state >> 8) as usize;
                let (from, step) = (draw % 4, 1 + draw / 4 % 3);
                let cents = 1 + draw / 12 % 9_000;
                let amount = Amount::new(Decimal::new(cents as i64, 2)).unwrap();
                let (from, to) = (ids[from], ids[(from + step) % 4]);
                match accounts::transfer(&db, from, to, amount).await {
                    Ok(_) => {}
                    Err(TransferError::InsufficientFunds { .. }) => refused += 1,
                    Err(error) => panic!("{error}"),
                }
            }
            refused
        });
    }
    let refused: usize = tasks.join_all().await.into_iter().sum();
    assert!(
        (1..TASKS * TRANSFERS / 2).contains(&refused),
        "{refused} refusals test too little"
    );
    let sum: Decimal = accounts::list(&db)
        .await
        .unwrap()
        .iter()
        .map(|account| account.balance.value())
        .sum();
    assert_eq!(sum, dec("400.00"));
    assert_eq!(deadlocks(&db).await, 0);
}

/// Stores the same rows a thousand times twice at the same time, once in the opposite order; `store` is told the value.
async fn store_in_opposite_orders(db: &Db, store: impl AsyncFn(bool, i64)) {
    for round in 0..1000 {
        join(store(false, 2 * round), store(true, 2 * round + 1)).await;
    }
    assert_eq!(deadlocks(db).await, 0);
}

fn reverse_if<T>(reversed: bool, mut batch: Vec<T>) -> Vec<T> {
    if reversed {
        batch.reverse();
    }
    batch
}

#[tokio::test]
async fn batches_of_bars_in_opposite_orders_never_deadlock() {
    let db = database().await;
    store_in_opposite_orders(&db, async |reversed, value| {
        let close = Price::new(Decimal::new(value, 2)).unwrap();
        let bar = |n: u64| Bar {
            symbol: symbol(["SPY", "QQQ", "TLT"][n as usize % 3]),
            date: day("2026-01-01") + Days::new(n / 3),
            open: None,
            high: None,
            low: None,
            close: Some(close),
            volume: None,
        };
        let batch = reverse_if(reversed, (0..60).map(bar).collect());
        bars::upsert_many(&db, &batch).await.unwrap();
    })
    .await;
    // Whoever came last in the last round came last for every row.
    let closes = "SELECT count(DISTINCT close) FROM daily_bars";
    assert_eq!(column::<i64>(&db, closes).await.unwrap(), [1]);
}

#[tokio::test]
async fn batches_of_pitches_in_opposite_orders_never_deadlock() {
    let db = database().await;
    let names: Vec<String> = (0..20).map(|n| format!("model-{n}")).collect();
    let ids = Mutex::new(BTreeSet::new());
    store_in_opposite_orders(&db, async |reversed, value| {
        let account = account(&format!("A{value}"));
        let new = |name: &String| NewPitch {
            model: model(name),
            account,
            pitch_data: pitch(wednesday(), name, "SPY", "1"),
        };
        let batch = reverse_if(reversed, names.iter().map(new).collect());
        let saved = pitches::save(&db, wednesday(), None, &batch, now()).await;
        let saved = reverse_if(reversed, saved.unwrap());
        ids.lock().unwrap().insert(saved);
    })
    .await;
    assert_eq!(ids.into_inner().unwrap().len(), 1, "an id has changed");
    let accounts = "SELECT count(DISTINCT account) FROM pm_pitches";
    assert_eq!(column::<i64>(&db, accounts).await.unwrap(), [1]);
}

/// Waits until a statement waits for a transaction of another connection.
async fn until_one_waits(db: &Db) {
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let start = Instant::now();
    while column::<i64>(db, waiting).await.unwrap() == [0] {
        assert!(start.elapsed().as_secs() < 20, "nothing waits");
    }
}

/// Begins `ours` after `theirs`, in a transaction that does not end before `ours` waits for it; gives what each gave.
async fn meanwhile<T>(
    db: &Db,
    theirs: impl AsyncFn(&mut Tx) -> Result<T>,
    ours: impl Future<Output = Result<T>>,
) -> (T, T) {
    let stored = Notify::new();
    let theirs = db.transaction(async |tx| -> Result<T> {
        let outcome = theirs(tx).await?;
        stored.notify_one();
        // Another task, since this one is in the transaction.
        let watching = db.clone();
        let waits = tokio::spawn(async move { until_one_waits(&watching).await });
        waits.await.unwrap();
        Ok(outcome)
    });
    let ours = async {
        stored.notified().await;
        ours.await
    };
    let (theirs, ours) = join(theirs, ours).await;
    (theirs.unwrap(), ours.unwrap())
}

#[tokio::test]
async fn a_transfer_is_judged_by_the_balance_that_it_waited_for() {
    let db = database().await;
    let [from, to] = [(); 2].map(|()| AccountId::generate(now()));
    for (id, cash) in [(from, "10.00"), (to, "0.00")] {
        let balance = Balance::new(dec(cash)).unwrap();
        accounts::open(&db, id, balance, now()).await.unwrap();
    }
    let amount = |cash| Amount::new(dec(cash)).unwrap();
    // What `ours` sees at first is what the round before has left.
    for (withdrawn, deposited, outcome) in [
        ("8.00", None, "1.00 left"),
        ("0.50", None, "the account holds 0.50, which is less than 1"),
        ("0.10", Some("5.00"), "4.40 left"),
    ] {
        let theirs = async |tx: &mut Tx| {
            let mut left = accounts::withdraw(&mut *tx, from, amount(withdrawn)).await?;
            if let Some(deposited) = deposited {
                left = accounts::deposit(tx, from, amount(deposited)).await?;
            }
            Ok(left.to_string())
        };
        let ours = async {
            match accounts::transfer(&db, from, to, amount("1.00")).await {
                Ok(after) => Ok(format!("{} left", after.from)),
                Err(TransferError::Db(error)) => Err(error),
                Err(refused) => Ok(refused.to_string()),
            }
        };
        assert_eq!(meanwhile(&db, theirs, ours).await.1, outcome);
    }
    let received = accounts::get(&db, to).await.unwrap().balance;
    assert_eq!(received.value(), dec("2.00"));
}

// The statement of `ours` does not see the row, which is of a later commit, and has nothing to change in it.
#[tokio::test]
async fn saving_what_another_transaction_saves_at_the_same_time_gives_its_ids() {
    let db = database().await;
    let new = ["groq", "gemini"].map(|name| NewPitch {
        model: model(name),
        account: account("COUNCIL"),
        pitch_data: pitch(wednesday(), name, "SPY", "1"),
    });
    let save = async |tx: &mut Tx| pitches::save(tx, wednesday(), None, &new, now()).await;
    let ours = pitches::save(&db, wednesday(), None, &new, now());
    let (theirs, ours) = meanwhile(&db, save, ours).await;
    assert_eq!(theirs, ours);

    // They are no longer those that the statement of `ours` sees.
    let replace = async |tx: &mut Tx| {
        execute(&mut *tx, &format!("DELETE FROM pm_pitches WHERE {ALLOWED}")).await?;
        save(tx).await
    };
    let ours = pitches::save(&db, wednesday(), None, &new, now());
    let (replaced, ours) = meanwhile(&db, replace, ours).await;
    assert_eq!(replaced, ours);
    assert_ne!(replaced, theirs);

    let document = decision(wednesday(), "SPY", "1");
    let save =
        async |tx: &mut Tx| decisions::save(tx, wednesday(), Some(now()), &document, now()).await;
    let ours = decisions::save(&db, wednesday(), Some(now()), &document, now());
    let (theirs, ours) = meanwhile(&db, save, ours).await;
    assert_eq!(theirs, ours);
}

#[tokio::test]
async fn a_review_that_another_program_stores_at_the_same_time_gives_its_id() {
    let db = database().await;
    let new = NewPitch {
        model: model("groq"),
        account: account("COUNCIL"),
        pitch_data: pitch(wednesday(), "groq", "SPY", "1"),
    };
    let pitch = pitches::save(&db, wednesday(), None, &[new], now())
        .await
        .unwrap()[0];
    let review = NewReview {
        reviewer_model: model("gemini"),
        review_data: review(label('A'), 7),
    };
    let id = ReviewId::generate(now());
    // Without the lock of the round's pitches.
    let insert = format!(
        "INSERT INTO peer_reviews (id, week_id, pitch_id, reviewer_model, pitch_label, review_data)
         VALUES ('{id}', '{}', '{pitch}', 'gemini', 'Pitch A', '{}')",
        wednesday(),
        serde_json::to_string(&review.review_data).unwrap()
    );
    let round = Round {
        week: wednesday(),
        research_date: None,
        labels: [(label('A'), model("groq"))].into(),
        reviews: vec![review],
    };
    let theirs = async |tx: &mut Tx| {
        execute(tx, &insert).await?;
        Ok(vec![id])
    };
    let ours = db.transaction(async |tx| reviews::save_round(tx, &round, now()).await);
    let (theirs, ours) = meanwhile(&db, theirs, ours).await;
    assert_eq!(theirs, ours);
}
