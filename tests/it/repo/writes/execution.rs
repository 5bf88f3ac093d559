//! The same for what is added and then advanced: runs, jobs, trades, orders and cash. A row that is added with another field differs
//! from the first one in that column; a step changes the columns of the step.

use llm_trading_db::{
    db::Db,
    error::Error,
    repo::{
        accounts,
        orders::{self, Answer, NewOrder},
        pitches::{self, NewPitch},
        runs::{self, NewJob, Run},
        trades::{self, NewTrade},
    },
    types::{
        AccountId, Direction, JobId, OrderSide, OrderStatus, RunId, Stage, TradeId, TradeStatus,
    },
};
use serde_json::Value;

use super::{changed, rows};
use crate::fixtures::{account, at, database, model, now, pitch, price, symbol, week};
use crate::repo::trades::trade;

const LATER: &str = "2026-02-01T00:00:00Z";

/// The row that a write adds; all others stay as they are.
async fn added<T>(db: &Db, table: &str, write: impl Future<Output = Result<T, Error>>) -> Value {
    let before = rows(db, table).await;
    write.await.unwrap();
    let after = rows(db, table).await;
    assert_eq!(after.len(), before.len() + 1);
    let mut new = after;
    new.retain(|row| !before.contains(row));
    assert_eq!(new.len(), 1, "{new:?}");
    new.remove(0)
}

/// The columns in which the second row differs from the first one, besides its id.
fn unlike(first: &Value, second: &Value) -> Vec<String> {
    assert_ne!(first["id"], second["id"]);
    let fields = first.as_object().unwrap().iter();
    fields
        .filter(|(key, value)| *key != "id" && second[key.as_str()] != **value)
        .map(|(key, _)| key.clone())
        .collect()
}

/// The columns that a step changes, of one row.
async fn step<T>(
    db: &Db,
    table: &str,
    write: impl Future<Output = Result<T, Error>>,
) -> Vec<String> {
    let before = rows(db, table).await;
    write.await.unwrap();
    Vec::from_iter(changed(&before, &rows(db, table).await))
}

fn run(week_id: &str, started_at: &str) -> Run {
    Run {
        id: RunId::generate(now()),
        week_id: week(week_id),
        started_at: at(started_at),
    }
}

#[tokio::test]
async fn runs_and_jobs() {
    let db = &database().await;
    let start = async |run: &Run| added(db, "pipeline_runs", runs::start(db, run)).await;
    let base = run("2026-01-07", "2026-01-07T14:00:00Z");
    let first = start(&base).await;
    let other_week = run("2026-01-14", "2026-01-07T14:00:00Z");
    assert_eq!(unlike(&first, &start(&other_week).await), ["week_id"]);
    let other_start = run("2026-01-07", "2026-01-07T15:00:00Z");
    assert_eq!(unlike(&first, &start(&other_start).await), ["started_at"]);

    let job = |run_id, stage, of: Option<&str>| NewJob {
        id: JobId::generate(now()),
        run_id,
        stage,
        model: of.map(model),
    };
    let queue = async |job: &NewJob, time: &str| {
        added(db, "pipeline_jobs", runs::queue(db, job, at(time))).await
    };
    let new = job(base.id, Stage::Pitches, Some("groq"));
    let first = queue(&new, "2026-01-07T14:01:00Z").await;
    for (column, other) in [
        ("run_id", job(other_week.id, Stage::Pitches, Some("groq"))),
        ("stage", job(base.id, Stage::Council, Some("groq"))),
        ("model", job(base.id, Stage::Pitches, None)),
    ] {
        let row = queue(&other, "2026-01-07T14:01:00Z").await;
        assert_eq!(unlike(&first, &row), [column]);
    }
    let later = job(base.id, Stage::Pitches, Some("groq"));
    assert_eq!(unlike(&first, &queue(&later, LATER).await), ["queued_at"]);

    let steps = async |id, outcome, columns: &[&str]| {
        let begun = step(db, "pipeline_jobs", runs::begin(db, id, at(LATER))).await;
        assert_eq!(begun, ["started_at", "status"]);
        let finish = runs::finish(db, id, outcome, now());
        assert_eq!(step(db, "pipeline_jobs", finish).await, columns);
    };
    steps(new.id, Ok(()), &["finished_at", "status"]).await;
    let failed = ["error_message", "finished_at", "status"];
    steps(later.id, Err("timed out"), &failed).await;
}

#[tokio::test]
async fn trades_and_orders() {
    let db = &database().await;
    let of_week = week("2026-01-14");
    let pitched = NewPitch {
        model: model("groq"),
        account: account("GROQ"),
        pitch_data: pitch(of_week, "groq", "SPY", "1"),
    };
    let pitched = pitches::save(db, of_week, None, &[pitched], now()).await;
    let propose = async |new: &NewTrade, time: &str| {
        added(db, "trades", trades::propose(db, new, at(time))).await
    };
    let time = "2026-01-07T14:00:00Z";
    let base = trade("base");
    let first = propose(&base, time).await;
    let cases: [(&[&str], NewTrade); 7] = [
        (&["week_id"], like!(trade("week"), { week_id: of_week })),
        (
            &["account"],
            like!(trade("account"), { account: account("COUNCIL") }),
        ),
        (
            &["pitch_id"],
            like!(trade("pitch"), { pitch_id: Some(pitched.unwrap()[0]) }),
        ),
        (
            &["symbol"],
            like!(trade("symbol"), { symbol: symbol("GLD") }),
        ),
        (
            &["quantity"],
            like!(trade("quantity"), { quantity: "76".parse().unwrap() }),
        ),
        (
            &["conviction"],
            like!(trade("conviction"), { conviction: "-2".parse().unwrap() }),
        ),
        // The sign of the one is the other.
        (
            &["conviction", "direction"],
            like!(trade("direction"), { direction: Direction::Long, conviction: "1.25".parse().unwrap() }),
        ),
    ];
    for (columns, new) in cases {
        assert_eq!(unlike(&first, &propose(&new, time).await), columns);
    }
    let row = propose(&trade("later"), LATER).await;
    assert_eq!(unlike(&first, &row), ["created_at", "updated_at"]);
    let (from, to) = (TradeStatus::Pending, TradeStatus::Executing);
    let advance = trades::advance(db, base.id, from, to, now());
    assert_eq!(step(db, "trades", advance).await, ["status", "updated_at"]);

    let order = |attempt| NewOrder {
        trade_id: base.id,
        attempt,
        side: OrderSide::Sell,
        quantity: "75.5".parse().unwrap(),
        limit_price: Some(price("601.25")),
    };
    let write_down = async |new: &NewOrder, time: &str| {
        added(db, "trade_orders", orders::write_down(db, new, at(time))).await
    };
    let first = write_down(&order(1), time).await;
    let cases: [(&[&str], NewOrder); 5] = [
        (&["attempt"], order(2)),
        (
            &["trade_id"],
            like!(order(1), { trade_id: TradeId::from_key("week") }),
        ),
        (
            &["attempt", "side"],
            like!(order(3), { side: OrderSide::Buy }),
        ),
        (
            &["attempt", "quantity"],
            like!(order(4), { quantity: "80".parse().unwrap() }),
        ),
        (
            &["attempt", "limit_price"],
            like!(order(5), { limit_price: None }),
        ),
    ];
    for (columns, new) in cases {
        assert_eq!(unlike(&first, &write_down(&new, time).await), columns);
    }
    let row = write_down(&order(6), LATER).await;
    assert_eq!(
        unlike(&first, &row),
        ["attempt", "created_at", "updated_at"]
    );

    let id = first["id"].as_str().unwrap().parse().unwrap();
    let answers = [
        (
            OrderStatus::Placed,
            Some("alpaca-1"),
            None,
            &["broker_order_id", "status", "updated_at"][..],
        ),
        (
            OrderStatus::Placed,
            Some("alpaca-2"),
            None,
            &["broker_order_id"],
        ),
        (OrderStatus::Placed, None, Some("half of it"), &["message"]),
        (
            OrderStatus::Cancelled,
            None,
            Some("half of it"),
            &["status"],
        ),
    ];
    for (status, broker_order_id, message, columns) in answers {
        let answer = Answer {
            status,
            broker_order_id: broker_order_id.map(str::to_owned),
            message: message.map(str::to_owned),
        };
        let advance = orders::advance(db, id, &answer, at(LATER));
        assert_eq!(step(db, "trade_orders", advance).await, columns);
    }
}

#[tokio::test]
async fn cash() {
    let db = &database().await;
    let ids = [(); 4].map(|()| AccountId::generate(now()));
    let open = async |id, cash: &str, time: &str| {
        let open = accounts::open(db, id, cash.parse().unwrap(), at(time));
        added(db, "accounts", open).await
    };
    let time = "2026-01-07T14:00:00Z";
    let first = open(ids[0], "10", time).await;
    assert_eq!(unlike(&first, &open(ids[1], "11", time).await), ["balance"]);
    let row = open(ids[2], "10", LATER).await;
    assert_eq!(unlike(&first, &row), ["created_at"]);
    open(ids[3], "12", time).await;

    let amount = "1".parse().unwrap();
    let deposit = step(db, "accounts", accounts::deposit(db, ids[0], amount));
    assert_eq!(deposit.await, ["balance"]);
    let withdraw = step(db, "accounts", accounts::withdraw(db, ids[1], amount));
    assert_eq!(withdraw.await, ["balance"]);
    let before = rows(db, "accounts").await;
    accounts::transfer(db, ids[2], ids[1], amount)
        .await
        .unwrap();
    let after = rows(db, "accounts").await;
    let written: Vec<(Value, &Value)> = before
        .into_iter()
        .zip(&after)
        .filter(|(old, new)| old != *new)
        .collect();
    assert_eq!(written.len(), 2, "{written:?}");
    for (mut old, new) in written {
        old["balance"] = new["balance"].clone();
        assert_eq!(old, *new);
    }
}
