//! One row that cannot be read stops no job and no command: it is named, all else is done, and the exit status is 3.

use chrono::{Datelike, Days, NaiveDate};
use futures_util::TryStreamExt;
use llm_trading_db::{
    db::Db,
    repo::{bars, rows},
};

use crate::{
    cli::{Desk, Ended},
    fixtures::{column, database, day, execute, price, symbol},
};

const DERIVED: [&str; 3] = [
    "SELECT concat_ws(' ', symbol, date, log_return) FROM daily_log_returns ORDER BY symbol, date",
    "SELECT concat_ws(' ', symbol, date, log_return_7d) FROM rolling_7day_log_returns ORDER BY symbol, date",
    "SELECT concat_ws(' ', date, symbol_1, symbol_2, correlation) FROM correlation_matrix ORDER BY date, symbol_1, symbol_2",
];

async fn derived(desk: &Desk) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for select in DERIVED {
        all.push(column(&desk.db, select).await.unwrap());
    }
    all
}

/// Sixty days of three symbols; the close of one day of SPY as given.
fn history(close: &str) -> String {
    let row = |(n, date): (usize, NaiveDate)| {
        let spy = match n {
            30 => close.to_owned(),
            n => (100 + (n * 7) % 13).to_string(),
        };
        let (gld, qqq) = (50 + (n * n) % 11, 200 + (n * 5) % 17);
        format!("SPY,{date},,,,{spy},1\nGLD,{date},,,,{gld},1\nQQQ,{date},,,,{qqq},1\n")
    };
    let days = day("2026-01-01").iter_days().take(60);
    days.enumerate().map(row).collect()
}

/// Does what the rules of today refuse.
async fn lenient(db: &Db, statements: &[&str]) {
    for statement in statements {
        execute(db, statement).await.unwrap();
    }
}

fn incomplete(ended: Ended) -> (String, Vec<String>) {
    assert_eq!(ended.code, Some(3), "{ended:?}");
    (ended.out, ended.err.lines().map(str::to_owned).collect())
}

const CLOSE: &str = "left out: close of daily_bars (symbol=SPY date=2026-01-31), price: ";
const DATE: &str = "left out: date of daily_bars (symbol=GLD date=infinity): is infinite";

#[tokio::test]
async fn metrics_calculates_what_does_not_rest_on_a_bad_bar() {
    let (desk, without, mended) = (Desk::new().await, Desk::new().await, Desk::new().await);
    desk.import_bars(&history("107")).ok();
    desk.run(&["metrics"]).ok();
    lenient(
        &desk.db,
        &[
            "ALTER DOMAIN price DROP CONSTRAINT price_not_negative",
            "ALTER TABLE daily_bars DROP CONSTRAINT daily_bars_date_range",
            "UPDATE daily_bars SET close = 'NaN' WHERE symbol = 'SPY' AND date = '2026-01-31'",
            "INSERT INTO daily_bars (symbol, date, close) VALUES ('GLD', 'infinity', 6)",
        ],
    )
    .await;
    without.import_bars(&history("")).ok();
    without.run(&["metrics"]).ok();

    // As where the close is missing, and told again each time.
    for arguments in [&["metrics"][..], &["metrics"], &["metrics", "--backfill"]] {
        let (out, lines) = incomplete(desk.run(arguments));
        assert!(out.contains("returns"), "{out}");
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[0].starts_with(DATE), "{lines:?}");
        assert!(lines[1].starts_with(CLOSE), "{lines:?}");
        assert!(lines[2].contains("remove-bars"), "{lines:?}");
        assert_eq!(derived(&desk).await, derived(&without).await);
    }

    // What it says to do helps.
    let said = desk.import_bars("SPY,2026-01-31,,,,107,1").ok();
    assert!(said.contains("1 updated"), "{said}");
    desk.run(&["remove-bars", "GLD", "--all"]).ok();
    desk.import_bars(&history("107")).ok();
    desk.run(&["metrics"]).ok();
    mended.import_bars(&history("107")).ok();
    mended.run(&["metrics"]).ok();
    assert_eq!(derived(&desk).await, derived(&mended).await);
}

#[tokio::test]
async fn metrics_replaces_a_bad_return_and_leaves_out_a_bad_symbol() {
    let (desk, good) = (Desk::new().await, Desk::new().await);
    for desk in [&desk, &good] {
        desk.import_bars(&history("107")).ok();
        desk.run(&["metrics"]).ok();
    }
    lenient(
        &desk.db,
        &[
            "ALTER DOMAIN log_return DROP CONSTRAINT log_return_finite",
            "ALTER DOMAIN symbol DROP CONSTRAINT symbol_form",
            "UPDATE daily_log_returns SET log_return = 'NaN' WHERE symbol = 'QQQ' AND date = '2026-02-03'",
            "UPDATE rolling_7day_log_returns SET log_return_7d = 'NaN' WHERE symbol = 'SPY' AND date = '2026-02-04'",
        ],
    )
    .await;
    desk.run(&["metrics", "--backfill"]).ok();
    assert_eq!(derived(&desk).await, derived(&good).await);

    // One that no bar supports cannot be replaced.
    execute(
        &desk.db,
        "INSERT INTO daily_log_returns (symbol, date, log_return) VALUES ('QQQ', '2025-12-30', 'NaN')",
    )
    .await
    .unwrap();
    let (_, lines) = incomplete(desk.run(&["metrics", "--backfill"]));
    assert!(
        lines[0]
            .starts_with("left out: log_return of daily_log_returns (symbol=QQQ date=2025-12-30)"),
        "{lines:?}"
    );
    execute(
        &desk.db,
        "DELETE FROM daily_log_returns WHERE date = '2025-12-30'",
    )
    .await
    .unwrap();

    execute(
        &desk.db,
        "INSERT INTO daily_bars (symbol, date, close) VALUES ('spy', '2026-01-05', 5)",
    )
    .await
    .unwrap();
    let (_, lines) = incomplete(desk.run(&["metrics"]));
    assert!(
        lines[0].starts_with("left out: symbol of daily_bars"),
        "{lines:?}"
    );
    assert_eq!(derived(&desk).await, derived(&good).await);
    let status = desk.run(&["status", "--json"]).json();
    assert_eq!(status["symbols"], 4);
    let (out, _) = incomplete(desk.run(&["snapshot"]));
    assert!(out.contains("QQQ"), "{out}");
}

#[tokio::test]
async fn a_matrix_without_a_cell_is_shown() {
    let desk = Desk::new().await;
    desk.import_bars(&history("107")).ok();
    desk.run(&["metrics"]).ok();
    lenient(
        &desk.db,
        &[
            "ALTER DOMAIN correlation DROP CONSTRAINT correlation_range",
            "UPDATE correlation_matrix SET correlation = 'NaN'
             WHERE date = '2026-03-01' AND symbol_1 = 'GLD' AND symbol_2 = 'SPY'",
        ],
    )
    .await;
    let (out, lines) = incomplete(desk.run(&["matrix", "--json"]));
    let shown: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(shown["symbols"], serde_json::json!(["GLD", "QQQ", "SPY"]));
    assert!(shown["correlations"]["SPY"]["GLD"].is_number(), "{out}");
    assert!(
        lines[0].starts_with("left out: correlation of correlation_matrix"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn bars_that_cannot_be_read_can_be_listed_and_removed() {
    let desk = Desk::new().await;
    desk.import_bars(&history("107")).ok();
    lenient(
        &desk.db,
        &[
            "ALTER DOMAIN price DROP CONSTRAINT price_not_negative",
            "UPDATE daily_bars SET close = 'NaN', open = 3 WHERE symbol = 'SPY' AND date = '2026-01-31'",
        ],
    )
    .await;
    let changes = desk.path("changes.csv");
    let file = changes.to_str().unwrap();
    let removed = desk.run(&[
        "remove-bars",
        "SPY",
        "--on",
        "2026-01-31",
        "--changes",
        file,
    ]);
    assert_eq!(removed.ok(), "1 bar of SPY removed\n");
    let list = std::fs::read_to_string(&changes).unwrap();
    assert!(
        list.ends_with("\nremoved,SPY,2026-01-31,,,,,,3.0000,,,,1\n"),
        "{list}"
    );
}

#[tokio::test]
async fn all_bars_of_a_symbol_are_removed_whatever_their_day() {
    let db = database().await;
    lenient(
        &db,
        &[
            "ALTER DOMAIN price DROP CONSTRAINT price_not_negative",
            "ALTER TABLE daily_bars DROP CONSTRAINT daily_bars_date_range",
            "INSERT INTO daily_bars (symbol, date, close, low) VALUES
                 ('SPY', '2026-01-06', 6, 'NaN'), ('SPY', 'infinity', 7, 5), ('SPY', '-infinity', 8, 4), ('QQQ', '2026-01-05', 5, 3)",
        ],
    )
    .await;
    let bars = bars::range_lossy(&db, symbol("SPY"), NaiveDate::MIN, NaiveDate::MAX);
    let bars: Vec<_> = bars.try_collect().await.unwrap();
    let values: Vec<_> = bars.iter().map(|bar| (bar.low, bar.close)).collect();
    assert_eq!(values, [(None, Some(price("6.0000")))]);
    assert_eq!(bars::delete_all(&db, symbol("SPY")).await.unwrap(), 3);
    assert_eq!(bars::symbols(&db).await.unwrap(), [symbol("QQQ")]);
}

#[tokio::test]
async fn days_are_from_the_first_year_to_the_last_one() {
    let db = database().await;
    lenient(
        &db,
        &[
            "ALTER TABLE daily_bars DROP CONSTRAINT daily_bars_date_range",
            "INSERT INTO daily_bars (symbol, date) VALUES
                 ('SPY', '10000-01-05'), ('SPY', '9999-12-31'), ('GLD', '10000-01-06'), ('GLD', '0001-12-31 BC'),
                 ('GLD', '0001-01-01')",
        ],
    )
    .await;
    let days = ["0001-01-01", "9999-12-31"].map(day);
    assert_eq!(bars::dates(&db, 9).await.unwrap(), days);
    let found = bars::with_invalid_dates(&db).await.unwrap();
    let found: Vec<_> = found.iter().map(|(of, day)| (*of, day.year())).collect();
    let [gld, spy] = ["GLD", "SPY"].map(symbol);
    assert_eq!(found, [(gld, 0), (gld, 10_000), (spy, 10_000)]);
}

const EVENTS: &[&str] = &[
    "ALTER DOMAIN week_id DROP CONSTRAINT week_id_is_wednesday",
    r#"INSERT INTO execution_events (id, week_id, account, event_data, occurred_at) VALUES
         ('01890a5d-0000-7000-8000-00000000000a', '2026-01-07', 'GROK',
          '{"event_type": "ENTRY", "price": 100, "direction": "LONG", "conviction": 1}', '2026-01-07 15:00+00'),
         ('01890a5d-0000-7000-8000-00000000000b', '2026-01-07', 'GROK', '{"event_type": "EXIT", "price": 110}', '2026-01-09 15:00+00'),
         ('01890a5d-0000-7000-8000-00000000000c', '2026-01-14', 'GEMINI',
          '{"event_type": "ENTRY", "price": 50, "direction": "LONG", "conviction": 2}', '2026-01-14 15:00+00'),
         ('01890a5d-0000-7000-8000-00000000000d', '2026-01-16', 'GEMINI', '{"event_type": "EXIT", "price": 60}', '2026-01-16 15:00+00')"#,
];

#[tokio::test]
async fn performance_leaves_out_the_account_of_a_bad_event() {
    let desk = Desk::new().await;
    lenient(&desk.db, EVENTS).await;
    let (out, lines) = incomplete(desk.run(&["performance"]));
    assert!(out.contains("1 account brought up to date"), "{out}");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].starts_with(
            "left out: week_id of execution_events (id=01890a5d-0000-7000-8000-00000000000d), week_id: "
        ),
        "{lines:?}"
    );
    let accounts: Vec<String> = column(&desk.db, "SELECT account::text FROM account_performance")
        .await
        .unwrap();
    assert_eq!(accounts, ["GROK"]);
    let weeks: Vec<String> = column(&desk.db, "SELECT account::text FROM weekly_performance")
        .await
        .unwrap();
    assert_eq!(
        weeks,
        ["GROK"],
        "nothing of a history that is not known whole"
    );
}

#[tokio::test]
async fn an_event_that_cannot_be_read_can_be_voided_and_corrected() {
    let desk = Desk::new().await;
    lenient(
        &desk.db,
        &[
            "ALTER DOMAIN event_document DROP CONSTRAINT event_document_form",
            r#"INSERT INTO execution_events (id, week_id, account, event_data, occurred_at) VALUES
                 ('01890a5d-0000-7000-8000-00000000000a', '2026-01-07', 'GROK', '{"event_type": "EXIT", "price": "x"}', '2026-01-09 15:00+00'),
                 ('01890a5d-0000-7000-8000-00000000000b', '2026-01-07', 'GROK', '{"event_type": "ENTRY"}', '2026-01-07 15:00+00')"#,
        ],
    )
    .await;
    let [exit, entry] = ['a', 'b'].map(|end| format!("01890a5d-0000-7000-8000-00000000000{end}"));
    incomplete(desk.run(&["performance"]));
    desk.run(&["void-event", &exit, "--reason", "no such exit"])
        .ok();
    let right = r#"{"price":101.5,"direction":"LONG","conviction":1}"#;
    desk.run(&[
        "correct-event",
        &entry,
        "--reason",
        "price left out",
        "--event-data",
        right,
    ])
    .ok();
    desk.run(&["performance"]).ok();
}

/// What a run leaves behind is what it tells of, whatever else the table holds.
#[tokio::test]
async fn a_job_that_could_read_all_says_nothing() {
    let desk = Desk::new().await;
    desk.import_bars(&history("107")).ok();
    assert_eq!(desk.run(&["metrics"]).err, "");
    let last = day("2026-01-01") + Days::new(60);
    desk.import_bars(&format!("QQQ,{last},,,,217,1")).ok();
    assert_eq!(desk.run(&["metrics"]).err, "");
    let none = rows::types()
        .misfits(&desk.db, |misfit| panic!("{misfit}"))
        .await;
    assert_eq!(none.unwrap().misfits, 0);
}
