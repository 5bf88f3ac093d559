use llm_trading_db::{
    repo::positions::{self, NewPosition},
    types::Direction,
};
use serde_json::{Value, json};

use crate::fixtures::{account, at, database, dec, invalid, now, price, refused_by, symbol};

fn long(ticker: &str, quantity: &str, current: Option<&str>) -> NewPosition {
    NewPosition {
        symbol: symbol(ticker),
        direction: Direction::Long,
        quantity: quantity.parse().unwrap(),
        avg_entry_price: price("100.5"),
        current_price: current.map(price),
    }
}

fn stored(of: &str, new: NewPosition, as_of: &str) -> Value {
    json!({
        "account": of,
        "symbol": new.symbol,
        "direction": new.direction,
        "quantity": new.quantity,
        "avg_entry_price": new.avg_entry_price,
        "current_price": new.current_price,
        "as_of": as_of,
    })
}

#[tokio::test]
async fn what_the_broker_no_longer_names_is_gone() {
    let db = database().await;
    let (first, second) = ("2026-01-07T14:00:00Z", "2026-01-07T15:00:00Z");
    let (spy, qqq) = (long("SPY", "3", None), long("QQQ", "0.25", Some("101.5")));
    let (groq, council) = (account("GROQ"), account("COUNCIL"));
    positions::save(&db, groq, &[spy, qqq], at(first))
        .await
        .unwrap();
    positions::save(&db, council, &[spy], at(first))
        .await
        .unwrap();
    let all = [
        stored("COUNCIL", spy, first),
        stored("GROQ", qqq, first),
        stored("GROQ", spy, first),
    ];
    assert_eq!(json!(positions::list(&db).await.unwrap()), json!(all));

    let short = NewPosition {
        direction: Direction::Short,
        ..long("SPY", "7", Some("90.5"))
    };
    positions::save(&db, groq, &[short], at(second))
        .await
        .unwrap();
    let now_held = json!([stored("GROQ", short, second)]);
    let held = positions::of_account(&db, groq).await.unwrap();
    assert_eq!(json!(held), now_held);
    // An answer that was overtaken.
    positions::save(&db, groq, &[spy], at(first)).await.unwrap();
    positions::save(&db, groq, &[], at(first)).await.unwrap();
    let held = positions::of_account(&db, groq).await.unwrap();
    assert_eq!(json!(held), now_held);

    positions::save(&db, groq, &[], at(second)).await.unwrap();
    let held = positions::list(&db).await.unwrap();
    assert_eq!(json!(held), json!(all[..1]));

    let told = invalid(positions::save(&db, groq, &[spy, short], now()).await);
    assert!(told.contains("more than one row for SPY"), "{told}");
    let flat = NewPosition {
        direction: Direction::Flat,
        ..spy
    };
    let refused = positions::save(&db, groq, &[flat], now()).await;
    assert_eq!(refused_by(refused), "account_positions_direction");
}

#[tokio::test]
async fn a_short_position_gains_when_the_price_falls() {
    let db = database().await;
    let groq = account("GROQ");
    let short = |ticker, current| NewPosition {
        direction: Direction::Short,
        ..long(ticker, "7", current)
    };
    let new = [
        long("SPY", "3", Some("90")),
        short("QQQ", Some("90")),
        short("TLT", None),
    ];
    positions::save(&db, groq, &new, now()).await.unwrap();
    let stored = positions::of_account(&db, groq).await.unwrap();
    let gains = stored
        .iter()
        .map(|position| (position.symbol.as_str(), position.unrealized()));
    let told = [
        ("QQQ", Some(dec("73.5"))),
        ("SPY", Some(dec("-31.5"))),
        ("TLT", None),
    ];
    assert_eq!(gains.collect::<Vec<_>>(), told);
}
