//! Many writers of the same rows: nothing is lost, and nobody waits for ever.

use std::sync::Arc;

use chrono::Days;
use llm_trading_db::{
    db::Db,
    repo::{
        accounts::{self, TransferError},
        bars::{self, Bar},
    },
    types::{AccountId, Amount, Balance, Price},
};
use rust_decimal::Decimal;
use tokio::{sync::Barrier, task::JoinSet};

use crate::fixtures::{column, database, day, dec, now, symbol};

const TASKS: usize = 32;
const TRANSFERS: usize = 200;

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_in_opposite_orders_never_deadlock() {
    const ROUNDS: i64 = 1000;
    let db = database().await;
    let start = Arc::new(Barrier::new(2));
    let mut tasks = JoinSet::new();
    for reversed in [false, true] {
        let (db, start) = (db.clone(), start.clone());
        tasks.spawn(async move {
            for round in 0..ROUNDS {
                let cents = 2 * round + i64::from(reversed);
                let close = Price::new(Decimal::new(cents, 2)).unwrap();
                let mut batch: Vec<Bar> = (0..60)
                    .map(|n| Bar {
                        symbol: symbol(["SPY", "QQQ", "TLT"][n as usize % 3]),
                        date: day("2026-01-01") + Days::new(n / 3),
                        open: None,
                        high: None,
                        low: None,
                        close: Some(close),
                        volume: None,
                    })
                    .collect();
                if reversed {
                    batch.reverse();
                }
                start.wait().await;
                bars::upsert_many(&db, &batch).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    // Whoever came last in the last round came last for every row.
    let closes = "SELECT count(DISTINCT close) FROM daily_bars";
    assert_eq!(column::<i64>(&db, closes).await.unwrap(), [1]);
    assert_eq!(deadlocks(&db).await, 0);
}
