use llm_trading_db::{
    repo::positions::{self, NewPosition, Position},
    types::Direction,
};

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

fn stored(of: &str, new: NewPosition, as_of: &str) -> Position {
    Position {
        account: account(of),
        symbol: new.symbol,
        direction: new.direction,
        quantity: new.quantity,
        avg_entry_price: new.avg_entry_price,
        current_price: new.current_price,
        as_of: at(as_of),
    }
}

#[tokio::test]
async fn what_the_broker_no_longer_names_is_gone() {
    let db = database().await;
    let (first, second) = ("2026-01-07T14:00:00Z", "2026-01-07T15:00:00Z");
    let (spy, qqq) = (long("SPY", "3", None), long("QQQ", "0.25", Some("101")));
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
    assert_eq!(positions::list(&db).await.unwrap(), all);

    let short = NewPosition {
        direction: Direction::Short,
        ..long("SPY", "7", Some("90"))
    };
    positions::save(&db, groq, &[short], at(second))
        .await
        .unwrap();
    let now_held = [stored("GROQ", short, second)];
    assert_eq!(positions::of_account(&db, groq).await.unwrap(), now_held);
    // An answer that was overtaken.
    positions::save(&db, groq, &[spy], at(first)).await.unwrap();
    positions::save(&db, groq, &[], at(first)).await.unwrap();
    assert_eq!(positions::of_account(&db, groq).await.unwrap(), now_held);

    positions::save(&db, groq, &[], at(second)).await.unwrap();
    assert_eq!(positions::list(&db).await.unwrap(), all[..1]);

    let told = invalid(positions::save(&db, groq, &[spy, short], now()).await);
    assert!(told.contains("more than one row for SPY"), "{told}");
    let flat = NewPosition {
        direction: Direction::Flat,
        ..spy
    };
    let refused = positions::save(&db, groq, &[flat], now()).await;
    assert_eq!(refused_by(refused), "account_positions_direction");
}

#[test]
fn a_short_position_gains_when_the_price_falls() {
    let of = |direction, current| {
        let new = NewPosition {
            direction,
            ..long("SPY", "7", current)
        };
        stored("GROQ", new, "2026-01-07T14:00:00Z").unrealized()
    };
    assert_eq!(of(Direction::Long, Some("90")), Some(dec("-73.5")));
    assert_eq!(of(Direction::Short, Some("90")), Some(dec("73.5")));
    assert_eq!(of(Direction::Short, None), None);
}
