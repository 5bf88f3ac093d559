//! Users, cash accounts, logs, fetches.

use llm_trading_db::{
    repo::{accounts, fetch_log, logs, users},
    types::{AccountId, Level},
};
use serde_json::{Value, json};

use super::{Random, Table, as_type, without_indexes};
use crate::fixtures::{database, symbol};

#[tokio::test]
async fn users_are_read_as_they_are() {
    let db = database().await;
    let table = Table::fill(&db, "users", &["email"], |random| {
        json!({
            "id": random.id(),
            "name": random.one_of(&["ann", "bob", "cid"]),
            "email": format!("{}@example.org", random.below(1000)),
            "active": random.below(2) == 0,
            "age": some_age(random),
            "created_at": random.instant(2024),
        })
    })
    .await;
    without_indexes(&db, async |tx| {
        let active = table.rows(|row| row["active"] == true, &["name", "id"]);
        table.assert_read(&users::active(&mut *tx).await.unwrap(), &active);
        for row in &table.rows {
            let one = std::slice::from_ref(row);
            let got = users::get(&mut *tx, as_type(&row["id"])).await.unwrap();
            table.assert_read(&[got], one);
            let email = row["email"].as_str().unwrap().to_uppercase();
            let found = users::find_by_email(&mut *tx, &email.parse().unwrap()).await;
            table.assert_read(&[found.unwrap().unwrap()], one);
        }
    })
    .await;
}

fn some_age(random: &mut Random) -> Value {
    let age = random.below(50) + 20;
    random.maybe(age)
}

#[tokio::test]
async fn cash_accounts_are_read_as_they_are() {
    let db = database().await;
    let table = Table::fill(&db, "accounts", &["id"], |random| {
        json!({ "id": random.id(), "balance": random.number(100), "created_at": random.instant(2024) })
    })
    .await;
    let some: Vec<Value> = table
        .rows
        .iter()
        .step_by(3)
        .map(|row| row["id"].clone())
        .collect();
    without_indexes(&db, async |tx| {
        let all = table.rows(|_| true, &["id"]);
        table.assert_read(&accounts::list(&mut *tx).await.unwrap(), &all);
        let ids: Vec<AccountId> = some.iter().map(as_type).collect();
        let asked = table.rows(|row| some.contains(&row["id"]), &["id"]);
        table.assert_read(&accounts::lock(tx, &ids).await.unwrap(), &asked);
        for row in &table.rows {
            let got = accounts::get(&mut *tx, as_type(&row["id"])).await.unwrap();
            table.assert_read(&[got], std::slice::from_ref(row));
        }
    })
    .await;
}

#[tokio::test]
async fn the_log_is_read_from_its_end() {
    let db = database().await;
    let levels = ["INFO", "WARNING", "ERROR"];
    let table = Table::fill(&db, "logs", &["id"], |random| {
        json!({
            "id": random.id(),
            "level": random.one_of(&levels),
            "message": random.one_of(&["begun", "ended"]),
            "data": random.maybe(json!({ "n": 7 })),
            "created_at": random.instant(2024),
        })
    })
    .await;
    without_indexes(&db, async |tx| {
        for level in [None, Some(levels[0]), Some(levels[2])] {
            let newest = ["created_at desc", "id desc"];
            let expected = table.rows(
                |row| level.is_none_or(|level| row["level"] == level),
                &newest,
            );
            let level: Option<Level> = level.map(|level| as_type(&level.into()));
            for limit in [0, 1, 7, 100] {
                let found = logs::recent(&mut *tx, level, limit).await.unwrap();
                table.assert_read(&found, &expected[..expected.len().min(limit as usize)]);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn fetches_are_read_from_the_newest() {
    let db = database().await;
    let table = Table::fill(&db, "fetch_log", &["id"], |random| {
        let failed = random.below(2) == 0;
        json!({
            "id": random.id(),
            "fetch_type": random.one_of(&["daily", "hourly"]),
            "symbol": some_symbol(random),
            "status": if failed { "error" } else { "success" },
            "error_message": failed.then_some("timed out"),
            "timestamp": random.instant(2024),
        })
    })
    .await;
    without_indexes(&db, async |tx| {
        for asked in [None, Some("SPY"), Some("GLD")] {
            let newest = ["timestamp desc", "id desc"];
            let expected = table.rows(
                |row| asked.is_none_or(|asked| row["symbol"] == asked),
                &newest,
            );
            for limit in [0, 1, 5, 100] {
                let found = fetch_log::recent(&mut *tx, asked.map(symbol), limit)
                    .await
                    .unwrap();
                table.assert_read(&found, &expected[..expected.len().min(limit as usize)]);
            }
        }
    })
    .await;
}

fn some_symbol(random: &mut Random) -> Value {
    let symbol = random.one_of(&["SPY", "GLD", "TLT"]);
    random.maybe(symbol)
}
