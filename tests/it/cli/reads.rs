//! What the reads and the jobs print, for people and for programs.

use std::io;

use serde_json::json;

use super::{Desk, binary};

/// A desk with sixty days of two symbols.
async fn desk_with_bars() -> Desk {
    let desk = Desk::new().await;
    let first = chrono::NaiveDate::from_ymd_opt(2026, 1, 7).unwrap();
    let row = |(day, date): (usize, chrono::NaiveDate)| {
        let (up, wave) = (100 + day, 50 + (day * day) % 11);
        format!("AAPL,{date},,,,{up},1\nIBM,{date},,,,{wave},1\n")
    };
    let rows: String = first.iter_days().take(60).enumerate().map(row).collect();
    desk.import_bars(&rows).ok();
    desk
}

#[tokio::test]
async fn an_empty_desk_says_what_to_do() {
    let desk = Desk::new().await;
    desk.run(&["snapshot"])
        .failed(&["there are no bars yet: run `llm-trading-db import-bars FILE.csv`"]);
    desk.run(&["matrix"])
        .failed(&["there are no correlations yet: run `llm-trading-db metrics`"]);
    assert_eq!(desk.run(&["leaderboard", "--json"]).json(), json!([]));
    let ended = desk.run(&["leaderboard", "--weeks", "4"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), ""));
    assert_eq!(
        ended.err,
        "nothing calculated yet: run `llm-trading-db performance --weeks 4`\n"
    );
}

#[tokio::test]
async fn a_snapshot_shows_the_market_on_a_day() {
    let desk = desk_with_bars().await;
    let shown = desk.run(&["snapshot"]).ok();
    assert!(shown.starts_with("Market on 2026-03-07\n"), "{shown}");
    assert!(shown.contains("▁▁▁▂▂▂▂▃▃▃▃▄▄▄▄▅▅▅▅▆▆▆▆▇▇▇▇███"), "{shown}");

    let snapshot = desk
        .run(&[
            "snapshot",
            "--symbols",
            "AAPL",
            "--as-of",
            "2026-01-21",
            "--json",
        ])
        .json();
    assert_eq!(snapshot["as_of"], "2026-01-21");
    let aapl = &snapshot["instruments"]["AAPL"];
    assert_eq!(
        aapl["current"],
        json!({"price": 114.0, "date": "2026-01-21", "change_pct": 0.88})
    );
    assert_eq!(aapl["indicators"]["rsi_14"], 100);
    assert_eq!(aapl["indicators"]["sma_20"], json!(null));
    assert_eq!(snapshot["instruments"].as_object().unwrap().len(), 1);

    desk.run(&["snapshot", "--symbols", "AAPL,XYZ"])
        .failed(&["no bars of XYZ: there are those of AAPL, IBM"]);
    desk.run(&["snapshot", "--as-of", "2025-01-01"])
        .failed(&["there are no bars on or before 2025-01-01"]);
}

#[tokio::test]
async fn metrics_make_a_matrix() {
    let desk = desk_with_bars().await;
    let said = desk.run(&["metrics", "--window", "20"]).ok();
    assert!(
        said.starts_with("120 bars of 2 symbols read, correlations of 34 dates calculated"),
        "{said}"
    );
    let again = desk.run(&["metrics", "--window", "20"]).ok();
    assert!(
        again.contains("correlations of 0 dates calculated"),
        "{again}"
    );
    let all = desk.run(&["metrics", "--window", "20", "--backfill"]).ok();
    assert!(all.contains("correlations of 34 dates calculated"), "{all}");

    let shown = desk.run(&["matrix"]).ok();
    assert!(
        shown.starts_with("Correlations of 7-day returns over 20 dates up to 2026-03-07\n\n"),
        "{shown}"
    );
    assert!(
        shown.contains("\nAAPL        1.00 ") && !shown.contains('\u{1b}'),
        "{shown}"
    );
    let matrix = desk
        .run(&["matrix", "--date", "2026-03-06", "--json"])
        .json();
    assert_eq!(
        (&matrix["date"], &matrix["window_rows"]),
        (&json!("2026-03-06"), &json!(20))
    );
    assert_eq!(matrix["correlations"]["IBM"]["IBM"], 1.0);
    let (one, other) = (
        &matrix["correlations"]["IBM"]["AAPL"],
        &matrix["correlations"]["AAPL"]["IBM"],
    );
    assert!(one.is_number() && one == other, "{matrix}");
    desk.run(&["matrix", "--date", "2020-01-01"])
        .failed(&["there are no correlations of 2020-01-01"]);
}

#[tokio::test]
async fn performance_makes_a_leaderboard() {
    let desk = Desk::new().await;
    let event = |account: &str, kind: &str, data: &str, at: &str| {
        format!(
            r#"{{"account":"{account}","week_id":"2026-01-07","event_type":"{kind}","event_data":{data},"occurred_at":"{at}"}}"#
        )
    };
    let long = r#"{"price":100,"direction":"LONG","conviction":1}"#;
    let short = r#"{"price":100,"direction":"SHORT","conviction":-2}"#;
    let lines = [
        event("GROQ", "ENTRY", long, "2026-01-07T15:00:00Z"),
        event("GROQ", "EXIT", r#"{"price":103.5}"#, "2026-01-13T20:00:00Z"),
        event("CLAUDE", "ENTRY", short, "2026-01-07T15:00:00Z"),
        event(
            "CLAUDE",
            "EXIT",
            r#"{"price":103.5}"#,
            "2026-01-13T20:00:00Z",
        ),
        event("DEEPSEEK", "NOTE", "{}", "2026-01-07T15:00:00Z"),
    ];
    desk.import("import-events", lines.join("\n")).ok();
    let said = desk.run(&["performance"]).ok();
    assert_eq!(
        said,
        "2 weekly results and, over all weeks, 3 accounts brought up to date\n"
    );
    desk.run(&["performance", "--weeks", "1"]).ok();

    let shown = desk.run(&["leaderboard"]).ok();
    let rows: Vec<&str> = shown.lines().filter(|line| line.contains('%')).collect();
    assert!(
        rows[0].contains("GROQ") && rows[0].contains("+3.50 %"),
        "{shown}"
    );
    assert!(
        rows[2].contains("CLAUDE") && rows[2].contains("-3.50 %"),
        "{shown}"
    );
    let places = desk.run(&["leaderboard", "--json"]).json();
    assert_eq!(places[0]["account"], "GROQ");
    assert_eq!(places[0]["total_return"], 0.035);
    assert_eq!(
        (&places[2]["rank"], &places[2]["weeks_traded"]),
        (&json!(3), &json!(1))
    );
}

/// A line of `import-events`.
fn event(account: &str, week: &str, kind: &str, data: &str, at: &str) -> String {
    format!(
        r#"{{"account":"{account}","week_id":"{week}","event_type":"{kind}","event_data":{data},"occurred_at":"{at}"}}"#
    )
}

#[tokio::test]
async fn a_wrong_event_is_told_and_corrected() {
    let desk = Desk::new().await;
    let long = r#"{"price":100,"direction":"LONG","conviction":1}"#;
    let of = |account, kind, data, at| event(account, "2026-01-07", kind, data, at);
    let lines = [
        of("CLAUDE", "ENTRY", long, "2026-01-07T15:00:00Z"),
        of("CLAUDE", "EXIT", r#"{"price":104}"#, "2026-01-13T20:00:00Z"),
        of("GROQ", "ENTRY", long, "2026-01-07T15:00:00Z"),
    ];
    desk.import("import-events", lines.join("\n")).ok();
    desk.run(&["performance"]).ok();
    let wrong = of(
        "GROQ",
        "EXIT",
        r#"{"price":123456789}"#,
        "2026-01-13T20:00:00Z",
    );
    desk.import("import-events", &wrong).failed(&["--force"]);
    desk.import_with("import-events", wrong, &["--force"]).ok();

    let ended = desk.run(&["performance"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_eq!(
        ended.out,
        "1 weekly result and, over all weeks, 1 account brought up to date\n"
    );
    let id = ended.err.split("event ").nth(1).unwrap()[..36].to_owned();
    assert!(
        ended.err.starts_with(&format!(
            "GROQ, week 2026-01-07, event {id}: the price 123456789 is"
        )),
        "{ended:?}"
    );
    let board = desk.run(&["leaderboard"]);
    assert_eq!(board.code, Some(0));
    assert!(
        board.out.contains("GROQ *") && board.out.contains("* stale"),
        "{board:?}"
    );
    assert!(board.err.contains(&id), "{board:?}");
    let places = desk.run(&["leaderboard", "--json"]).json();
    assert_eq!(
        (&places[0]["stale"], &places[1]["stale"]),
        (&json!(false), &json!(true))
    );

    desk.run(&["correct-event", &id, "--reason", "typo", "--price", "-5"])
        .failed(&["price: must be above zero"]);
    let said = desk
        .run(&[
            "correct-event",
            &id,
            "--reason",
            "typo",
            "--price",
            "123.4567",
        ])
        .ok();
    assert!(
        said.starts_with(&format!("{id} is corrected, by event ")),
        "{said}"
    );
    desk.run(&["performance"]).ok();
    let places = desk.run(&["leaderboard", "--json"]).json();
    assert_eq!(
        (&places[0]["account"], &places[0]["total_return"]),
        (&json!("GROQ"), &json!(0.234567))
    );
    assert_eq!(places[0]["stale"], false);

    let listed = desk.run(&["events", "--account", "GROQ", "--json"]).ok();
    let listed: Vec<serde_json::Value> = listed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(listed.len(), 3);
    let shown = desk.run(&["events", "--type", "CORRECTION"]).ok();
    assert!(
        shown.contains(&format!("EXIT at 123.4567, in the place of {id}")),
        "{shown}"
    );
    desk.run(&["void-event", &id, "--reason", "typo"])
        .failed(&["was corrected by", "name that one"]);
    let is_correction = |row: &&serde_json::Value| row["event_type"] == "CORRECTION";
    let correction = listed.iter().find(is_correction).unwrap();
    let correction = correction["id"].as_str().unwrap();
    let said = desk
        .run(&["void-event", correction, "--reason", "no fill"])
        .ok();
    assert!(
        said.starts_with(&format!("{correction} is voided, by event ")),
        "{said}"
    );
    let said = desk.run(&["performance"]).ok();
    assert!(said.starts_with("2 weekly results"), "{said}");
}

#[tokio::test]
async fn results_of_later_weeks_and_lost_exits_are_told() {
    let desk = Desk::new().await;
    let long = r#"{"price":100,"direction":"LONG","conviction":1}"#;
    let lines = [
        event("GROQ", "2026-01-07", "ENTRY", long, "2026-01-07T15:00:00Z"),
        event(
            "GROQ",
            "2026-01-14",
            "EXIT",
            r#"{"price":104}"#,
            "2026-01-14T20:00:00Z",
        ),
        event("GROQ", "9999-01-06", "ENTRY", long, "9999-01-06T15:00:00Z"),
    ];
    let ended = desk.import("import-events", lines.join("\n"));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let said = desk.run(&["performance"]).ok();
    assert_eq!(
        said.lines().collect::<Vec<_>>(),
        [
            "2 weekly results and, over all weeks, 1 account brought up to date",
            "1 result of a week after this one, in no statistics yet",
            "1 EXIT not counted: no ENTRY before it in its week",
        ]
    );
}

#[tokio::test]
async fn status_shows_what_there_is() {
    let desk = desk_with_bars().await;
    let shown = desk.run(&["status"]).ok();
    for part in [
        "server      PostgreSQL ",
        "migrations  up to date",
        "symbols     2 with bars",
    ] {
        assert!(shown.contains(part), "{shown}");
    }
    let status = desk.run(&["status", "--json"]).json();
    assert_eq!(status["symbols"], 2);
    let states = status["migrations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|migration| &migration["state"]);
    assert!(states.clone().count() > 0 && states.into_iter().all(|state| state == "applied"));
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_failure() {
    let desk = desk_with_bars().await;
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let output = binary(&desk.url)
        .args(["snapshot", "--json"])
        .stdout(writer)
        .output()
        .unwrap();
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), &b""[..])
    );
}

#[tokio::test]
async fn logs_go_to_standard_error() {
    let desk = desk_with_bars().await;
    let output = binary(&desk.url)
        .args(["metrics", "--verbose"])
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert!(err.contains("metrics are up to date"), "{err}");
    assert!(out.starts_with("120 bars of 2 symbols read"), "{out}");
}
