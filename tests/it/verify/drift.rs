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
        "DROP VIEW compat.v_latest_daily; ALTER TABLE daily_bars ALTER COLUMN open TYPE text",
        &[
            "view compat.v_latest_daily is missing",
            "(repo::bars::last_closes): column open is text, was numeric",
            "(repo::bars::last_n): column open is text, was numeric",
            "(repo::bars::range): column open is text, was numeric",
        ],
    ),
    (
        "DROP VIEW compat.logs; ALTER TABLE logs ALTER COLUMN level TYPE text",
        &["view compat.logs is missing", "(repo::logs::append): parameter $2 is text, was log_level"],
    ),
    (
        "ALTER TABLE users ALTER COLUMN name DROP NOT NULL",
        &[
            "(repo::users::active): column name may be null, was not null",
            "(repo::users::change): column name may be null, was not null",
            "(repo::users::find_by_email): column name may be null, was not null",
            "(repo::users::get): column name may be null, was not null",
        ],
    ),
    (
        "ALTER TABLE users ALTER COLUMN age SET NOT NULL",
        &[
            "(repo::users::active): column age is not null, was nullable",
            "(repo::users::change): column age is not null, was nullable",
            "(repo::users::find_by_email): column age is not null, was nullable",
            "(repo::users::get): column age is not null, was nullable",
        ],
    ),
    (
        "DROP TABLE fetch_log CASCADE",
        &[
            "table fetch_log is missing",
            "view compat.fetch_log is missing",
            "(repo::fetch_log::append): relation \"fetch_log\" does not exist (SQLSTATE 42P01)",
            "(repo::fetch_log::append_many): relation \"fetch_log\" does not exist (SQLSTATE 42P01)",
            "(repo::fetch_log::recent): relation \"fetch_log\" does not exist (SQLSTATE 42P01)",
        ],
    ),
    // Only the planner looks for the index.
    (
        "ALTER TABLE account_performance DROP CONSTRAINT account_performance_account_lookback_key",
        &[
            "table account_performance: constraint account_performance_account_lookback_key is missing",
            "(repo::performance::upsert_many): there is no unique or exclusion constraint matching the ON CONFLICT \
              specification (SQLSTATE 42P10)",
        ],
    ),
    (
        "ALTER DOMAIN symbol DROP CONSTRAINT symbol_form",
        &["domain symbol: constraint symbol_form is missing"],
    ),
    (
        "DROP INDEX users_email_key; ALTER TABLE logs ALTER COLUMN created_at DROP DEFAULT",
        &[
            "table logs: default of created_at is missing",
            "table users: index users_email_key is missing",
        ],
    ),
    (
        "ALTER TABLE logs ADD CONSTRAINT short CHECK (length(message) < 10)",
        &["table logs: constraint short is new"],
    ),
    // The rows there may break it.
    (
        "ALTER TABLE users DROP CONSTRAINT users_age_plausible,
             ADD CONSTRAINT users_age_plausible CHECK (age BETWEEN 0 AND 150) NOT VALID",
        &["table users: constraint users_age_plausible is missing"],
    ),
    (
        "ALTER TABLE pm_pitches DISABLE TRIGGER pm_pitches_kept",
        &["table pm_pitches: trigger pm_pitches_kept is missing"],
    ),
    (
        "DROP TRIGGER save ON compat.pm_pitches; ALTER VIEW compat.logs ALTER COLUMN level DROP DEFAULT;
         DROP VIEW compat.users; CREATE VIEW compat.users AS SELECT id, name::text, email, active, age, created_at FROM users",
        &[
            "view compat.logs: default of level is missing",
            "view compat.pm_pitches: trigger save is missing",
            "view compat.users: column name user_name is missing",
            "view compat.users: default of active is missing",
            "view compat.users: default of created_at is missing",
            "view compat.users: default of id is missing",
        ],
    ),
    (
        "DROP FUNCTION compat.get_week_id()",
        &["function compat.get_week_id() is missing"],
    ),
    // No statement names these tables.
    (
        "ALTER TABLE adoption.refused DROP CONSTRAINT refused_pkey, ALTER COLUMN reason DROP NOT NULL; DROP INDEX adoption.changed_table_idx;
         ALTER TABLE adoption.run DROP COLUMN proofs; DROP TABLE adoption.week",
        &[
            "table adoption.changed: index changed_table_idx is missing",
            "table adoption.refused: column reason text NOT NULL is missing",
            "table adoption.refused: constraint refused_pkey is missing",
            "table adoption.run: column proofs jsonb NOT NULL is missing",
            "table adoption.week is missing",
        ],
    ),
    // Nothing that disturbs us: an index more, and tables of others.
    (
        "CREATE INDEX ON logs (message);
         CREATE TABLE other (level log_level DEFAULT 'INFO', data jsonb CHECK (data IS NOT NULL))",
        &[],
    ),
];

#[tokio::test]
async fn each_change_of_the_schema_is_told() {
    for (change, expected) in CHANGES {
        let mut live = Live::new().await;
        live.run(change).await;
        let lines = live.lines().await;
        let mut lines: Vec<&str> = lines.iter().map(|line| without_hash(line)).collect();
        // A statement that varies is told once for each variant.
        lines.dedup();
        assert_eq!(lines, *expected, "{change}");
    }
}

fn without_hash(line: &str) -> &str {
    let is_hash =
        |word: &str| word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    match line.split_once(' ') {
        Some((hash, rest)) if is_hash(hash) => rest,
        _ => line,
    }
}

/// It is the beginning of the name of the statement's file.
#[tokio::test]
async fn a_statement_is_told_by_its_hash() {
    let mut live = Live::new().await;
    live.run("ALTER TABLE users ALTER COLUMN name DROP NOT NULL")
        .await;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/.sqlx");
    for line in live.lines().await {
        let mut files = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let name = format!("query-{}", &line[..12]);
        let file = files.find(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with(&name)
        });
        let entry = std::fs::read_to_string(file.unwrap()).unwrap();
        let names = ["FROM users", "UPDATE users"].map(|name| entry.contains(name));
        assert_ne!(names, [false, false], "{line}");
    }
}

/// A connection keeps what it learnt about a statement, so those of the pool would see nothing.
#[tokio::test]
async fn a_pool_that_knew_the_old_schema_is_no_hindrance() {
    let mut live = Live::new().await;
    let db = live.db().await;
    assert_eq!(
        db.verify(&llm_trading_db::SCHEMA).await.unwrap().findings,
        []
    );
    live.run("ALTER TABLE users ALTER COLUMN name DROP NOT NULL")
        .await;
    assert_eq!(
        db.verify(&llm_trading_db::SCHEMA)
            .await
            .unwrap()
            .findings
            .len(),
        4
    );
    live.run("ALTER TABLE users ALTER COLUMN name SET NOT NULL")
        .await;
    assert_eq!(
        db.verify(&llm_trading_db::SCHEMA).await.unwrap().findings,
        []
    );
}
