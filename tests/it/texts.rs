//! Text that PostgreSQL cannot hold is named by its field, and in a batch by its row, before anything is sent.

use std::fmt::Debug;

use llm_trading_db::{
    config::Config,
    db::Db,
    documents::LogData,
    error::Result,
    repo::{
        approvals::{self, NewApproval},
        fetch_log::{self, NewFetch},
        logs::{self, NewLogEntry},
        orders::{self, Answer},
        research::{self, Outcome, Report},
        runs,
    },
    types::{
        FetchType, JobId, Level, OrderId, OrderStatus, PitchId, Provider, ReportId, ReportStatus,
        TradeId, UserName, Verdict,
    },
};

use crate::fixtures::{invalid, model, now, research as document, symbol, week};

const NUL: &str = "a text\0with a NUL";

/// A database at which nothing answers: what is sent there fails otherwise.
fn nowhere() -> Db {
    let config = Config::from_url("postgres://nobody@127.0.0.1:1/none").unwrap();
    Db::connect_lazy(&config).unwrap()
}

fn refused<T: Debug>(outcome: Result<T>, field: &str) {
    let why = invalid(outcome);
    let expected = format!("{field}: must not contain U+0000, which PostgreSQL cannot hold");
    assert_eq!(why, expected);
}

#[tokio::test]
async fn a_nul_is_named_by_field_and_row() {
    let db = nowhere();
    let entry = |message: &str| NewLogEntry {
        level: Level::Info,
        message: message.to_owned(),
        data: None,
    };
    refused(logs::append(&db, &entry(NUL), now()).await, "message");
    let entries = ["one", "two", NUL, "four", NUL].map(entry);
    refused(
        logs::append_many(&db, &entries, now()).await,
        "entries[2].message",
    );

    let fetch = |outcome: std::result::Result<(), &str>| NewFetch {
        fetch_type: FetchType::Hourly,
        symbol: Some(symbol("SPY")),
        outcome: outcome.map_err(str::to_owned),
        at: now(),
    };
    let fetches = [Ok(()), Err("timeout"), Ok(()), Err(NUL)].map(fetch);
    refused(
        fetch_log::append_many(&db, &fetches).await,
        "fetches[3].outcome",
    );
    let one = fetch_log::append(&db, FetchType::Hourly, None, Err(NUL), now());
    refused(one.await, "outcome");

    let approval = NewApproval {
        verdict: Verdict::Approved,
        decided_by: UserName::new("Ada").unwrap(),
        note: Some(NUL.to_owned()),
        decided_at: now(),
    };
    let (pitch, report) = (PitchId::generate(now()), ReportId::generate(now()));
    refused(approvals::decide_pitch(&db, pitch, &approval).await, "note");
    refused(
        approvals::decide_report(&db, report, &approval).await,
        "note",
    );

    let order = OrderId::of_attempt(TradeId::from_key("1"), 1);
    let answer = |id: Option<&str>, message: Option<&str>| Answer {
        status: OrderStatus::Placed,
        broker_order_id: id.map(str::to_owned),
        message: message.map(str::to_owned),
    };
    let told = orders::advance(&db, order, &answer(Some(NUL), None), now()).await;
    refused(told, "broker_order_id");
    let told = orders::advance(&db, order, &answer(Some("b1"), Some(NUL)), now()).await;
    refused(told, "message");
    refused(orders::find_by_broker_id(&db, NUL).await, "broker_order_id");

    let job = JobId::generate(now());
    refused(runs::finish(&db, job, Err(NUL), now()).await, "outcome");
    refused(
        research::set_status(&db, report, Outcome::Error(NUL)).await,
        "error_message",
    );
    let saved = Report {
        id: report,
        week_id: week("2026-01-07"),
        provider: Provider::Perplexity,
        model: model("sonar"),
        natural_language: NUL.to_owned(),
        structured_json: document("risk on"),
        status: ReportStatus::Error,
        error_message: Some("late".to_owned()),
        generated_at: None,
        created_at: now(),
    };
    refused(research::save(&db, &saved).await, "natural_language");

    // Keys and documents refuse it when they are made.
    assert!(UserName::new(NUL).is_err());
    assert!(LogData::default().with("note", NUL).is_err());
}
