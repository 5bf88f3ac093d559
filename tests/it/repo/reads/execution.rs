//! Runs, trades, orders, positions, events.

use std::collections::BTreeMap;

use llm_trading_db::{
    repo::{
        events::{self, Cursor, Filter},
        orders, positions, runs, trades,
    },
    types::{Account, EventId, EventType, WeekId},
};
use serde_json::{Value, json};

use super::{Random, Row, Table, as_type, without_indexes};
use crate::fixtures::{account, database, week};

const WEEKS: [&str; 4] = ["2026-01-07", "2026-01-14", "2026-01-21", "2026-01-28"];
const ACCOUNTS: [&str; 4] = ["GROQ", "CHATGPT", "GEMINI", "CLAUDE"];

#[tokio::test]
async fn runs_and_jobs_are_read_as_they_are() {
    let db = database().await;
    let begun = Table::fill(&db, "pipeline_runs", &["id"], |random| {
        json!({ "id": random.id(), "week_id": random.week(), "started_at": random.instant(2024) })
    })
    .await;
    let queued = Table::fill(&db, "pipeline_jobs", &["id"], |random| {
        let status = random.one_of(&["queued", "running", "complete", "error"]);
        let (began, ended) = (status != "queued", matches!(status, "complete" | "error"));
        json!({
            "id": random.id(),
            "run_id": begun.rows[usize::try_from(random.below(3)).unwrap()]["id"],
            "stage": random.one_of(&["research", "pitches", "council", "execution"]),
            "model": random.maybe("groq"),
            "status": status,
            "error_message": (status == "error").then_some("timed out"),
            "queued_at": random.instant(2024),
            "started_at": began.then(|| random.instant(2025)),
            "finished_at": ended.then(|| random.instant(2026)),
        })
    })
    .await;
    without_indexes(&db, async |tx| {
        for id in WEEKS {
            let of_week = begun.rows(|row| row["week_id"] == id, &["started_at desc", "id desc"]);
            let found = runs::latest(&mut *tx, week(id)).await.unwrap();
            begun.assert_read(&Vec::from_iter(found), &of_week[..of_week.len().min(1)]);
        }
        for row in &queued.rows {
            let got = runs::job(&mut *tx, as_type(&row["id"])).await.unwrap();
            queued.assert_read(&[got], std::slice::from_ref(row));
        }
        for run in &begun.rows[..4] {
            let found = runs::jobs(&mut *tx, as_type(&run["id"])).await.unwrap();
            let expected = queued.rows(|row| row["run_id"] == run["id"], &["queued_at", "id"]);
            queued.assert_read(&found, &expected);
        }
    })
    .await;
}

fn a_trade(random: &mut Random) -> Value {
    let conviction = random.one_of(&[1.25, -0.5, 2.0]);
    json!({
        "id": random.id(),
        "week_id": random.week(),
        "account": random.account(),
        "pitch_id": Value::Null,
        "symbol": random.one_of(&["SPY", "GLD"]),
        "direction": if conviction > 0.0 { "LONG" } else { "SHORT" },
        "quantity": random.number(10),
        "conviction": conviction,
        "status": random.one_of(&["pending", "executing", "executed", "cancelled", "failed"]),
        "created_at": random.instant(2024),
        "updated_at": random.instant(2025),
    })
}

#[tokio::test]
async fn trades_and_orders_are_read_as_they_are() {
    let db = database().await;
    let traded = Table::fill(&db, "trades", &["id"], a_trade).await;
    let ordered = Table::fill(&db, "trade_orders", &["trade_id", "attempt"], |random| {
        let status = random.one_of(&["sending", "placed", "filled", "rejected"]);
        let id = random.id();
        json!({
            "trade_id": traded.rows[usize::try_from(random.below(4)).unwrap()]["id"],
            "attempt": random.below(12) + 1,
            "side": random.one_of(&["buy", "sell"]),
            "quantity": random.number(10),
            "limit_price": random.maybe(600.25),
            "status": status,
            "broker_order_id": (status != "sending").then(|| format!("broker {id}")),
            "message": random.maybe("in time"),
            "created_at": random.instant(2024),
            "updated_at": random.instant(2025),
            "id": id,
        })
    })
    .await;
    without_indexes(&db, async |tx| {
        for row in &traded.rows {
            let got = trades::get(&mut *tx, as_type(&row["id"])).await.unwrap();
            traded.assert_read(&[got], std::slice::from_ref(row));
            let found = orders::of_trade(&mut *tx, as_type(&row["id"]))
                .await
                .unwrap();
            let expected = ordered.rows(|order| order["trade_id"] == row["id"], &["attempt"]);
            ordered.assert_read(&found, &expected);
        }
        for id in WEEKS {
            let found = trades::of_week(&mut *tx, week(id)).await.unwrap();
            traded.assert_read(
                &found,
                &traded.rows(|row| row["week_id"] == id, &["account", "id"]),
            );
        }
        let is_open = |row: &Row| matches!(row["status"].as_str(), Some("pending" | "executing"));
        let found = trades::list_open(&mut *tx).await.unwrap();
        traded.assert_read(&found, &traded.rows(is_open, &["created_at", "id"]));
        for row in &ordered.rows {
            let one = std::slice::from_ref(row);
            let got = orders::get(&mut *tx, as_type(&row["id"])).await.unwrap();
            ordered.assert_read(&[got], one);
            if let Some(id) = row["broker_order_id"].as_str() {
                let found = orders::find_by_broker_id(&mut *tx, id).await.unwrap();
                ordered.assert_read(&Vec::from_iter(found), one);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn positions_are_read_as_they_are() {
    let db = database().await;
    let table = Table::fill(&db, "account_positions", &["account", "symbol"], |random| {
        json!({
            "account": random.account(),
            "symbol": format!("S{}", random.below(20)),
            "direction": random.one_of(&["LONG", "SHORT"]),
            "quantity": random.number(10),
            "avg_entry_price": random.number(100),
            "current_price": random_price(random),
            "as_of": random.instant(2024),
        })
    })
    .await;
    without_indexes(&db, async |tx| {
        let all = table.rows(|_| true, &["account", "symbol"]);
        table.assert_read(&positions::list(&mut *tx).await.unwrap(), &all);
        for name in ACCOUNTS {
            let found = positions::of_account(&mut *tx, account(name))
                .await
                .unwrap();
            table.assert_read(
                &found,
                &table.rows(|row| row["account"] == name, &["symbol"]),
            );
        }
    })
    .await;
}

fn random_price(random: &mut Random) -> Value {
    let price = random.number(200);
    random.maybe(price)
}

#[tokio::test]
async fn events_are_read_as_they_are() {
    let db = database().await;
    let table = Table::fill_with(&db, "execution_events", &["id"], 200, |random| {
        json!({
            "id": random.id(),
            "week_id": random.week(),
            "account": random.account(),
            "event_data": { "event_type": random.one_of(&["note", "alert", "EXIT"]), "price": 1.5, "n": random.below(99) },
            "occurred_at": random.instant(2024),
            "created_at": random.instant(2025),
        })
    })
    .await;
    let newest = ["occurred_at desc", "id desc"];
    let asked = |all: &[&'static str]| -> Vec<Option<&'static str>> {
        std::iter::once(None)
            .chain(all.iter().copied().map(Some))
            .collect()
    };
    without_indexes(&db, async |tx| {
        for row in &table.rows {
            let got = events::get(&mut *tx, as_type(&row["id"])).await.unwrap();
            table.assert_read(&[got], std::slice::from_ref(row));
        }
        let mut known: Vec<Account> = table
            .rows
            .iter()
            .map(|row| as_type(&row["account"]))
            .collect();
        known.sort_unstable();
        known.dedup();
        assert_eq!(events::accounts(&mut *tx).await.unwrap(), known);
        for name in ACCOUNTS {
            let of_account = table.rows(|row| row["account"] == name, &newest);
            let found = events::latest_of_account(&mut *tx, account(name))
                .await
                .unwrap();
            table.assert_read(
                &Vec::from_iter(found),
                &of_account[..of_account.len().min(1)],
            );
        }
        for name in asked(&ACCOUNTS[1..3]) {
            for id in asked(&WEEKS[..2]) {
                let of = |row: &Row| {
                    name.is_none_or(|name| row["account"] == name)
                        && id.is_none_or(|id| row["week_id"] == id)
                };
                let mut counts: BTreeMap<EventType, i64> = BTreeMap::new();
                for row in table.rows(of, &[]) {
                    *counts
                        .entry(as_type(&row["event_data"]["event_type"]))
                        .or_default() += 1;
                }
                let (of_account, of_week): (Option<Account>, Option<WeekId>) =
                    (name.map(account), id.map(week));
                assert_eq!(
                    events::counts_by_type(&mut *tx, of_week, of_account)
                        .await
                        .unwrap(),
                    counts
                );
                for kind in asked(&["note", "EXIT"]) {
                    let filter = Filter {
                        account: of_account,
                        week: of_week,
                        event_type: kind.map(|kind| kind.parse().unwrap()),
                    };
                    let passes = |row: &Row| {
                        of(row) && kind.is_none_or(|kind| row["event_data"]["event_type"] == kind)
                    };
                    let expected = table.rows(passes, &newest);
                    let found = events::history(&mut *tx, &filter, None, 3).await.unwrap();
                    table.assert_read(&found, &expected[..expected.len().min(3)]);
                    // Behind each of the rows.
                    for (n, row) in expected.iter().enumerate().take(4) {
                        let after = Cursor {
                            occurred_at: as_type(&row["occurred_at"]),
                            id: as_type(&row["id"]),
                        };
                        let found = events::history(&mut *tx, &filter, Some(after), 2)
                            .await
                            .unwrap();
                        table.assert_read(&found, &expected[n + 1..expected.len().min(n + 3)]);
                    }
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn corrected_weeks_are_those_of_what_was_corrected() {
    let db = database().await;
    let old = Table::fill(&db, "execution_events", &["id"], |random| {
        json!({
            "id": random.id(),
            "week_id": random.week(),
            "account": format!("A{}", random.below(4)),
            "event_data": { "event_type": "EXIT", "price": 1.5 },
            "occurred_at": random.instant(2024),
        })
    })
    .await;
    let mut corrected = old.rows.iter().step_by(2);
    let new = Table::fill(&db, "execution_events", &["id"], |random| {
        let occurred_at = random.instant(2025);
        let event = match corrected.next() {
            Some(row) => {
                json!({ "event_type": "VOID", "event_id": row["id"], "reason": "never happened" })
            }
            None => json!({ "event_type": "note" }),
        };
        json!({
            "id": random.id(),
            "week_id": "2026-01-28",
            "account": "LATE",
            "event_data": event,
            "occurred_at": occurred_at,
        })
    })
    .await;
    assert_eq!(new.rows.len(), old.rows.len());
    let mut expected: Vec<(Account, WeekId)> = old
        .rows
        .iter()
        .step_by(2)
        .map(|row| (as_type(&row["account"]), as_type(&row["week_id"])))
        .collect();
    expected.sort_unstable();
    expected.dedup();
    let corrected: Vec<&Value> = old.rows.iter().step_by(2).map(|row| &row["id"]).collect();
    let counts = |row: &Row| !corrected.contains(&&row["id"]);
    let order = ["account", "week_id", "occurred_at", "id"];
    let ids = |rows: &[Row]| {
        rows.iter()
            .map(|row| as_type(&row["id"]))
            .collect::<Vec<EventId>>()
    };
    without_indexes(&db, async |tx| {
        let found = events::trades(&mut *tx).await.unwrap();
        let found: Vec<EventId> = found.iter().map(|trade| trade.id).collect();
        assert_eq!(found, ids(&old.rows(counts, &order)));
        let asked = [
            ("A1", WEEKS[0]),
            ("A3", WEEKS[1]),
            ("A1", WEEKS[0]),
            ("A9", WEEKS[2]),
        ];
        let of = |row: &Row| {
            let key = (
                row["account"].as_str().unwrap(),
                row["week_id"].as_str().unwrap(),
            );
            counts(row) && asked.contains(&key)
        };
        let keys = asked.map(|(name, id)| (account(name), week(id)));
        let found = events::trades_of(&mut *tx, &keys).await.unwrap();
        let found: Vec<EventId> = found.iter().map(|trade| trade.id).collect();
        assert!(!found.is_empty());
        assert_eq!(found, ids(&old.rows(of, &order)));
        assert_eq!(events::corrected_weeks(&mut *tx).await.unwrap(), expected);
        for row in old.rows.iter().step_by(2) {
            let id: EventId = as_type(&row["id"]);
            let found = events::find_correction(&mut *tx, id).await.unwrap();
            let expected = new.rows(|row| row["event_data"]["event_id"] == id.to_string(), &[]);
            new.assert_read(&Vec::from_iter(found), &expected);
        }
    })
    .await;
}
