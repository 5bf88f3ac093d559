//! Instants to the nanosecond, of any year: what is written is what is read.

use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use llm_trading_db::{
    db::Db,
    repo::{
        accounts::{self, CashAccount},
        approvals::{self, NewApproval},
        events::{self, NewEvent},
        fetch_log::{self, NewFetch},
        logs::{self, NewLogEntry},
        pitches::{self, NewPitch},
        research::{self, Report},
        runs::{self, NewJob, Run},
        snapshots::{self, Snapshot},
        users::{self, User},
    },
    types::{
        AccountId, EventId, FetchType, JobId, Level, Provider, ReportId, ReportStatus, RunId,
        Stage, Timestamp, UserId, Verdict,
    },
};
use proptest::{prelude::*, test_runner::TestRunner};
use tokio::runtime::Runtime;

use crate::fixtures::{
    account, append_events, at, count, database, day, execute, model, other_event, pitch, research,
    symbol, week,
};

/// From the year 1 to the year 9999, to the nanosecond.
fn any_instant() -> impl Strategy<Value = DateTime<Utc>> {
    let seconds = -62_135_596_800_i64..=253_402_300_799;
    (seconds, 0..1_000_000_000_u32)
        .prop_map(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos).unwrap())
}

/// Of the years that an id can be made of.
fn any_later_instant() -> impl Strategy<Value = DateTime<Utc>> {
    (0..=4_102_444_799_i64, 0..1_000_000_000_u32)
        .prop_map(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos).unwrap())
}

#[test]
fn an_instant_is_read_as_it_was_written() {
    let runtime = Runtime::new().unwrap();
    let db = runtime.block_on(database());
    let mut runner = TestRunner::new(ProptestConfig::with_cases(40));
    let instants = (any_instant(), any_later_instant(), any_later_instant());
    let calls = AtomicU32::new(0);
    let run = runner.run(&instants, |(any, later, latest)| {
        let n = calls.fetch_add(1, Ordering::Relaxed);
        runtime.block_on(async {
            journals(&db, n, any.into()).await;
            people(&db, n, any.into(), later.into()).await;
            pipeline(&db, any.into(), later.into(), latest.into()).await;
        });
        Ok(())
    });
    run.unwrap();
}

/// What is written in batches.
async fn journals(db: &Db, n: u32, any: Timestamp) {
    let event = NewEvent {
        id: EventId::from_key(&n.to_string()),
        week_id: week("2026-01-07"),
        account: account("GROQ"),
        event_data: other_event("note"),
        occurred_at: any,
    };
    append_events(db, std::slice::from_ref(&event))
        .await
        .unwrap();
    let stored = events::get(db, event.id).await.unwrap();
    assert_eq!(stored.occurred_at, event.occurred_at);
    // It is the same event, also to the statement that compares.
    assert_eq!(append_events(db, &[event]).await.unwrap(), 0);

    let spy = symbol("SPY");
    let snapshot = Snapshot {
        symbol: spy,
        timestamp: any,
        date: day("2026-01-07"),
        hour: 9,
        price: None,
        volume: Some(n.into()),
    };
    snapshots::upsert_many(db, &[snapshot]).await.unwrap();
    let again = snapshots::upsert(db, &snapshot).await.unwrap();
    assert_eq!(again.unchanged, 1);
    let range = snapshots::range(db, spy, any, any);
    let stored: Vec<Snapshot> = range.try_collect().await.unwrap();
    assert_eq!(stored, [snapshot]);
}

async fn people(db: &Db, n: u32, any: Timestamp, later: Timestamp) {
    let user = User {
        id: UserId::generate(later),
        name: "Ada".parse().unwrap(),
        email: format!("ada{n}@example.org").parse().unwrap(),
        active: true,
        age: None,
        created_at: any,
    };
    users::add(db, &user).await.unwrap();
    assert_eq!(users::get(db, user.id).await.unwrap(), user);
    let cash = CashAccount {
        id: AccountId::generate(later),
        balance: "1".parse().unwrap(),
        created_at: any,
    };
    accounts::open_many(db, &[cash]).await.unwrap();
    let stored = accounts::get(db, cash.id).await.unwrap();
    assert_eq!(stored.created_at, cash.created_at);

    let entry = NewLogEntry {
        level: Level::Info,
        message: n.to_string(),
        data: None,
    };
    for table in ["logs", "fetch_log"] {
        execute(db, &format!("DELETE FROM {table} WHERE true"))
            .await
            .unwrap();
    }
    logs::append(db, &entry, later).await.unwrap();
    logs::append_many(db, &[entry], later).await.unwrap();
    let stored = logs::recent(db, None, 9).await.unwrap();
    let times: Vec<Timestamp> = stored.iter().map(|entry| entry.created_at).collect();
    assert_eq!(times, [later, later]);
    let fetch = NewFetch {
        fetch_type: FetchType::Daily,
        symbol: None,
        outcome: Ok(()),
        at: later,
    };
    fetch_log::append(db, FetchType::Daily, None, Ok(()), later)
        .await
        .unwrap();
    fetch_log::append_many(db, &[fetch]).await.unwrap();
    let stored = fetch_log::recent(db, None, 9).await.unwrap();
    let times: Vec<Timestamp> = stored.iter().map(|fetch| fetch.timestamp).collect();
    assert_eq!(times, [later, later]);
}

async fn pipeline(db: &Db, any: Timestamp, later: Timestamp, latest: Timestamp) {
    let wednesday = week("2026-01-07");
    let report = Report {
        id: ReportId::generate(later),
        week_id: wednesday,
        provider: Provider::Gemini,
        model: model("gemini-3"),
        natural_language: String::new(),
        structured_json: research("risk on"),
        status: ReportStatus::Complete,
        error_message: None,
        generated_at: Some(any),
        created_at: later,
    };
    research::save(db, &report).await.unwrap();
    assert_eq!(research::get(db, report.id).await.unwrap(), report);

    let new = NewPitch {
        model: model("grok"),
        account: account("GROK"),
        pitch_data: pitch(wednesday, "grok", "SPY", "1.5"),
    };
    let ids = pitches::save(db, wednesday, Some(any), &[new], later)
        .await
        .unwrap();
    let stored = pitches::get(db, ids[0]).await.unwrap();
    assert_eq!(
        (stored.research_date, stored.created_at),
        (Some(any), later)
    );
    let approval = NewApproval {
        verdict: Verdict::Rejected,
        decided_by: "Ada".parse().unwrap(),
        note: None,
        decided_at: any,
    };
    approvals::decide_pitch(db, ids[0], &approval)
        .await
        .unwrap();
    let stored = approvals::of_pitch(db, ids[0]).await.unwrap().unwrap();
    assert_eq!(stored.decided_at, any);

    let run = Run {
        id: RunId::generate(later),
        week_id: wednesday,
        started_at: later.min(latest),
    };
    runs::start(db, &run).await.unwrap();
    let job = NewJob {
        id: JobId::generate(later),
        run_id: run.id,
        stage: Stage::Research,
        model: None,
    };
    let (queued, ended) = (later.min(latest), later.max(latest));
    runs::queue(db, &job, queued).await.unwrap();
    assert!(runs::begin(db, job.id, queued).await.unwrap());
    assert!(runs::finish(db, job.id, Ok(()), ended).await.unwrap());
    let stored = runs::job(db, job.id).await.unwrap();
    assert_eq!(
        (stored.queued_at, stored.started_at, stored.finished_at),
        (queued, Some(queued), Some(ended))
    );
}

/// Two snapshots of one microsecond are one key, also before the epoch of PostgreSQL.
#[tokio::test]
async fn two_instants_of_one_microsecond_are_one() {
    let db = database().await;
    let snapshot = |time: &str, volume| Snapshot {
        symbol: symbol("SPY"),
        timestamp: at(time),
        date: day("1999-12-31"),
        hour: 9,
        price: None,
        volume: Some(volume),
    };
    let (first, second) = (
        "1999-12-31T14:00:00.000000001Z",
        "1999-12-31T14:00:00.000000999Z",
    );
    let twice = [snapshot(first, 1), snapshot(second, 2)];
    assert!(snapshots::upsert_many(&db, &twice).await.is_err());
    for (time, volume) in [(first, 1), (second, 2), ("1999-12-31T14:00:00.000001Z", 3)] {
        snapshots::upsert(&db, &snapshot(time, volume))
            .await
            .unwrap();
    }
    assert_eq!(count(&db, "hourly_snapshots").await, 2);
}
