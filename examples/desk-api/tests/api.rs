//! The service over real sockets, on a private server.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::disallowed_methods,
    reason = "the tests hold a lock beside the service"
)]

mod client;

use std::time::Duration;

use checked_pg::sqlx::{self, Connection, PgConnection};
use checked_pg_server::EmbeddedServer;
use chrono::{TimeZone, Utc};
use client::{Service, get, post};
use llm_trading_db::{
    Config, Db, SCHEMA,
    documents::{EventDocument, Exit},
    repo::{accounts, events},
    types::{AccountId, EventId, Timestamp},
};

fn at(second: u32) -> Timestamp {
    let at = Utc.with_ymd_and_hms(2026, 1, 7, 14, 30, second);
    at.unwrap().into()
}

async fn desk(server: &EmbeddedServer) -> Db {
    let config = Config::from_options(server.options()).max_pool_size(8);
    let db = Db::connect(&config).await.unwrap();
    db.migrate(&SCHEMA).await.unwrap();
    db
}

#[tokio::test]
async fn every_route_answers_and_refuses_bad_input() {
    let server = EmbeddedServer::temporary().unwrap();
    let service = Service::start(desk(&server).await).await;
    for (path, expected) in [
        ("/health", 200),
        ("/openapi.json", 200),
        ("/metrics", 200),
        ("/market/snapshot?symbols=SPY,TLT&as_of=2026-01-07", 200),
        ("/market/snapshot?symbols=spy&as_of=2026-01-07", 422),
        ("/market/snapshot?symbols=SPY&as_of=soon", 400),
        ("/market/metrics", 200),
        ("/research/2026-01-07", 200),
        ("/research/2026-01-08", 400),
        ("/pitches/2026-01-07", 200),
        ("/pitches/week", 400),
        ("/council/2026-01-07", 200),
        ("/council/infinity", 400),
        ("/leaderboard?weeks=4", 200),
        ("/leaderboard?weeks=0", 400),
        ("/leaderboard?weeks=many", 400),
        ("/events?limit=2", 200),
        ("/events?account=nobody", 400),
        ("/events?after=nonsense", 400),
        ("/nowhere", 404),
    ] {
        let answer = get(service.address, path).await;
        assert_eq!(answer.status, expected, "{path}: {}", answer.body);
    }
    let openapi = get(service.address, "/openapi.json").await.json();
    assert_eq!(openapi["paths"].as_object().unwrap().len(), 9);
    let metrics = get(service.address, "/metrics").await.body;
    assert!(
        metrics.contains("route=\"/pitches/{week}\",status=\"400\"} 1"),
        "{metrics}"
    );
    assert!(
        metrics.contains("pool_connections{state=\"max\"} 8"),
        "{metrics}"
    );
    service.stop().await;
}

#[tokio::test]
async fn a_transfer_moves_money_or_says_why_not() {
    let server = EmbeddedServer::temporary().unwrap();
    let db = desk(&server).await;
    let (from, to) = (AccountId::generate(at(1)), AccountId::generate(at(2)));
    accounts::open(&db, from, "100.50".parse().unwrap(), at(3))
        .await
        .unwrap();
    accounts::open(&db, to, "7".parse().unwrap(), at(4))
        .await
        .unwrap();
    let service = Service::start(db).await;
    let order = |to: AccountId, amount: &str| {
        format!(r#"{{"from":"{from}","to":"{to}","amount":{amount}}}"#)
    };
    let moved = post(service.address, "/transfers", &order(to, "30.25")).await;
    assert_eq!(
        (moved.status, moved.body.as_str()),
        (200, r#"{"from":70.25,"to":37.25}"#)
    );
    for (to, amount, expected) in [
        (to, "1000", 409),
        (from, "1", 422),
        (AccountId::generate(at(5)), "1", 404),
        (to, "-1", 422),
        (to, "\"1\"", 422),
        (to, "0.001", 422),
    ] {
        let refused = post(service.address, "/transfers", &order(to, amount)).await;
        assert_eq!(refused.status, expected, "{amount}: {}", refused.body);
    }
    service.stop().await;
}

#[tokio::test]
async fn pages_of_events_follow_each_other() {
    let server = EmbeddedServer::temporary().unwrap();
    let db = desk(&server).await;
    let new = |n: u32| events::NewEvent {
        id: EventId::from_key(&format!("exit {n}")),
        week_id: "2026-01-07".parse().unwrap(),
        account: "CHATGPT".parse().unwrap(),
        event_data: EventDocument::new(Exit::new((100 + n).into()).into()).unwrap(),
        occurred_at: at(n),
    };
    let all = [3, 1, 5, 2, 4].map(new);
    db.transaction(async |tx| events::append_many(tx, &all).await)
        .await
        .unwrap();
    let service = Service::start(db).await;
    let mut seen = Vec::new();
    let mut path = "/events?limit=2".to_owned();
    loop {
        let page = get(service.address, &path).await.json();
        let prices = page["events"].as_array().unwrap();
        seen.extend(
            prices
                .iter()
                .map(|event| event["event_data"]["price"].to_string()),
        );
        match page["next"].as_str() {
            Some(token) => path = format!("/events?limit=2&after={token}"),
            None => break,
        }
    }
    assert_eq!(seen, ["105", "104", "103", "102", "101"]);
    service.stop().await;
}

#[tokio::test]
async fn two_hundred_clients_at_once_are_all_answered() {
    let server = EmbeddedServer::temporary().unwrap();
    let service = Service::start(desk(&server).await).await;
    let address = service.address;
    let clients = (0..200)
        .map(|_| tokio::spawn(async move { get(address, "/pitches/2026-01-07").await.status }));
    for client in clients.collect::<Vec<_>>() {
        assert_eq!(client.await.unwrap(), 200);
    }
    service.stop().await;
}

/// A client that hangs up, and one whose deadline passes, leave no statement behind on the server.
#[tokio::test]
async fn a_client_that_hangs_up_cancels_its_statement() {
    let server = EmbeddedServer::temporary().unwrap();
    let db = desk(&server).await;
    let mut blocker = Blocker::lock(&server).await;
    let service = Service::start_with(db.clone(), Duration::from_secs(2)).await;
    let hung_up = client::send(service.address, "GET", "/pitches/2026-01-07", "").await;
    blocker.until_waiting(1).await;
    drop(hung_up);
    blocker.until_waiting(0).await;
    let late = get(service.address, "/pitches/2026-01-07").await;
    assert_eq!(late.status, 504, "{}", late.body);
    blocker.until_waiting(0).await;
    blocker.release().await;
    assert_eq!(
        get(service.address, "/pitches/2026-01-07").await.status,
        200
    );
    service.stop().await;
}

#[tokio::test]
async fn a_database_that_goes_and_comes_back_is_503_then_200() {
    let server = EmbeddedServer::temporary().unwrap();
    let db = desk(&server).await;
    let relay = client::Relay::start(&server).await;
    let config = Config::from_options(relay.options(&server))
        .connect_timeout(Duration::from_millis(300))
        .acquire_timeout(Duration::from_millis(500));
    let service = Service::start(Db::connect_lazy(&config).unwrap()).await;
    assert_eq!(
        get(service.address, "/pitches/2026-01-07").await.status,
        200
    );
    relay.cut();
    let gone = get(service.address, "/pitches/2026-01-07").await;
    assert_eq!(gone.status, 503, "{}", gone.body);
    assert_eq!(get(service.address, "/health").await.status, 503);
    relay.mend();
    assert_eq!(
        get(service.address, "/pitches/2026-01-07").await.status,
        200
    );
    service.stop().await;
    db.close(Duration::from_secs(1)).await;
}

/// Holds a table, so that whoever reads it waits.
struct Blocker {
    holder: PgConnection,
    watcher: PgConnection,
}

impl Blocker {
    async fn lock(server: &EmbeddedServer) -> Self {
        let mut holder = PgConnection::connect_with(&server.options()).await.unwrap();
        let watcher = PgConnection::connect_with(&server.options()).await.unwrap();
        let lock = "BEGIN; LOCK TABLE pm_pitches IN ACCESS EXCLUSIVE MODE";
        sqlx::raw_sql(lock).execute(&mut holder).await.unwrap();
        Self { holder, watcher }
    }

    /// Returns once so many sessions wait for the lock. The server has no event for it, so it is asked.
    async fn until_waiting(&mut self, count: i64) {
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
        let asked = async {
            while sqlx::query_scalar::<_, i64>(waiting)
                .fetch_one(&mut self.watcher)
                .await
                .unwrap()
                != count
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), asked)
            .await
            .expect("the number of waiting sessions never came");
    }

    async fn release(self) {
        self.holder.close().await.unwrap();
        self.watcher.close().await.unwrap();
    }
}
