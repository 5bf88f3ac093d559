//! `doctor`, as it is run after a deploy.

use llm_trading_db::{config::Config, db::Db};

use super::{Desk, binary, end};
use crate::support;

#[tokio::test]
async fn a_healthy_database_is_called_so() {
    let desk = Desk::new().await;
    let report = desk.run(&["doctor"]).ok();
    assert!(report.contains("\nhealthy: "), "{report}");
    let json = desk.run(&["doctor", "--json"]).json();
    assert_eq!(json["findings"], serde_json::json!([]));
    assert!(json["statements"].as_u64().unwrap() > 70, "{json}");
}

#[tokio::test]
async fn findings_are_told_with_what_to_do_and_fail_the_deploy() {
    let desk = Desk::new().await;
    let spoil = "ALTER TABLE fetch_log RENAME COLUMN status TO state";
    super::servers::execute(&desk.url, spoil).await;
    let ended = desk.run(&["doctor"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended
            .err
            .starts_with("error: the database is not as it must be: ")
            && ended
                .err
                .ends_with(" findings, listed above with what to do\n"),
        "{ended:?}"
    );
    let lines: Vec<&str> = ended.out.lines().skip(4).collect();
    for end in [
        "(repo::fetch_log::append): column \"status\" of relation \"fetch_log\" does not exist (SQLSTATE 42703)",
        "(repo::fetch_log::recent): column \"status\" does not exist (SQLSTATE 42703)",
    ] {
        assert!(lines.iter().any(|line| line.ends_with(end)), "{ended:?}");
    }
    // One remedy for all of them, below the last.
    let (remedy, findings) = lines.split_last().unwrap();
    assert!(remedy.starts_with("  → "), "{ended:?}");
    assert!(
        findings
            .iter()
            .all(|line| line.contains("(repo::fetch_log::")),
        "{ended:?}"
    );

    let ended = desk.run(&["doctor", "--json"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let json: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    let told = json["findings"].as_array().unwrap().len();
    assert_eq!(told, findings.len(), "{json}");
}

#[tokio::test]
async fn a_database_that_was_never_migrated_is_sent_to_migrate() {
    let options = support::bare_database_options().await;
    let url = support::server().url_for(options.get_database().unwrap());
    let ended = end(binary(&url).arg("doctor"));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let lines: Vec<&str> = ended.out.lines().skip(4).collect();
    assert_eq!(
        lines,
        [
            "the database was never migrated",
            "  → run the migrations (`migrate`), or check that this is the right database and search_path"
        ]
    );
    assert!(ended.err.contains("1 finding,"), "{ended:?}");

    let db = Db::connect(&Config::from_options(options)).await.unwrap();
    db.migrate(&llm_trading_db::SCHEMA).await.unwrap();
    end(binary(&url).arg("doctor")).ok();
}

#[test]
fn an_unreachable_server_is_one_line() {
    let url = "postgres://desk:secret@127.0.0.1:1/trading";
    end(binary(url).arg("doctor")).failed(&["cannot connect to database \"trading\""]);
}
