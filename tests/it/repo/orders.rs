use llm_trading_db::{
    repo::{
        orders::{self, Answer, NewOrder},
        trades,
    },
    types::{OrderId, OrderSide, OrderStatus, TradeId},
};
use serde_json::json;

use super::trades::trade;
use crate::fixtures::{at, count, database, invalid, not_found, now, price, refused_by};

fn order(trade_id: TradeId, attempt: i32) -> NewOrder {
    NewOrder {
        trade_id,
        attempt,
        side: OrderSide::Sell,
        quantity: "75.5".parse().unwrap(),
        limit_price: Some(price("601.25")),
    }
}

fn answer(status: OrderStatus, id: Option<&str>, message: Option<&str>) -> Answer {
    Answer {
        status,
        broker_order_id: id.map(str::to_owned),
        message: message.map(str::to_owned),
    }
}

#[tokio::test]
async fn an_order_sent_again_is_the_same_order() {
    let db = database().await;
    let new = order(trade("groq").id, 1);
    let refused = orders::write_down(&db, &new, now()).await;
    assert_eq!(refused_by(refused), "trade_orders_trade_fkey");
    trades::propose(&db, &trade("groq"), now()).await.unwrap();

    let written = at("2026-01-07T14:00:00Z");
    let id = orders::write_down(&db, &new, written).await.unwrap();
    assert_eq!(id, OrderId::of_attempt(new.trade_id, 1));
    // The answer was lost, and the program starts again.
    assert_eq!(orders::write_down(&db, &new, now()).await.unwrap(), id);
    assert_eq!(count(&db, "trade_orders").await, 1);
    let larger = NewOrder {
        quantity: "76".parse().unwrap(),
        ..new
    };
    let told = invalid(orders::write_down(&db, &larger, now()).await);
    assert!(told.contains("it is attempt 2 that may differ"), "{told}");
    let refused = orders::write_down(&db, &order(new.trade_id, 0), now()).await;
    assert_eq!(refused_by(refused), "trade_orders_attempt_counted");

    let stored = json!({
        "id": id,
        "trade_id": new.trade_id,
        "attempt": 1,
        "side": "sell",
        "quantity": new.quantity,
        "limit_price": new.limit_price,
        "status": "sending",
        "broker_order_id": null,
        "message": null,
        "created_at": written,
        "updated_at": written,
    });
    assert_eq!(json!(orders::get(&db, id).await.unwrap()), stored);
    let second = orders::write_down(&db, &order(new.trade_id, 2), now())
        .await
        .unwrap();
    let of_trade = orders::of_trade(&db, new.trade_id).await.unwrap();
    let attempts: Vec<_> = of_trade.iter().map(|order| order.id).collect();
    assert_eq!(attempts, [id, second]);
}

#[tokio::test]
async fn an_answer_of_before_changes_nothing() {
    let db = database().await;
    trades::propose(&db, &trade("groq"), now()).await.unwrap();
    let id = orders::write_down(&db, &order(trade("groq").id, 1), now())
        .await
        .unwrap();
    let placed = answer(OrderStatus::Placed, Some("alpaca-1"), None);
    let filled = answer(OrderStatus::Filled, None, Some("75.5 at 601.30"));
    let nameless = answer(OrderStatus::Placed, None, None);
    let refused = orders::advance(&db, id, &nameless, now()).await;
    assert_eq!(refused_by(refused), "trade_orders_known_to_broker");
    assert!(orders::advance(&db, id, &placed, now()).await.unwrap());
    let time = at("2026-01-07T15:00:00Z");
    assert!(orders::advance(&db, id, &filled, time).await.unwrap());
    assert!(!orders::advance(&db, id, &placed, now()).await.unwrap());

    let found = orders::find_by_broker_id(&db, "alpaca-1").await.unwrap();
    let found = found.unwrap();
    assert_eq!(found, orders::get(&db, id).await.unwrap());
    assert_eq!(
        (found.status, found.message.as_deref(), found.updated_at),
        (OrderStatus::Filled, Some("75.5 at 601.30"), time)
    );
    let none = orders::find_by_broker_id(&db, "alpaca-2").await.unwrap();
    assert_eq!(none, None);

    let second = orders::write_down(&db, &order(trade("groq").id, 2), now())
        .await
        .unwrap();
    let refused = orders::advance(&db, second, &placed, now()).await;
    assert_eq!(refused_by(refused), "trade_orders_broker_key");
    let unknown = OrderId::of_attempt(trade("groq").id, 3);
    not_found(orders::advance(&db, unknown, &placed, now()).await);
}
