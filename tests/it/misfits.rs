//! Rows that their types cannot read: each is named, listed, and hides no other.
#![allow(
    clippy::disallowed_methods,
    reason = "tests look behind the repositories, at rows no function writes"
)]

use chrono::NaiveDate;
use futures_util::TryStreamExt;
use llm_trading_db::{
    db::Db,
    error::Error,
    repo::{
        bars, events, performance, pitches,
        rows::{self, Misfit, Replay, readable},
    },
    types::Timestamp,
};

use crate::{
    cli::Desk,
    fixtures::{database, execute, pitch, symbol, week},
};

/// Stores rows that the rules of today refuse.
async fn lenient(db: &Db, statements: &[&str]) {
    for statement in statements {
        execute(db, statement).await.unwrap();
    }
}

const BARS: &[&str] = &[
    "ALTER TABLE daily_bars DISABLE TRIGGER USER",
    "ALTER TABLE daily_bars DROP CONSTRAINT daily_bars_date_range",
    "INSERT INTO daily_bars (symbol, date, close) VALUES
         ('SPY', '2026-01-05', 5), ('SPY', 'infinity', 6), ('SPY', '2026-01-07', 7), ('QQQ', '-infinity', 8)",
];

const PERFORMANCE: &[&str] = &[
    "ALTER TABLE account_performance DROP CONSTRAINT account_performance_calculated_at_range",
    "INSERT INTO account_performance (id, account, total_return, calculated_at) VALUES
         ('01890a5d-0000-7000-8000-000000000001', 'GROK', 0.03, '2026-01-07 00:00+00'),
         ('01890a5d-0000-7000-8000-000000000002', 'GEMINI', 0.02, 'infinity'),
         ('01890a5d-0000-7000-8000-000000000003', 'CLAUDE', 0.01, '2026-01-08 00:00+00')",
];

/// The one in the middle has an id that its type reads, and a document that its type does not.
const EVENTS: &[&str] = &[
    "ALTER DOMAIN event_document DROP CONSTRAINT event_document_form",
    r#"INSERT INTO execution_events (id, week_id, account, event_data, occurred_at) VALUES
         ('01890a5d-0000-7000-8000-00000000000a', '2026-01-07', 'GROK', '{"event_type": "note", "n": 1}', '2026-01-07 01:00+00'),
         ('01890a5d-0000-7000-8000-00000000000b', '2026-01-07', 'GROK', '{"event_type": "EXIT", "price": "hunter2"}', '2026-01-07 02:00+00'),
         ('01890a5d-0000-7000-8000-00000000000c', '2026-01-07', 'GROK', '{"event_type": "note", "n": 3}', '2026-01-07 03:00+00')"#,
];

fn misfit<T: std::fmt::Debug>(read: Result<T, Error>) -> Misfit {
    match read.unwrap_err() {
        Error::Decode(misfit) => *misfit,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_error_names_table_row_column_and_field_and_no_value() {
    let db = database().await;
    lenient(&db, EVENTS).await;
    let id = "01890a5d-0000-7000-8000-00000000000b";
    let all = misfit(events::history(&db, &events::Filter::default(), None, 9).await);
    let one = misfit(events::get(&db, id.parse().unwrap()).await);
    let inside = db
        .transaction(async |tx| events::get(tx, id.parse().unwrap()).await)
        .await;
    assert_eq!((&all, &one), (&misfit(inside), &all));
    let field = all.field.as_deref().unwrap();
    assert_eq!(
        (all.table.as_deref(), all.key.clone(), &*all.column, field),
        (
            Some("execution_events"),
            Some(format!("id={id}")),
            "event_data",
            "event_document.price"
        )
    );
    assert!(!format!("{all:?}").contains("hunter2"), "{all:?}");
}

#[tokio::test]
async fn a_time_beyond_the_calendar_is_an_error_and_no_panic() {
    let db = database().await;
    lenient(&db, BARS).await;
    lenient(&db, PERFORMANCE).await;
    let spy = symbol("SPY");
    let all: Result<Vec<_>, _> = bars::range(&db, spy, NaiveDate::MIN, NaiveDate::MAX)
        .try_collect()
        .await;
    assert_eq!(all.unwrap().len(), 2, "a range has an end");
    let raw = sqlx::query_as::<_, (String, NaiveDate)>(
        "SELECT symbol, date FROM daily_bars ORDER BY date DESC",
    );
    let raw = misfit(raw.fetch_all(&db).await.map_err(Error::from));
    assert_eq!(raw.table.as_deref(), Some("daily_bars"));
    assert_eq!(raw.key.as_deref(), Some("symbol=SPY date=infinity"));
    let board = misfit(performance::leaderboard(&db, None).await);
    assert_eq!(board.column, "calculated_at");
    assert_eq!(board.key.as_deref(), Some("rank=2 account=GEMINI"));
    // The connection is as good as before.
    assert_eq!(bars::symbols(&db).await.unwrap().len(), 2);
}

#[tokio::test]
async fn one_bad_row_hides_no_other_of_a_list() {
    let db = database().await;
    lenient(&db, PERFORMANCE).await;
    lenient(&db, EVENTS).await;
    let list = |replay: Replay| performance::leaderboard(replay, None);
    let board = readable(&db, list).await.unwrap();
    let accounts: Vec<&str> = board
        .rows
        .iter()
        .map(|place| place.account.as_str())
        .collect();
    assert_eq!(accounts, ["GROK", "CLAUDE"]);
    assert_eq!(
        board.misfits[0].key.as_deref(),
        Some("rank=2 account=GEMINI")
    );

    let filter = events::Filter::default();
    let list = |replay: Replay| events::history(replay, &filter, None, 9);
    let journal = readable(&db, list).await.unwrap();
    let times: Vec<Timestamp> = journal.rows.iter().map(|event| event.occurred_at).collect();
    let hours = ["2026-01-07T03:00:00Z", "2026-01-07T01:00:00Z"];
    assert_eq!(times, hours.map(|hour| hour.parse::<Timestamp>().unwrap()));
    assert_eq!(journal.misfits.len(), 1);

    // A list of two statements is none of which the rows could be told apart.
    let list = |replay: Replay| async move {
        pitches::of_week(replay.clone(), week("2026-01-07")).await?;
        pitches::of_week(replay, week("2026-01-14")).await
    };
    let twice = readable(&db, list).await;
    assert!(matches!(twice, Err(Error::Driver(_))), "{twice:?}");
}

/// A pitch in the middle of three with a week that is no Wednesday, and a bar in the middle of three with a price that is no number.
const PITCHES: &[&str] = &["ALTER DOMAIN pitch_document DROP CONSTRAINT pitch_document_form"];
const PRICES: &[&str] = &[
    "ALTER DOMAIN price DROP CONSTRAINT price_not_negative",
    "INSERT INTO daily_bars (symbol, date, close) VALUES
         ('SPY', '2026-01-05', 5), ('SPY', '2026-01-06', 'NaN'), ('SPY', '2026-01-07', 7), ('QQQ', '2026-01-07', 8)",
];

#[tokio::test]
async fn pitches_and_bars_are_lists_too() {
    let db = database().await;
    lenient(&db, PITCHES).await;
    lenient(&db, PRICES).await;
    let wednesday = week("2026-01-07");
    for (n, model) in ["grok", "gemini", "claude"].iter().enumerate() {
        let good = serde_json::to_string(&pitch(wednesday, model, "SPY", "1.5")).unwrap();
        let stored = match n {
            1 => good.replace("2026-01-07", "2026-01-08"),
            _ => good,
        };
        execute(
            &db,
            &format!(
                "INSERT INTO pm_pitches (id, week_id, model, account, pitch_data)
                 VALUES ('01890a5d-0000-7000-8000-0000000000e{n}', '2026-01-07', '{model}', 'A{n}', '{}')",
                stored.replace('\'', "''")
            ),
        )
        .await
        .unwrap();
    }
    let list = |replay: Replay| pitches::of_week(replay, wednesday);
    let list = readable(&db, list).await.unwrap();
    let models: Vec<&str> = list.rows.iter().map(|pitch| pitch.model.as_str()).collect();
    assert_eq!(models, ["claude", "grok"]);
    assert_eq!(list.misfits.len(), 1);
    assert_eq!(
        (
            list.misfits[0].key.as_deref(),
            list.misfits[0].field.as_deref()
        ),
        (
            Some("id=01890a5d-0000-7000-8000-0000000000e1"),
            Some("pitch_document.week_id")
        )
    );

    let spy = symbol("SPY");
    let list = |replay: Replay| {
        let bars = bars::range(replay, spy, NaiveDate::MIN, NaiveDate::MAX);
        bars.try_collect::<Vec<_>>()
    };
    let list = readable(&db, list).await.unwrap();
    let days: Vec<String> = list.rows.iter().map(|bar| bar.date.to_string()).collect();
    assert_eq!(days, ["2026-01-05", "2026-01-07"]);
    assert_eq!(
        list.misfits[0].key.as_deref(),
        Some("symbol=SPY date=2026-01-06")
    );
}

/// The symbol of a bad bar is left out, and said; the market of the others is shown.
#[tokio::test]
async fn a_snapshot_leaves_out_the_symbol_of_a_bad_bar() {
    let desk = Desk::new().await;
    lenient(&desk.db, PRICES).await;
    for arguments in [&["snapshot"][..], &["snapshot", "--json"]] {
        let ended = desk.run(arguments);
        assert_eq!(ended.code, Some(3), "{ended:?}");
        assert!(
            ended.out.contains("QQQ") && !ended.out.contains("SPY"),
            "{ended:?}"
        );
        assert_eq!(
            ended.err,
            "left out: close of daily_bars (symbol=SPY date=2026-01-06): the value does not fit its type\n"
        );
    }
}

#[tokio::test]
async fn all_misfits_of_a_database_are_listed() {
    let db = database().await;
    let none = rows::types()
        .misfits(&db, |misfit| panic!("{misfit}"))
        .await
        .unwrap();
    assert!(
        none.unknown.is_empty(),
        "add the type to repo::rows::types: {none:?}"
    );
    assert_eq!((none.rows, none.misfits), (0, 0));
    lenient(&db, BARS).await;
    lenient(&db, PERFORMANCE).await;
    lenient(&db, EVENTS).await;
    let good = serde_json::to_string(&pitch(week("2026-01-07"), "grok", "SPY", "1.5")).unwrap();
    lenient(
        &db,
        &[
            "ALTER DOMAIN provider DROP CONSTRAINT provider_known",
            "ALTER DOMAIN pitch_document DROP CONSTRAINT pitch_document_form",
            "ALTER DOMAIN price DROP CONSTRAINT price_not_negative",
            "INSERT INTO research_reports (id, week_id, provider, model, natural_language, structured_json)
             VALUES ('01890a5d-0000-7000-8000-0000000000d1', '2026-01-07', 'bing', 'x', 'y', '{}')",
            "INSERT INTO hourly_snapshots (symbol, timestamp, date, hour, price)
             VALUES ('SPY', '2026-01-07 15:00+00', '2026-01-07', 10, 'NaN')",
            &format!(
                "INSERT INTO pm_pitches (id, week_id, model, account, pitch_data)
                 VALUES ('01890a5d-0000-7000-8000-0000000000e1', '2026-01-07', 'grok', 'GROK', '{}')",
                good.replace("\"horizon\"", "\"horizont\"").replace('\'', "''")
            ),
        ],
    )
    .await;
    let mut found = Vec::new();
    let scanned = rows::types()
        .misfits(&db, |misfit| found.push(misfit))
        .await
        .unwrap();
    let places: Vec<(&str, &str, &str)> = found
        .iter()
        .map(|misfit| {
            let (table, key) = (misfit.table.as_deref(), misfit.key.as_deref());
            (table.unwrap(), key.unwrap(), &*misfit.column)
        })
        .collect();
    assert_eq!(
        places,
        [
            (
                "account_performance",
                "id=01890a5d-0000-7000-8000-000000000002",
                "calculated_at"
            ),
            ("daily_bars", "symbol=QQQ date=-infinity", "date"),
            ("daily_bars", "symbol=SPY date=infinity", "date"),
            (
                "execution_events",
                "id=01890a5d-0000-7000-8000-00000000000b",
                "event_data"
            ),
            (
                "hourly_snapshots",
                "symbol=SPY timestamp=2026-01-07 15:00:00+00",
                "price"
            ),
            (
                "pm_pitches",
                "id=01890a5d-0000-7000-8000-0000000000e1",
                "pitch_data"
            ),
            (
                "research_reports",
                "id=01890a5d-0000-7000-8000-0000000000d1",
                "provider"
            ),
        ]
    );
    assert_eq!((scanned.misfits, scanned.rows > 10), (7, true));
    assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
}

#[tokio::test]
async fn doctor_lists_the_rows_and_the_lists_of_an_operator_leave_them_out() {
    let desk = Desk::new().await;
    let healthy = desk.run(&["doctor", "--rows"]).ok();
    assert!(healthy.contains("\nhealthy: every row"), "{healthy}");
    lenient(&desk.db, EVENTS).await;
    lenient(&desk.db, PERFORMANCE).await;
    let ended = desk.run(&["doctor", "--rows"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let lines: Vec<&str> = ended.out.lines().skip(3).collect();
    assert_eq!(
        lines[0],
        "calculated_at of account_performance (id=01890a5d-0000-7000-8000-000000000002), instant: is infinite or beyond the calendar"
    );
    assert!(
        lines[1].starts_with("event_data of execution_events (id="),
        "{ended:?}"
    );
    assert_eq!(lines.len(), 2, "{ended:?}");
    assert!(ended.err.contains("2 rows cannot be read"), "{ended:?}");
    assert!(!ended.out.contains("hunter2"), "{ended:?}");

    for (command, left) in [
        ("leaderboard", "CLAUDE"),
        ("events", "01890a5d-0000-7000-8000-00000000000c"),
    ] {
        let ended = desk.run(&[command]);
        assert_eq!(ended.code, Some(3), "{ended:?}");
        assert!(ended.out.contains(left), "{ended:?}");
        assert!(ended.err.starts_with("left out: "), "{ended:?}");
    }
}
