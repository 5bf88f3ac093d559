//! Old databases as nobody would wish them: settings, types, names, owners and rows that nobody thought of.

use std::time::Instant;

use llm_trading_db::{
    adopt::{self as adoption, Step},
    config::Config,
    db::Db,
};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use super::{
    adopting::{adopt, lines, report},
    old::{Old, TABLES},
    rows::{rows, with_documents},
};
use crate::cli::{binary, end};

/// A database may say for all of its sessions how texts are read and numbers written. What is adopted is the same everywhere.
#[tokio::test]
async fn settings_of_the_database_change_nothing() {
    let (plain, odd) = (Old::new().await, Old::new().await);
    for old in [&plain, &odd] {
        old.run(
            "DROP VIEW v_latest_daily; ALTER TABLE daily_bars ALTER close TYPE double precision",
        )
        .await;
        old.run(&rows()).await;
        old.run("INSERT INTO daily_bars (symbol, date, close) VALUES ('TLT', '2026-01-05', 0.1::float8 + 0.2::float8)").await;
    }
    let name = odd.text("SELECT quote_ident(current_database())").await;
    for setting in [
        "datestyle = 'German'",
        "intervalstyle = 'sql_standard'",
        "extra_float_digits = -10",
        "standard_conforming_strings = off",
        "timezone = 'Asia/Kathmandu'",
        "default_transaction_isolation = 'serializable'",
        "statement_timeout = '40ms'",
        "quote_all_identifiers = on",
        "transform_null_equals = on",
    ] {
        odd.run(&format!("ALTER DATABASE {name} SET {setting}"))
            .await;
    }
    let [plain_report, odd_report] = [&plain, &odd].map(|old| report(&adopt(old, &["--json"])));
    for part in ["tables", "weeks", "refused", "changed", "money", "derived"] {
        assert_eq!(plain_report[part], odd_report[part], "{part}");
    }
    let rounded = "SELECT was FROM adoption.changed WHERE code = 'rounded'";
    assert_eq!(odd.text(rounded).await, "0.30000000000000004");
}

#[tokio::test]
async fn a_type_of_its_own_does_not_hide_an_old_table() {
    let old = Old::bare().await;
    old.run(
        "CREATE DOMAIN ticker AS text; CREATE TYPE mood AS ENUM ('pending', 'odd');
         CREATE TABLE daily_bars (id integer, symbol ticker, date date, close numeric);
         INSERT INTO daily_bars VALUES (1, 'SPY', '2026-01-05', 501.25);
         CREATE TABLE research_reports (id uuid, week_id text, provider text, model text, structured_json jsonb, status mood);
         INSERT INTO research_reports VALUES ('00000000-0000-4000-8000-000000000001', '2026-02-11', 'gemini', 'sonar', '{\"error\": \"late\"}', 'odd')",
    )
    .await;
    end(binary(&old.url).arg("migrate")).failed(&["adopt --dry-run"]);
    let report = end(binary(&old.url).args(["adopt", "--json"])).json();
    assert_eq!(
        lines(&report),
        ["daily_bars 1 1 0", "research_reports 1 1 0"]
    );
    assert_eq!(
        old.text("SELECT status::text FROM research_reports").await,
        "error"
    );
}

#[tokio::test]
async fn names_that_are_taken_are_told_before_anything_stays() {
    for (statement, parts) in [
        (
            "CREATE TYPE symbol AS (a integer)",
            ["rename it", "type \"symbol\" already exists"],
        ),
        (
            "CREATE TABLE pipeline_runs (id integer)",
            ["rename it", "relation \"pipeline_runs\" already exists"],
        ),
        (
            "CREATE SCHEMA compat",
            ["rename it", "schema \"compat\" already exists"],
        ),
        (
            "CREATE SCHEMA adoption; CREATE TABLE adoption.run (n integer)",
            ["there is a schema adoption of others", "rename it"],
        ),
    ] {
        let old = Old::new().await;
        old.run(statement).await;
        adopt(&old, &[]).failed(&parts);
        assert!(
            old.holds("to_regnamespace('legacy') IS NULL").await,
            "{statement}"
        );
    }
}

#[tokio::test]
async fn old_tables_in_another_schema_are_found_or_named() {
    let old = Old::bare().await;
    old.run(&format!(
        "CREATE SCHEMA desk; SET search_path = desk; {TABLES}; {}",
        rows()
    ))
    .await;
    adopt(&old, &[]).failed(&[
        "the schema desk has daily_bars, execution_events",
        "put it first",
    ]);
    let url = format!("{}&options=-csearch_path%3Ddesk", old.url);
    let ended = end(binary(&url).args(["adopt", "--json"]));
    assert_eq!(report(&ended)["tables"].as_array().unwrap().len(), 17);
    assert!(old.holds("to_regclass('desk.account_positions') IS NOT NULL AND to_regclass('legacy.accounts') IS NOT NULL").await);
}

/// Rows of nothing but NULLs, tables of hardly a column, the same row again and again, and an empty database.
#[tokio::test]
async fn rows_of_nothing_are_refused_and_counted() {
    let old = Old::bare().await;
    for table in [
        "hourly_snapshots",
        "fetch_log",
        "account_performance",
        "weekly_performance",
        "market_condition_performance",
        "users",
        "accounts",
        "logs",
        "daily_log_returns",
        "correlation_matrix",
    ] {
        old.run(&format!(
            "CREATE TABLE {table} (id integer); INSERT INTO {table} VALUES (7), (7), (NULL)"
        ))
        .await;
    }
    for table in [
        "research_reports",
        "pm_pitches",
        "peer_reviews",
        "chairman_decisions",
        "execution_events",
    ] {
        old.run(&format!(
            "CREATE TABLE {table} (week_id text); INSERT INTO {table} VALUES ('2026-02-11'), (NULL)"
        ))
        .await;
    }
    old.run("CREATE TABLE daily_bars (id integer, symbol text, date date); INSERT INTO daily_bars VALUES (NULL, NULL, NULL), (3, 'SPY', '2026-01-05')")
        .await;
    let report = report(&adopt(&old, &["--json"]));
    let refused: Vec<&str> = vec![
        "daily_bars 2 1 1",
        "hourly_snapshots 3 0 3",
        "fetch_log 3 0 3",
        "daily_log_returns 3 0 0",
        "correlation_matrix 3 0 0",
        "account_performance 3 0 3",
        "weekly_performance 3 0 3",
        "market_condition_performance 3 0 3",
        "users 3 0 3",
        "accounts 3 0 3",
        "logs 3 0 3",
        "research_reports 2 0 2",
        "pm_pitches 2 0 2",
        "peer_reviews 2 0 2",
        "chairman_decisions 2 0 2",
        "execution_events 2 0 2",
    ];
    assert_eq!(lines(&report), refused);
    // What there is nothing to compare with is told as well.
    let derived = &report["derived"][0];
    assert_eq!(
        (&derived["name"], &derived["legacy_only"]),
        (&"correlation_matrix".into(), &3.into())
    );

    let empty = Old::new().await;
    let report = end(binary(&empty.url).args(["adopt", "--json"])).json();
    assert_eq!(report["tables"].as_array().unwrap().len(), 17);
}

/// Values at the edge of what the old types hold.
#[tokio::test]
async fn enormous_values_stop_nothing() {
    let old = Old::bare().await;
    old.run(&with_documents(
        r#"CREATE TABLE logs (id bigint, level text, message text, data jsonb, "%I ""odd; --" text DEFAULT '%s');
        INSERT INTO logs VALUES (1, 'INFO', 'a', '{"a": 1e400}'), (2, 'INFO', repeat('x', 5000000), '{}'),
            (3, 'INFO', 'b', ('{"a": ' || repeat('[', 3000) || repeat(']', 3000) || '}')::jsonb), (9223372036854775807, 'INFO', 'c', '{"": ""}'),
            (5, 'INFO', 'd' || chr(1) || chr(27) || '[31m', ('{"a": ' || repeat('9', 5000) || '}')::jsonb);
        CREATE TABLE accounts (id bigint, balance numeric);
        INSERT INTO accounts VALUES (1, 1e400), (2, 'Infinity'), (3, 7.000000), (4, -0.00), (5, 0.001);
        CREATE TABLE daily_bars (id bigint, symbol text, date date, close numeric, open float8);
        INSERT INTO daily_bars VALUES (1, 'SPY', '2026-01-05', 1e300, 'NaN'), (2, 'SPY', '0044-03-15 BC', 1, 1), (3, 'ſPY', '2026-01-05', 1, 1),
            (4, 'QQQ' || chr(160), '2026-01-05', 1, 1), (5, 'IWM', '2026-01-06', 0.00004, 5e-324);
        CREATE TABLE pm_pitches (id text, week_id text, model text, account text, pitch_data jsonb, research_date text);
        INSERT INTO pm_pitches SELECT n, '2026-02-11', 'm' || n, ' groq ',
            CASE n WHEN 1 THEN to_jsonb(to_jsonb(to_jsonb(§pitch_v2§::text)::text)::text) WHEN 2 THEN '"{"' WHEN 3 THEN '""' WHEN 4 THEN 'null'
                WHEN 5 THEN to_jsonb('{"a": "\u0000"}'::text) ELSE §pitch_v2§ END,
            (ARRAY['2026-02-11T12:00:00', '', '2026-02-11', NULL, ' ', '2026-02-30T00:00:00Z', '2026-02-11T12:00:00.123456789Z', '2026-02-11 24:00:00'])[n]
        FROM generate_series(1, 8) AS n"#,
    ))
    .await;
    let report = report(&adopt(&old, &["--json"]));
    assert_eq!(
        lines(&report),
        [
            "daily_bars 5 2 3",
            "accounts 5 2 3",
            "logs 5 2 3",
            "pm_pitches 8 3 5"
        ]
    );
    let pitches = "SELECT model || ' ' || research_date FROM pm_pitches ORDER BY model";
    assert_eq!(
        old.texts(pitches).await,
        [
            "m1 2026-02-11 12:00:00+00",
            "m7 2026-02-11 12:00:00.123457+00",
            "m8 2026-02-12 00:00:00+00"
        ]
    );
    assert_eq!(
        old.text("SELECT string_agg(balance::text, ' ' ORDER BY balance) FROM accounts")
            .await,
        "0.00 7.00"
    );
    let left = "SELECT string_agg(note ->> 'field', ',') FROM adoption.run, jsonb_array_elements(report -> 'notes') AS note";
    assert_eq!(old.text(left).await, "%I \"odd; --");
    // The text of the report holds no control characters of a row.
    let text = end(binary(&old.url).arg("adoption")).ok();
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[tokio::test]
async fn parts_of_an_old_table_are_adopted_with_it() {
    let old = Old::bare().await;
    old.run(
        "CREATE TABLE logs (id integer, level text, message text) PARTITION BY RANGE (id);
         CREATE TABLE logs_1 PARTITION OF logs FOR VALUES FROM (0) TO (10); CREATE TABLE logs_2 PARTITION OF logs FOR VALUES FROM (10) TO (20);
         INSERT INTO logs VALUES (12, 'LOUD', 'c'), (1, 'INFO', 'a'), (11, 'INFO', 'b');
         CREATE TABLE correlation_matrix (id integer, date date, symbol_1 text, symbol_2 text, correlation numeric) PARTITION BY LIST (id);
         CREATE TABLE correlations_1 PARTITION OF correlation_matrix FOR VALUES IN (1);
         CREATE TABLE correlations_2 PARTITION OF correlation_matrix FOR VALUES IN (2);
         INSERT INTO correlation_matrix VALUES (1, '2026-01-05', 'SPY', 'SPY', 0.5), (2, '2026-01-06', 'SPY', 'SPY', 0.6);
         CREATE TABLE daily_bars (id integer, symbol text, date date, close numeric);
         CREATE TABLE bars_of_before () INHERITS (daily_bars);
         INSERT INTO bars_of_before VALUES (1, 'SPY', '2020-01-06', 5); INSERT INTO daily_bars VALUES (2, 'SPY', '2026-01-06', 6)",
    )
    .await;
    let report = report(&adopt(&old, &["--json"]));
    assert_eq!(
        lines(&report),
        ["daily_bars 2 2 0", "correlation_matrix 2 0 0", "logs 3 2 1"]
    );
    let others = report["others"].as_array().unwrap();
    let parts: Vec<&str> = others.iter().filter_map(|o| o["what"].as_str()).collect();
    assert_eq!(parts.len(), 5, "{parts:?}");
    assert!(
        parts
            .iter()
            .all(|what| what.starts_with("is a part of ")
                && what.ends_with("goes to legacy with it")),
        "{parts:?}"
    );
    let stayed =
        "SELECT string_agg(relname, ' ') FROM pg_class JOIN pg_inherits ON inhrelid = pg_class.oid
                  WHERE relnamespace <> 'legacy'::regnamespace";
    assert_eq!(old.text(stayed).await, "NULL");
    // Each is listed once, though rows of two parts lie in the same place of theirs.
    let listed = "SELECT count(*)::text FROM adoption.refused WHERE code = 'no_longer_derivable'";
    assert_eq!(old.text(listed).await, "2");
    adopt(&old, &["--forget", "--yes"]).ok();
    assert!(
        old.holds("to_regnamespace('legacy') IS NULL AND to_regclass('logs_1') IS NULL")
            .await
    );
}

#[tokio::test]
async fn a_publication_of_everything_is_one_too() {
    for publication in ["FOR ALL TABLES", "FOR TABLES IN SCHEMA public"] {
        let old = Old::bare().await;
        old.run(&format!(
            "CREATE TABLE users (id integer); CREATE PUBLICATION feed {publication}"
        ))
        .await;
        adopt(&old, &[]).failed(&["feed of users", "--allow-published"]);
    }
}

/// Who holds an old table is named, and nothing was changed.
#[tokio::test]
async fn a_table_that_another_transaction_holds_is_not_waited_for_without_end() {
    let old = Old::new().await;
    let mut other = PgConnection::connect(&old.url).await.unwrap();
    sqlx::raw_sql("SET application_name = 'nightly'; BEGIN; LOCK TABLE users IN ROW SHARE MODE")
        .execute(&mut other)
        .await
        .unwrap();
    adopt(&old, &["--while-connected"]).failed(&[
        "nothing was changed",
        "held one of the tables for five seconds",
        "(nightly, idle in transaction)",
    ]);
    assert!(old.holds("to_regnamespace('legacy') IS NULL").await);
    other.close().await.unwrap();
}

/// The progress says how much there is to do.
/// How far a long step is: in parts, never back, to the end.
#[tokio::test]
async fn the_progress_within_a_step_tells_how_much_is_done() {
    let old = Old::new().await;
    old.run(
        "INSERT INTO daily_bars (symbol, date, close)
         SELECT 'S' || n % 3, DATE '1900-01-01' + n / 3, 5 + n % 7 FROM generate_series(0, 89999) AS n;
         INSERT INTO users (name, email) VALUES ('a', 'a@example.org')",
    )
    .await;
    let config = Config::from_options(old.url.parse::<PgConnectOptions>().unwrap());
    let db = Db::connect(&config).await.unwrap();
    let options = adoption::Options {
        dry_run: true,
        ..adoption::Options::default()
    };
    /// Name, beginning, and how much was done of how much.
    type Told = (String, Instant, Vec<(u64, u64)>);
    let mut steps: Vec<Told> = Vec::new();
    let mut reading = Vec::new();
    adoption::run(&db, &options, crate::fixtures::now(), |step| match step {
        Step::Within { done, of } => {
            let (name, _, told) = steps.last_mut().unwrap();
            if name.starts_with("reading") {
                reading.push(Instant::now());
            }
            told.push((done, of));
        }
        step => steps.push((step.to_string(), Instant::now(), Vec::new())),
    })
    .await
    .unwrap();
    // When it is done, and not all of it at the end.
    let begun = steps.iter().find(|(name, ..)| name.starts_with("reading"));
    let ended = steps
        .iter()
        .find(|(name, ..)| name.starts_with("converting"));
    let took = ended.unwrap().1 - begun.unwrap().1;
    assert!(reading[2] - reading[0] > took / 20, "{took:?}");
    let within = |name: &str| {
        let step = steps.iter().find(|(step, ..)| step == name);
        let told = step.unwrap().2.clone();
        assert!(told.is_sorted(), "{name}: {told:?}");
        told
    };
    let read = within("reading 90001 old rows");
    assert!(
        read.len() > 2 && read.last() == Some(&(90_001, 90_001)),
        "{read:?}"
    );
    let converted = within("converting them");
    assert!(
        converted.len() > 3 && converted.last() == Some(&(90_000, 90_001)),
        "{converted:?}"
    );
    assert_eq!(
        within("writing the new rows").last(),
        Some(&(90_001, 90_001))
    );
    let derived = within("computing returns and correlations");
    let dates = derived[0].1;
    assert!(
        derived.len() > 3 && derived.last() == Some(&(dates, dates)),
        "{derived:?}"
    );
}

#[tokio::test]
async fn the_progress_tells_the_rows() {
    let old = Old::new().await;
    old.run(&rows()).await;
    let ended = end(binary(&old.url).args(["--verbose", "adopt", "--dry-run"]));
    for part in [
        "moving the old tables",
        "reading 61 old rows",
        "proving that nothing was lost",
    ] {
        assert!(ended.err.contains(part), "{ended:?}");
    }
}
