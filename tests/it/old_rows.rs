//! A database whose rows break rules that were made later: they stay, they are told, and they stop nothing.

use llm_trading_db::{SCHEMA, config::Config, db::Db};
use sqlx::migrate::Migrator;

use crate::{
    fixtures::{column, count, execute, refused_by},
    log::Log,
    support,
};

/// The last migration before the database had the rules of the types.
const LENIENT: i64 = 10;

/// A database of that time.
async fn old_database() -> Db {
    let options = support::bare_database_options().await;
    let db = Db::connect(&Config::from_options(options)).await.unwrap();
    let old = SCHEMA
        .migrator()
        .iter()
        .filter(|migration| migration.version <= LENIENT);
    let old = Migrator::with_migrations(old.cloned().collect());
    db.migrate_with(&old).await.unwrap();
    db
}

/// Rows that were accepted then, and the rule of today that each breaks.
const ROWS: &[(&str, &str, &str)] = &[
    (
        "users",
        "INSERT INTO users (id, name, email) VALUES (gen_random_uuid(), 'Ada', 'ada@localhost')",
        "email_form",
    ),
    (
        "users",
        "INSERT INTO users (id, name, email) VALUES (gen_random_uuid(), E'Bob\\u00a0', 'bob@example.org')",
        "user_name_form",
    ),
    (
        "market_condition_performance",
        "INSERT INTO market_condition_performance (id, condition_type, condition_value, account, calculated_at)
         VALUES (gen_random_uuid(), E'volatility\\n', 'high', 'GROK', '2026-01-07 00:00+00')",
        "condition_type_form",
    ),
    (
        "logs",
        "INSERT INTO logs (id, level, message, created_at)
         VALUES (gen_random_uuid(), 'INFO', 'started', '-infinity')",
        "logs_created_at_range",
    ),
    (
        "daily_bars",
        "INSERT INTO daily_bars (symbol, date, close) VALUES ('SPY', 'infinity', 5)",
        "daily_bars_date_range",
    ),
    (
        "weekly_performance",
        "INSERT INTO weekly_performance (account, week_id, week_start, week_end, calculated_at)
         VALUES ('GROK', 'infinity', '2026-01-07', '2026-01-13', '2026-01-14 00:00+00')",
        "week_id_range",
    ),
    (
        "execution_events",
        r#"INSERT INTO execution_events (id, week_id, account, event_data, occurred_at)
         VALUES (gen_random_uuid(), '2026-01-07', 'GROK', '{"event_type":"order_retried","trade_id":"t-3"}', '2026-01-08 15:00+00')"#,
        "event_document_form",
    ),
    (
        "logs",
        r#"INSERT INTO logs (id, level, message, data, created_at)
         VALUES (gen_random_uuid(), 'INFO', 'measured', '{"figure":1e400}', '2026-01-09 00:00+00')"#,
        "log_document_form",
    ),
];

#[tokio::test]
async fn rows_that_break_a_new_rule_stay_and_stop_no_migration() {
    let db = old_database().await;
    for (_, insert, _) in ROWS {
        execute(&db, insert).await.unwrap();
    }
    let log = Log::default();
    let guard = log.start();
    db.migrate(&SCHEMA).await.unwrap();
    drop(guard);
    let log = log.take();
    let not_validated: Vec<String> = column(
        &db,
        "SELECT conname::text FROM pg_constraint WHERE NOT convalidated ORDER BY conname",
    )
    .await
    .unwrap();
    let mut broken: Vec<&str> = ROWS.iter().map(|(_, _, rule)| *rule).collect();
    broken.sort_unstable();
    assert_eq!(not_validated, broken);
    for (table, insert, rule) in ROWS {
        assert!(count(&db, table).await > 0, "{table}");
        assert!(
            log.contains(&format!("rows break rule {rule} of ")),
            "{rule}: {log}"
        );
        // The rule holds for what is written from now on.
        assert_eq!(refused_by(execute(&db, insert).await), *rule);
    }
    assert!(
        log.contains("a document of table logs, column data, row "),
        "{log}"
    );
    // Other columns of such a row can be written.
    let changed = execute(&db, "UPDATE users SET active = false")
        .await
        .unwrap();
    assert_eq!(changed, 2);
}
