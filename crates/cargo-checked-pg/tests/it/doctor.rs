//! `cargo checked-pg doctor`, on a crate with another one below it.

use std::{
    path::Path,
    process::{Command, Output},
};

use cargo_checked_pg::{Project, migrations::migrated_server};
use checked_pg_server::EmbeddedServer;
use sqlx::{Connection, PgConnection};

const CRATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/consumer");

fn doctor(server: &EmbeddedServer, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cargo-checked-pg"))
        .args(["checked-pg", "doctor", CRATE])
        .args(more)
        .env("DATABASE_URL", server.url())
        .output()
        .unwrap()
}

fn shown(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[tokio::test]
async fn what_was_changed_by_hand_is_found_by_its_place() {
    let project = Project::open(Path::new(CRATE)).unwrap();
    let server = migrated_server(&project).await.unwrap();
    let healthy = doctor(&server, &[]);
    assert!(healthy.status.success(), "{healthy:?}");
    let text = shown(&healthy);
    assert!(text.contains("\nhealthy: "), "{text}");
    // Those of the crate below and its own.
    let own = std::fs::read_to_string(project.path(".sqlx/statements.lock")).unwrap();
    let counted = |noun: &str| {
        let words: Vec<&str> = text.split([' ', ',']).collect();
        let at = words.iter().position(|word| *word == noun).unwrap();
        words[at - 1].parse::<usize>().unwrap()
    };
    assert!(counted("statements") > own.lines().count(), "{text}");

    let mut db = PgConnection::connect_with(&server.options()).await.unwrap();
    sqlx::raw_sql(
        "ALTER TABLE trade_notes ALTER COLUMN note DROP NOT NULL;
         ALTER TABLE fetch_log RENAME COLUMN status TO state",
    )
    .execute(&mut db)
    .await
    .unwrap();
    let sick = doctor(&server, &[]);
    assert_eq!(sick.status.code(), Some(1), "{sick:?}");
    let text = shown(&sick);
    assert!(text.contains("(notes::find): column note"), "{text}");
    assert!(text.contains("(repo::fetch_log::recent): "), "{text}");
    let told = String::from_utf8(sick.stderr).unwrap();
    assert!(told.contains("listed above with what to do"), "{told}");

    let json: serde_json::Value =
        serde_json::from_str(&shown(&doctor(&server, &["--json"]))).unwrap();
    let findings = json["findings"].as_array().unwrap();
    assert!(findings.len() >= 3, "{json}");
    server.stop().unwrap();
}
