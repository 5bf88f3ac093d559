//! What others may do with a row while a transaction holds it.

use llm_trading_db::{
    db::Db,
    repo::{
        accounts,
        pitches::{self, NewPitch},
        reviews::{self, Round},
    },
    types::{AccountId, Balance},
};

use crate::fixtures::{account, database, execute, model, now, pitch, week};

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
