//! What others may do with a row while a transaction holds it.

use std::time::Instant;

use llm_trading_db::{
    db::Db,
    repo::{
        accounts,
        pitches::{self, NewPitch},
        reviews::{self, Round},
    },
    types::{AccountId, Balance},
};

use crate::fixtures::{account, column, database, execute, model, now, pitch, week};

/// Whether another transaction gets a lock of this strength on a row at once.
async fn gets(db: &Db, table: &str, id: &str, strength: &str) -> bool {
    let sql = format!("SELECT FROM {table} WHERE id = '{id}' FOR {strength} NOWAIT");
    let db = db.clone();
    let other = tokio::spawn(async move { execute(&db, &sql).await });
    match other.await.unwrap() {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(format!("{error:?}"), "Timeout(Lock)");
            false
        }
    }
}

#[tokio::test]
async fn locked_accounts_are_nobody_elses() {
    let db = database().await;
    let (id, free) = (AccountId::generate(now()), AccountId::generate(now()));
    let balance: Balance = "10".parse().unwrap();
    for id in [id, free] {
        accounts::open(&db, id, balance, now()).await.unwrap();
    }
    db.transaction(async |tx| {
        accounts::lock(tx, &[id]).await?;
        assert!(!gets(&db, "accounts", &id.to_string(), "KEY SHARE").await);
        assert!(gets(&db, "accounts", &free.to_string(), "UPDATE").await);
        Ok::<_, llm_trading_db::Error>(())
    })
    .await
    .unwrap();
}

/// How many connections wait for a lock.
async fn waiting(db: &Db) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity
               WHERE datname = current_database() AND wait_event_type = 'Lock'";
    column(db, sql).await.unwrap()[0]
}

/// Two transfers out of one account, which both have begun before either may pay: a lock that they could share would let each wait for
/// the other to give it up.
#[tokio::test]
async fn transfers_of_the_same_accounts_take_turns() {
    let db = database().await;
    let mut ids = [(); 2].map(|()| AccountId::generate(now()));
    ids.sort_unstable();
    let [from, to] = ids;
    for (id, cash) in [(from, "10"), (to, "5")] {
        accounts::open(&db, id, cash.parse().unwrap(), now())
            .await
            .unwrap();
    }
    let pay = |cash: &str| {
        let (db, amount) = (db.clone(), cash.parse().unwrap());
        tokio::spawn(async move { accounts::transfer(&db, from, to, amount).await })
    };
    let transfers = db
        .transaction(async |tx| {
            // The second row that a transfer locks.
            accounts::lock(tx, &[to]).await?;
            let watching = db.clone();
            let transfers = [pay("1"), pay("2")];
            let both_wait = async move {
                let start = Instant::now();
                while waiting(&watching).await < 2 {
                    assert!(start.elapsed().as_secs() < 20, "nothing waits");
                }
            };
            tokio::spawn(both_wait).await.unwrap();
            Ok::<_, llm_trading_db::Error>(transfers)
        })
        .await
        .unwrap();
    for transfer in transfers {
        transfer.await.unwrap().unwrap();
    }
    let left = accounts::list(&db).await.unwrap();
    let left: Vec<String> = left.iter().map(|one| one.balance.to_string()).collect();
    assert_eq!(left, ["7.00", "8.00"]);
}

#[tokio::test]
async fn a_round_holds_its_pitches_and_lets_others_refer_to_them() {
    let db = database().await;
    let week = week("2026-01-07");
    let new = NewPitch {
        model: model("groq"),
        account: account("GROQ"),
        pitch_data: pitch(week, "groq", "SPY", "1"),
    };
    let id = pitches::save(&db, week, None, &[new], now()).await.unwrap()[0].to_string();
    let round = Round {
        week,
        research_date: None,
        labels: [].into(),
        reviews: Vec::new(),
    };
    db.transaction(async |tx| {
        reviews::save_round(tx, &round, now()).await?;
        assert!(!gets(&db, "pm_pitches", &id, "NO KEY UPDATE").await);
        assert!(gets(&db, "pm_pitches", &id, "KEY SHARE").await);
        Ok::<_, llm_trading_db::Error>(())
    })
    .await
    .unwrap();
}
