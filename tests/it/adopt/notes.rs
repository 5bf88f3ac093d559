//! What the report says besides: evidence that something of the old rows may be wrong.

use super::old::Old;
use crate::cli::{binary, end};

/// Two labels of the same kind; the events of the second one are of another month.
const LABELS: &str = r#"INSERT INTO execution_events (week_id, event_type, account, event_data, occurred_at) VALUES
    ('2026-02-12', 'note', 'GROQ', '{"n": 1}', '2026-02-05 15:00+00'), ('2026-02-12', 'note', 'GROQ', '{"n": 2}', '2026-02-17 15:00+00'),
    ('2026-03-19', 'note', 'GROQ', '{"n": 3}', '2026-04-20 15:00+00'), ('2026-03-19', 'note', 'GROQ', '{"n": 4}', '2026-03-11 15:00+00'),
    ('2026-03-19', 'note', 'GROQ', '{"n": 5}', '2026-03-12 15:00+00')"#;

#[tokio::test]
async fn a_label_whose_rows_are_dated_elsewhere_is_doubtful_and_keeps_its_week() {
    let old = Old::new().await;
    old.run(LABELS).await;
    let report = end(binary(&old.url).args(["adopt", "--dry-run", "--json"])).json();
    let weeks: Vec<String> = report["weeks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|week| {
            format!("{} {} {}", week["label"], week["week"], week["elsewhere"]).replace('"', "")
        })
        .collect();
    // The sixth day from the Wednesday is near enough, the seventh is not.
    assert_eq!(
        weeks,
        ["2026-02-12 2026-02-11 0", "2026-03-19 2026-03-18 2"]
    );
    let notes: Vec<String> = report["notes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|note| note["code"] == "week_doubtful")
        .map(|note| format!("{} {}", note["field"], note["rows"]).replace('"', ""))
        .collect();
    assert_eq!(notes, ["2026-03-19 2"]);
    let text = end(binary(&old.url).args(["adopt", "--dry-run"])).ok();
    assert!(
        text.contains(
            "2026-03-19 means 2026-03-18 (week_from_thursday), 3 rows, 2 of them dated far from it"
        ),
        "{text}"
    );
}

/// One in New York's summer, one in its winter, one that is merely late.
const CLOCKS: &str = r#"INSERT INTO execution_events (week_id, event_type, account, event_data, occurred_at, created_at) VALUES
    ('2026-07-08', 'note', 'GROQ', '{"n": 1}', '2026-07-09 19:00:20+00', '2026-07-09 15:00:00+00'),
    ('2026-02-11', 'note', 'GROQ', '{"n": 2}', '2026-02-12 19:59:40+00', '2026-02-12 15:00:00+00'),
    ('2026-02-11', 'note', 'GROQ', '{"n": 3}', '2026-02-12 17:00:00+00', '2026-02-12 15:00:00+00')"#;

#[tokio::test]
async fn a_clock_of_new_york_is_told_and_set_back_only_when_asked_for() {
    let of_events =
        "SELECT (event_data ->> 'n') || ' ' || occurred_at FROM execution_events ORDER BY 1";
    for (arguments, notes, instants) in [
        (
            &["--json"][..],
            &["clock_skew 2", "occurred_after_stored 1"][..],
            [
                "1 2026-07-09 19:00:20+00",
                "2 2026-02-12 19:59:40+00",
                "3 2026-02-12 17:00:00+00",
            ],
        ),
        (
            &["--json", "--repair-clock"],
            &["occurred_after_stored 1"],
            [
                "1 2026-07-09 15:00:20+00",
                "2 2026-02-12 14:59:40+00",
                "3 2026-02-12 17:00:00+00",
            ],
        ),
    ] {
        let old = Old::new().await;
        old.run(CLOCKS).await;
        let report = end(binary(&old.url).arg("adopt").args(arguments)).json();
        let told: Vec<String> = report["notes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|note| format!("{} {}", note["code"], note["rows"]).replace('"', ""))
            .collect();
        assert_eq!(told, notes);
        assert_eq!(old.texts(of_events).await, instants);
        let repaired = "SELECT count(*)::text FROM adoption.changed WHERE code = 'clock_repaired' AND field = 'occurred_at'";
        let expected = if arguments.len() > 1 { "2" } else { "0" };
        assert_eq!(old.text(repaired).await, expected);
    }
}

/// Statistics are as they were, and what the job would make of them is told.
#[tokio::test]
async fn what_the_job_of_the_accounts_would_change_is_told_and_not_done() {
    let old = Old::new().await;
    old.run(
        r#"INSERT INTO execution_events (week_id, event_type, account, event_data, occurred_at) VALUES
               ('2026-02-11', 'EXIT', 'GROQ', '{"price": 110.00}', '2026-02-16 20:00+00'),
               ('2026-02-11', 'ENTRY', 'GROQ', '{"price": 100.00, "direction": "LONG", "conviction": 1.5}', '2026-02-12 15:00+00');
           INSERT INTO account_performance (account, total_return, weeks_traded, profitable_weeks, calculated_at)
               VALUES ('GROQ', 0.250000, 1, 1, '2026-02-20Z')"#,
    )
    .await;
    let first = end(binary(&old.url).args(["adopt", "--json"])).json();
    let told = first["performance"].as_array().unwrap();
    let [of_account, of_week] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(of_account["key"], "GROQ, all weeks");
    assert_eq!(of_account["was"]["total_return"], "0.250000");
    assert_eq!(of_account["would_be"]["total_return"], "0.100000");
    // What would stay is not repeated.
    assert!(
        of_account["was"].get("weeks_traded").is_none(),
        "{of_account}"
    );
    assert_eq!(of_week["key"], "GROQ, 2026-02-11");
    assert!(of_week["was"].is_null(), "{of_week}");

    let stored = "SELECT total_return::text FROM account_performance";
    assert_eq!(old.text(stored).await, "0.250000");
    end(binary(&old.url).arg("performance")).ok();
    assert_eq!(old.text(stored).await, "0.100000");
}

/// A dry run knows them, too.
#[tokio::test]
async fn old_correlations_that_are_none_are_told() {
    let old = Old::new().await;
    old.run(
        "INSERT INTO daily_bars (symbol, date, close) SELECT symbol, date '2026-01-01' + n, 100 + n * f + (n * n * f) % 7
             FROM (VALUES ('SPY', 1), ('QQQ', 3)) AS s (symbol, f), generate_series(1, 37) AS n;
         INSERT INTO correlation_matrix (date, symbol_1, symbol_2, correlation) VALUES
             ('2026-02-07', 'SPY', 'SPY', 1), ('2026-02-07', 'SPY', 'QQQ', 0.25), ('2026-02-07', 'QQQ', 'SPY', -0.75), ('2026-02-07', 'TLT', 'TLT', 1)",
    )
    .await;
    let report = report_of_dry_run(&old);
    let derived = &report["derived"][0];
    assert_eq!(derived["name"], "correlation_matrix");
    let counts = ["legacy", "equal", "different", "legacy_only", "new_only"]
        .map(|name| derived[name].as_u64().unwrap());
    assert_eq!(counts, [4, 1, 2, 1, 1], "{derived}");
    assert_eq!(report["notes"][0]["code"], "not_symmetric");
    assert_eq!(report["notes"][0]["rows"], 2);
    assert_eq!(
        old.text("SELECT count(*)::text FROM daily_bars WHERE id > 0")
            .await,
        "74"
    );
}

fn report_of_dry_run(old: &Old) -> serde_json::Value {
    end(binary(&old.url).args(["adopt", "--dry-run", "--json"])).json()
}
