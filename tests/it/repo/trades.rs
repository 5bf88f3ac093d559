use llm_trading_db::{
    repo::trades::{self, NewTrade},
    types::{Direction, PitchId, TradeId, TradeStatus},
};
use serde_json::json;

use crate::fixtures::{account, at, database, invalid, not_found, now, refused_by, symbol, week};

/// A trade with an id of its own.
pub fn trade(key: &str) -> NewTrade {
    NewTrade {
        id: TradeId::from_key(key),
        week_id: week("2026-01-07"),
        account: account("GROQ"),
        pitch_id: None,
        symbol: symbol("SPY"),
        direction: Direction::Short,
        quantity: "75.5".parse().unwrap(),
        conviction: "-1.25".parse().unwrap(),
    }
}

#[tokio::test]
async fn a_trade_proposed_twice_is_one() {
    let db = database().await;
    let new = trade("groq");
    not_found(trades::get(&db, new.id).await);
    let at_first = at("2026-01-07T14:00:00Z");
    assert!(trades::propose(&db, &new, at_first).await.unwrap());
    assert!(!trades::propose(&db, &new, now()).await.unwrap());
    let stored = json!({
        "id": new.id,
        "week_id": new.week_id,
        "account": "GROQ",
        "pitch_id": null,
        "symbol": new.symbol,
        "direction": new.direction,
        "quantity": new.quantity,
        "conviction": new.conviction,
        "status": "pending",
        "created_at": at_first,
        "updated_at": at_first,
    });
    assert_eq!(json!(trades::get(&db, new.id).await.unwrap()), stored);

    let larger = NewTrade {
        quantity: "76".parse().unwrap(),
        ..new
    };
    let told = invalid(trades::propose(&db, &larger, now()).await);
    assert!(told.contains("a key of its own"), "{told}");

    let odd = NewTrade {
        direction: Direction::Long,
        ..trade("odd")
    };
    let refused = trades::propose(&db, &odd, now()).await;
    assert_eq!(refused_by(refused), "trades_direction");
    let flat = NewTrade {
        direction: Direction::Flat,
        conviction: "0".parse().unwrap(),
        ..trade("flat")
    };
    let refused = trades::propose(&db, &flat, now()).await;
    assert_eq!(refused_by(refused), "trades_direction");
    let of_nothing = NewTrade {
        pitch_id: Some(PitchId::generate(now())),
        ..trade("of nothing")
    };
    let refused = trades::propose(&db, &of_nothing, now()).await;
    assert_eq!(refused_by(refused), "trades_pitch_fkey");
}

#[tokio::test]
async fn one_program_gets_a_trade() {
    let db = database().await;
    let (a, b) = (trade("a"), trade("b"));
    for (trade, time) in [(&b, "2026-01-07T14:00:00Z"), (&a, "2026-01-07T14:00:01Z")] {
        trades::propose(&db, trade, at(time)).await.unwrap();
    }
    let ids = |trades: Vec<trades::Trade>| trades.iter().map(|trade| trade.id).collect::<Vec<_>>();
    assert_eq!(ids(trades::list_open(&db).await.unwrap()), [b.id, a.id]);

    let take = async || {
        let (from, to) = (TradeStatus::Pending, TradeStatus::Executing);
        trades::advance(&db, a.id, from, to, now()).await.unwrap()
    };
    let mut taken = tokio::join!(take(), take());
    if taken.1 {
        taken = (taken.1, taken.0);
    }
    assert_eq!(taken, (true, false));
    assert_eq!(ids(trades::list_open(&db).await.unwrap()), [b.id, a.id]);
    let (from, to) = (TradeStatus::Executing, TradeStatus::Executed);
    assert!(
        trades::advance(&db, a.id, from, to, at("2026-01-08T09:00:00Z"))
            .await
            .unwrap()
    );
    // Proposed again after it was executed: still the same trade, and still executed.
    assert!(!trades::propose(&db, &a, now()).await.unwrap());
    let stored = trades::get(&db, a.id).await.unwrap();
    assert_eq!(
        (stored.status, stored.updated_at),
        (TradeStatus::Executed, at("2026-01-08T09:00:00Z"))
    );
    assert_eq!(ids(trades::list_open(&db).await.unwrap()), [b.id]);
    let mut of_week = ids(trades::of_week(&db, week("2026-01-07")).await.unwrap());
    of_week.sort_unstable_by_key(|id| *id != a.id);
    assert_eq!(of_week, [a.id, b.id]);
    assert_eq!(trades::of_week(&db, week("2026-01-14")).await.unwrap(), []);
    let unknown = TradeId::from_key("unknown");
    not_found(trades::advance(&db, unknown, from, to, now()).await);
}
