//! A schema that someone changed by hand.

use super::Live;

/// What is done to the schema, and the lines that tell it, without the hash of the statement.
const CHANGES: &[(&str, &[&str])] = &[
    (
        "ALTER TABLE logs RENAME COLUMN message TO words",
        &[
            "(repo::logs::append): column \"message\" of relation \"logs\" does not exist (SQLSTATE 42703)",
            "(repo::logs::append_many): column \"message\" of relation \"logs\" does not exist (SQLSTATE 42703)",
            "(repo::logs::recent): column \"message\" does not exist (SQLSTATE 42703)",
        ],
    ),
    (
        "ALTER TABLE daily_bars ALTER COLUMN open TYPE text",
        &[
            "(repo::bars::last_n): column open is text, was numeric",
            "(repo::bars::range): column open is text, was numeric",
        ],
    ),
    (
        "ALTER TABLE logs ALTER COLUMN level TYPE text",
        &["(repo::logs::append): parameter $2 is text, was log_level"],
    ),
    (
        "ALTER TABLE users ALTER COLUMN name DROP NOT NULL",
        &[
            "(repo::users::active): column name may be null, was not null",
            "(repo::users::find_by_email): column name may be null, was not null",
            "(repo::users::get): column name may be null, was not null",
        ],
    ),
    (
        "ALTER TABLE users ALTER COLUMN age SET NOT NULL",
        &[
            "(repo::users::active): column age is not null, was nullable",
            "(repo::users::find_by_email): column age is not null, was nullable",
            "(repo::users::get): column age is not null, was nullable",
        ],
    ),
    (
        "DROP TABLE fetch_log",
        &[
            "(repo::fetch_log::append): relation \"fetch_log\" does not exist (SQLSTATE 42P01)",
            "(repo::fetch_log::recent): relation \"fetch_log\" does not exist (SQLSTATE 42P01)",
        ],
    ),
    // Only the planner looks for the index.
    (
        "ALTER TABLE account_performance DROP CONSTRAINT account_performance_account_lookback_key",
        &[
            "(repo::performance::upsert_many): there is no unique or exclusion constraint matching the ON CONFLICT \
              specification (SQLSTATE 42P10)",
        ],
    ),
];

#[tokio::test]
async fn each_change_of_the_schema_is_told() {
    for (change, expected) in CHANGES {
        let mut live = Live::new().await;
        live.run(change).await;
        let lines = live.lines().await;
        let lines: Vec<&str> = lines.iter().map(|line| without_hash(line)).collect();
        assert_eq!(lines, *expected, "{change}");
    }
}

fn without_hash(line: &str) -> &str {
    let (hash, rest) = line.split_once(' ').unwrap();
    assert!(
        hash.len() == 12 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{line}"
    );
    rest
}

/// A connection keeps what it learnt about a statement, so those of the pool would see nothing.
#[tokio::test]
async fn a_pool_that_knew_the_old_schema_is_no_hindrance() {
    let mut live = Live::new().await;
    let db = live.db().await;
    assert_eq!(db.verify().await.unwrap().findings, []);
    live.run("ALTER TABLE users ALTER COLUMN name DROP NOT NULL")
        .await;
    assert_eq!(db.verify().await.unwrap().findings.len(), 3);
    live.run("ALTER TABLE users ALTER COLUMN name SET NOT NULL")
        .await;
    assert_eq!(db.verify().await.unwrap().findings, []);
}
