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
    assert_eq!(again["tables"], first["tables"]);
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
