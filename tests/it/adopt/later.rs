//! What is known of an adoption afterwards, and how to be done with it.

use super::{
    adopting::{adopt, report},
    old::Old,
    rows::rows,
};
use crate::cli::{binary, end};

#[tokio::test]
async fn what_was_refused_and_changed_can_be_listed_for_mending() {
    let old = Old::new().await;
    let told = |arguments: &[&str]| end(binary(&old.url).arg("adoption").args(arguments));
    told(&[]).failed(&["this database was not adopted"]);
    told(&["--refused"]).failed(&["this database was not adopted"]);
    old.run(&rows()).await;
    old.run(r#"INSERT INTO accounts (balance) VALUES (-0.30); INSERT INTO logs (level, message) VALUES ('Loud, "very"', NULL)"#)
        .await;
    let first = report(&adopt(&old, &["--json"]));

    let again: serde_json::Value = serde_json::from_str(&told(&["--json"]).ok()).unwrap();
    assert_eq!(again[0]["report"]["tables"], first["tables"]);
    let text = told(&[]).ok();
    assert!(text.contains("money") && text.contains("1 holds"), "{text}");

    let of_accounts = told(&["--refused", "accounts"]).ok();
    let lines: Vec<&str> = of_accounts.lines().collect();
    assert_eq!(lines[0], "table,key,code,field,reason,row");
    assert_eq!(lines.len(), 4, "{of_accounts}");
    let reason = "no amount of zero or more in whole cents";
    let begin = format!(
        "accounts,5,balance_form,balance,{reason},\"{{\"\"id\"\": 5, \"\"balance\"\": -0.30,"
    );
    assert!(lines[3].starts_with(&begin), "{}", lines[3]);
    // The file is CSV, whatever the rows hold: a line of it for each refused row.
    let all = told(&["--refused"]).ok();
    let rows = first["tables"].as_array().unwrap().iter();
    let refused: u64 = rows.map(|t| t["refused"].as_u64().unwrap()).sum();
    assert_eq!(all.lines().count() as u64, refused + 1);
    let odd = all
        .lines()
        .find(|line| line.starts_with("logs,5,"))
        .unwrap();
    assert!(odd.contains(r#"""level"": ""Loud, \""very\"""""#), "{odd}");

    let changed = told(&["--changed", "weekly_performance"]).ok();
    let lines: Vec<&str> = changed.lines().collect();
    assert_eq!(lines[0], "table,key,code,field,was,is_now");
    let week = "weekly_performance,1,week_from_thursday,week_id,2026-02-12,2026-02-11";
    assert!(lines.contains(&week), "{changed}");
}

/// Each run is shown, the first one first: the second one is of the mended rows alone.
#[tokio::test]
async fn every_run_is_shown() {
    let old = Old::new().await;
    old.run("INSERT INTO accounts (balance) VALUES (7.25), (-0.30), (-1.75)")
        .await;
    adopt(&old, &[]);
    old.run("UPDATE legacy.accounts SET balance = 0.30 WHERE balance = -0.30")
        .await;
    adopt(&old, &["--again"]);
    let told = |arguments: &[&str]| end(binary(&old.url).arg("adoption").args(arguments)).ok();
    let runs: serde_json::Value = serde_json::from_str(&told(&["--json"])).unwrap();
    let accounts = |run: usize| {
        let tables = runs[run]["report"]["tables"].as_array().unwrap();
        let found = tables
            .iter()
            .find(|table| table["name"] == "accounts")
            .unwrap();
        ["legacy", "adopted", "refused"].map(|what| found[what].as_u64().unwrap())
    };
    assert_eq!(runs.as_array().unwrap().len(), 2);
    assert_eq!([accounts(0), accounts(1)], [[3, 1, 2], [2, 1, 1]]);
    let text = told(&[]);
    let places = ["run 1 of 2, at ", "run 2 of 2, at "].map(|heading| text.find(heading).unwrap());
    assert!(places[0] < places[1], "{text}");
}

/// Three keys of a kind are shown, and on request all, also in the file of the report.
#[tokio::test]
async fn the_keys_of_all_rows_are_shown_on_request() {
    let old = Old::new().await;
    old.run("INSERT INTO accounts (balance) SELECT -n FROM generate_series(1, 50) AS n; INSERT INTO users (name, email) VALUES ('a', 'b')")
        .await;
    let refused = |text: &str| {
        let line = text
            .lines()
            .find(|line| line.contains("accounts.balance balance_form"));
        line.unwrap().trim().to_owned()
    };
    let reason = "50 rows accounts.balance balance_form: no amount of zero or more in whole cents";
    let few = adopt(&old, &["--dry-run"]).out;
    assert_eq!(refused(&few), format!("{reason} (1, 2, 3)"));
    let all: Vec<String> = (1..=50).map(|n| n.to_string()).collect();
    let shown = adopt(&old, &["--dry-run", "--all"]).out;
    assert_eq!(refused(&shown), format!("{reason} ({})", all.join(", ")));

    let file = std::env::temp_dir().join(format!("report-{}.json", std::process::id()));
    let few = adopt(&old, &["--dry-run", "--report", file.to_str().unwrap()]).out;
    assert_eq!(refused(&few), format!("{reason} (1, 2, 3)"));
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    std::fs::remove_file(&file).unwrap();
    let of_accounts = report["refused"]
        .as_array()
        .unwrap()
        .iter()
        .find(|of| of["table"] == "accounts");
    assert_eq!(of_accounts.unwrap()["keys"], serde_json::json!(all));
}

#[tokio::test]
async fn the_old_tables_are_dropped_when_that_is_asked_for_and_nothing_of_others_with_them() {
    let old = Old::new().await;
    old.run(&rows()).await;
    adopt(&old, &["--forget", "--yes"]).failed(&["this database was not adopted"]);
    old.run("CREATE VIEW rich AS SELECT id FROM accounts WHERE balance > 100")
        .await;
    report(&adopt(&old, &["--json"]));

    assert_eq!(adopt(&old, &["--yes"]).code, Some(2));
    old.run("CREATE TABLE legacy.of_ours AS SELECT 7 AS seven")
        .await;
    adopt(&old, &["--forget", "--yes"]).failed(&[
        "others need the old tables, so nothing is dropped",
        "table legacy.of_ours, view rich",
    ]);
    old.run("DROP VIEW rich; DROP TABLE legacy.of_ours").await;
    adopt(&old, &["--forget"]).failed(&[
        "drops the schema legacy with 17 tables of 61 rows, among them 31 that were not adopted",
        "--yes",
    ]);
    let there = "SELECT count(*)::text FROM pg_namespace WHERE nspname = 'legacy'";
    assert_eq!(old.text(there).await, "1");
    let adopted = "SELECT count(*)::text FROM execution_events";
    let before = old.text(adopted).await;

    let dropped = adopt(&old, &["--forget", "--yes"]).ok();
    assert!(
        dropped.starts_with("dropped the schema legacy"),
        "{dropped}"
    );
    assert_eq!(old.text(there).await, "0");
    assert_eq!(old.text(adopted).await, before);
    end(binary(&old.url).arg("doctor")).ok();
    adopt(&old, &[]).failed(&["nothing to adopt"]);
}
