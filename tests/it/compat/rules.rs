//! Writes that the tables refuse are errors, also through the schema.

use chrono::{Days, NaiveDate};
use llm_trading_db::types::WeekId;
use sqlx::Row;

use super::Desk;
use crate::fixtures::{column, count, day};

const PITCH: &str = r#"'{"pm_model": "groq", "asof_et": "2026-01-07T08:00:00-05:00", "selected_instrument": "SPY", "direction": "LONG",
    "horizon": "1W", "conviction": 1, "risk_profile": "BASE", "thesis_bullets": ["Rates"], "risk_notes": "none",
    "entry_policy": {"mode": "limit", "limit_price": null},
    "exit_policy": {"time_stop_days": 7, "stop_loss_pct": 0.015, "take_profit_pct": 0.025, "exit_before_events": []}}'"#;

/// A statement of an old program, and what it is told; nothing is stored.
#[tokio::test]
async fn a_refused_write_is_an_error() {
    let desk = Desk::new().await;
    let pitch = format!(
        "INSERT INTO pm_pitches (week_id, model, account, pitch_data) VALUES ('2026-01-07', 'groq', 'GROQ', {PITCH})"
    );
    let with = |from: &str, to: &str| pitch.replace(from, to);
    let column = |name: &str, value: &str| {
        with("pitch_data)", &format!("pitch_data, {name})"))
            .replace(&format!("{PITCH})"), &format!("{PITCH}, {value})"))
    };
    let event = |week: &str, kind: &str, data: &str| {
        format!(
            "INSERT INTO execution_events (week_id, event_type, account, event_data, occurred_at)
             VALUES ('{week}', '{kind}', 'GROQ', '{data}', '2026-01-08Z')"
        )
    };
    let cases = [
        (
            with("2026-01-07", "2026-01-05"),
            "week_id: 2026-01-05 is a Monday; a week is named by its Wednesday, here 2026-01-07",
        ),
        (with("2026-01-07", "unknown"), "week_id: must be a date"),
        (with("'groq'", "'a model'"), "model_form"),
        (with("'GROQ'", "'groq'"), "account_form"),
        (with("\"LONG\"", "\"SHORT\""), "pm_pitches_conviction_sign"),
        (
            with("\"conviction\": 1", "\"conviction\": 7"),
            "pitch_document_form",
        ),
        (
            with(": 1,", ": 1, \"week_id\": \"2026-01-14\","),
            "pitch_data.week_id: the column has 2026-01-07 and the document 2026-01-14",
        ),
        (
            column("direction", "'FLAT'"),
            "pitch_data.direction: the column has FLAT and the document LONG",
        ),
        (
            column("instrument", "'QQQ'"),
            "pitch_data.instrument: the column has QQQ and the document SPY",
        ),
        (
            column("conviction", "1.5"),
            "pitch_data.conviction: the column has 1.5",
        ),
        (
            format!("{pitch} ON CONFLICT (id) DO NOTHING"),
            "no unique or exclusion constraint matching the ON CONFLICT",
        ),
        (event("2026-01-08", "note", "{}"), "here 2026-01-07"),
        (
            event("2026-01-07", "entry", "{\"price\": 1}"),
            "event_type: entry is not known; ENTRY is",
        ),
        (
            event("2026-01-07", "ENTRY", "{\"price\": 1}"),
            "event_document_form",
        ),
        (
            event("2026-01-07", "note", "{\"event_type\": \"other\"}"),
            "event_data.event_type: the column has note and the document other",
        ),
        (
            event("2026-01-07", "order.filled", "{}"),
            "event_document_form",
        ),
        (
            "INSERT INTO fetch_log (fetch_type, status) VALUES ('weekly', 'success')".to_owned(),
            "fetch_type_known",
        ),
        (
            "INSERT INTO logs (level, message) VALUES ('WARN', 'up')".to_owned(),
            "log_level_known",
        ),
        (
            "INSERT INTO accounts (balance) VALUES (-1)".to_owned(),
            "balance_not_negative",
        ),
    ];
    for (statement, told) in cases {
        let error = desk.run(&statement).await.unwrap_err();
        assert!(error.contains(told), "{statement}\n{error}");
    }
    for table in [
        "pm_pitches",
        "execution_events",
        "fetch_log",
        "logs",
        "accounts",
    ] {
        assert_eq!(count(&desk.db, table).await, 0, "{table}");
    }
    desk.run(&pitch).await.unwrap();

    let cases = [
        ("UPDATE pm_pitches SET account = 'X'", "compat.pm_pitches takes no UPDATE"),
        ("DELETE FROM research_reports", ""),
        ("INSERT INTO weekly_performance (account) VALUES ('X')", "compat.weekly_performance takes no INSERT"),
        (
            "INSERT INTO peer_reviews (week_id, pitch_id, reviewer_model, pitch_label, review_data)
             SELECT week_id, id, model, 'Pitch A', '{\"pitch_label\": \"Pitch A\"}' FROM pm_pitches",
            "groq reviewed the own pitch",
        ),
    ];
    for (statement, told) in cases {
        match desk.run(statement).await {
            Err(error) => assert!(error.contains(told), "{statement}\n{error}"),
            Ok(rows) => assert_eq!((rows, told), (0, ""), "{statement}"),
        }
    }
    desk.run(&event("2026-01-07", "note", "{}")).await.unwrap();
    let refused = desk.run("DELETE FROM execution_events").await.unwrap_err();
    assert!(
        refused.contains("compat.execution_events takes no DELETE"),
        "{refused}"
    );
    // The DELETE that an INSERT follows removes nothing, and says that it removed nothing.
    assert_eq!(desk.run("DELETE FROM pm_pitches").await, Ok(0));
    assert_eq!(count(&desk.db, "pm_pitches").await, 1);
}

/// Where a view has no trigger, the keys of its table are found through it.
#[tokio::test]
async fn upserts_of_before_find_the_keys() {
    let desk = Desk::new().await;
    let performance = |total: &str| {
        format!(
            "INSERT INTO account_performance (account, weeks_lookback, total_return, calculated_at)
             VALUES ('GROQ', NULL, {total}, '2026-01-20Z')
             ON CONFLICT (account, weeks_lookback) DO UPDATE SET total_return = EXCLUDED.total_return, updated_at = NOW()"
        )
    };
    for total in ["0.5", "0.25"] {
        desk.run(&performance(total)).await.unwrap();
    }
    let stored: Vec<String> = column(
        &desk.db,
        "SELECT total_return::text FROM account_performance",
    )
    .await
    .unwrap();
    // There used to be another row each time.
    assert_eq!(stored, ["0.250000"]);

    desk.run("SELECT upsert_daily_bar('SPY', '2026-01-07', 1, 3, 1, 2, 10)")
        .await
        .unwrap();
    desk.run("SELECT upsert_daily_bar('SPY', '2026-01-07', 1, 3, 1, 2.5, 10)")
        .await
        .unwrap();
    let stored: Vec<String> = column(&desk.db, "SELECT close::text FROM daily_bars")
        .await
        .unwrap();
    assert_eq!(stored, ["2.5000"]);
}

/// The week that a refused text means is told by the schema as it is told by the type.
#[tokio::test]
async fn weeks_are_told_alike() {
    let desk = Desk::new().await;
    let mut session = desk.session().await;
    let first = day("2026-02-23");
    let mut texts: Vec<String> = (0..14)
        .map(|n| (first + Days::new(n)).to_string())
        .collect();
    let odd = [
        "unknown",
        "2026-1-7",
        "2026-02-30",
        "2026-01-07T08",
        "",
        "2026-W02",
    ];
    texts.extend(odd.map(str::to_owned));
    for text in texts {
        let of_type = text.parse::<WeekId>();
        let of_schema = sqlx::query("SELECT compat.week_of($1)::date AS week")
            .bind(&text)
            .fetch_one(&mut session)
            .await;
        match (of_type, of_schema) {
            (Ok(week), Ok(row)) => assert_eq!(row.get::<NaiveDate, _>("week"), week.start()),
            (Err(told), Err(error)) => {
                let error = error.as_database_error().unwrap().message().to_owned();
                assert_eq!(error, told.to_string());
                // Whoever follows the hint gets a week, and the one that was meant.
                if let Some((_, hint)) = error.rsplit_once("here ") {
                    assert!(hint.parse::<WeekId>().is_ok(), "{error}");
                }
            }
            (of_type, of_schema) => panic!("{text}: {of_type:?}, {of_schema:?}"),
        }
    }
}

/// Programs of before need rights on what they know, and none on the tables below it.
#[tokio::test]
async fn a_role_that_sees_the_schema_alone_can_read_and_write() {
    let desk = Desk::new().await;
    let role = format!("python_{}", std::process::id());
    let pitch = format!(
        "INSERT INTO pm_pitches (week_id, model, account, pitch_data) VALUES ('2026-01-07', 'groq', 'GROQ', {PITCH})"
    );
    let rights = format!(
        "CREATE ROLE {role};
         GRANT USAGE ON SCHEMA compat TO {role};
         GRANT SELECT, INSERT, DELETE ON ALL TABLES IN SCHEMA compat TO {role}"
    );
    desk.run(&rights).await.unwrap();
    let as_role = |sql: &str| format!("SET ROLE {role}; {sql}");
    desk.run(&as_role(&pitch)).await.unwrap();
    assert_eq!(
        desk.run(&as_role("SELECT * FROM v_weekly_pitches")).await,
        Ok(1)
    );
    let refused = desk
        .run(&as_role("DELETE FROM public.pm_pitches"))
        .await
        .unwrap_err();
    assert!(refused.contains("permission denied"), "{refused}");
    desk.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
        .await
        .unwrap();
}
