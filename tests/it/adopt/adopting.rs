//! An old database is adopted: each row is there afterwards, or listed with its reason.

use llm_trading_db::{SCHEMA, config::Config, db::Db};
use sqlx::{Connection, PgConnection, migrate::Migrator};

use super::{old::Old, rows::rows};
use crate::cli::{Ended, binary, end};

pub fn adopt(old: &Old, arguments: &[&str]) -> Ended {
    end(binary(&old.url).arg("adopt").args(arguments))
}

/// The report of a run that refused some rows.
#[track_caller]
pub fn report(ended: &Ended) -> serde_json::Value {
    assert_eq!(ended.code, Some(3), "{ended:?}");
    serde_json::from_str(&ended.out).unwrap()
}

/// `name legacy adopted refused` of each table that has rows.
pub fn lines(report: &serde_json::Value) -> Vec<String> {
    let tables = report["tables"].as_array().unwrap();
    let line = |t: &serde_json::Value| {
        format!(
            "{} {} {} {}",
            t["name"], t["legacy"], t["adopted"], t["refused"]
        )
        .replace('"', "")
    };
    tables
        .iter()
        .map(line)
        .filter(|line| !line.contains(" 0 0 0"))
        .collect()
}

async fn filled() -> Old {
    let old = Old::new().await;
    old.run(&rows()).await;
    old
}

#[tokio::test]
async fn each_row_is_adopted_or_listed_with_its_reason() {
    let old = filled().await;
    let report = report(&adopt(&old, &["--json"]));

    let tables: Vec<String> = report["tables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| {
            format!(
                "{} {} {} {}",
                t["name"], t["legacy"], t["adopted"], t["refused"]
            )
            .replace('"', "")
        })
        .collect();
    assert_eq!(
        tables,
        [
            "daily_bars 7 4 3",
            "hourly_snapshots 3 2 1",
            "fetch_log 4 2 2",
            "daily_log_returns 0 0 0",
            "rolling_7day_log_returns 0 0 0",
            "correlation_matrix 0 0 0",
            "account_performance 4 1 3",
            "weekly_performance 2 1 1",
            "market_condition_performance 2 1 1",
            "users 4 2 2",
            "accounts 4 2 2",
            "logs 4 1 3",
            "research_reports 4 2 2",
            "pm_pitches 8 3 5",
            "peer_reviews 7 4 3",
            "chairman_decisions 2 1 1",
            "execution_events 6 4 2",
        ]
    );
    let proofs = report["proofs"].as_array().unwrap();
    assert_eq!(proofs.len(), 9, "{proofs:?}");
    assert!(
        proofs.iter().all(|proof| proof["holds"] == true),
        "{proofs:?}"
    );

    let refused = old
        .texts("SELECT table_name || ' ' || right(legacy_key, 2) || ' ' || code FROM adoption.refused ORDER BY table_name, legacy_key")
        .await;
    assert_eq!(
        refused,
        [
            "account_performance 1 superseded",
            "account_performance 3 lookback_range",
            "account_performance 4 weeks_range",
            "accounts 2 balance_form",
            "accounts 3 balance_form",
            "chairman_decisions 02 document_form",
            "daily_bars 4 superseded",
            "daily_bars 6 symbol_form",
            "daily_bars 7 date_form",
            "execution_events 03 document_form",
            "execution_events 06 week_unknown",
            "fetch_log 3 fetch_type_unknown",
            "fetch_log 4 time_unknown",
            "hourly_snapshots 3 hour_range",
            "logs 2 level_unknown",
            "logs 3 message_missing",
            "logs 4 document_form",
            "market_condition_performance 1 superseded",
            "peer_reviews 05 pitch_refused",
            "peer_reviews 06 document_form",
            "peer_reviews 07 pitch_gone",
            "pm_pitches 02 superseded",
            "pm_pitches 05 document_form",
            "pm_pitches 06 conviction_sign",
            "pm_pitches 07 model_form",
            "pm_pitches 08 account_form",
            "research_reports 03 week_unknown",
            "research_reports 04 document_form",
            "users 2 superseded",
            "users 3 email_form",
            "weekly_performance 2 money_form",
        ]
    );
}

#[tokio::test]
async fn what_was_changed_is_listed_and_nothing_else_was() {
    let old = filled().await;
    report(&adopt(&old, &["--json"]));
    let changed = old
        .texts(
            "SELECT table_name || ' ' || right(legacy_key, 2) || ' ' || code || COALESCE(' ' || field, '')
             FROM adoption.changed WHERE code NOT IN ('time_made', 'fetch_type_mapped') ORDER BY table_name, legacy_key, code, field",
        )
        .await;
    assert_eq!(
        changed,
        [
            "account_performance 2 value_dropped max_drawdown",
            "account_performance 2 value_dropped volatility",
            "chairman_decisions 01 key_added decision_data.decision_id",
            "daily_bars 2 value_dropped open",
            "daily_bars 3 high_below_low high",
            "daily_bars 3 high_below_low low",
            "daily_bars 3 value_dropped close",
            "daily_bars 3 value_dropped volume",
            "daily_bars 5 case_changed symbol",
            "execution_events 02 twin id",
            "execution_events 04 case_changed account",
            "execution_events 04 event_renamed event_type",
            "execution_events 05 event_renamed event_type",
            "execution_events 05 event_type_differs event_data.event_type",
            "fetch_log 2 message_made error_message",
            "hourly_snapshots 2 hour_recomputed hour",
            "logs 1 level_mapped level",
            "peer_reviews 02 label_lengthened pitch_label",
            "peer_reviews 02 label_lengthened review_data.pitch_label",
            "peer_reviews 03 relinked pitch_id",
            "peer_reviews 04 relinked pitch_id",
            "pm_pitches 03 case_changed account",
            "pm_pitches 03 column_differs instrument",
            "pm_pitches 03 number_was_text pitch_data.conviction",
            "pm_pitches 03 week_from_monday pitch_data.week_id",
            "pm_pitches 03 week_from_monday week_id",
            "pm_pitches 04 breaks_a_rule pitch_data.thesis_bullets",
            "pm_pitches 04 case_changed pitch_data.selected_instrument",
            "pm_pitches 04 week_from_iso_week week_id",
            "research_reports 01 status_mapped status",
            "research_reports 02 double_encoded structured_json",
            "research_reports 02 status_mapped status",
            "research_reports 02 week_from_thursday week_id",
            "users 1 blanks_cut name",
            "users 1 value_made active",
            "users 4 value_dropped age",
            "weekly_performance 1 value_dropped weekly_return",
            "weekly_performance 1 value_made panic_exit",
            "weekly_performance 1 week_from_thursday week_id",
            "weekly_performance 1 week_span week_start,week_end",
        ]
    );
    let money = "SELECT string_agg(balance::text, ' ' ORDER BY balance) FROM accounts";
    assert_eq!(old.text(money).await, "0.10 1500.25");
    let price =
        "SELECT event_data ->> 'price' FROM execution_events WHERE event_type = 'ENTRY' LIMIT 1";
    assert_eq!(old.text(price).await, "91.3750");
}

#[tokio::test]
async fn the_database_works_afterwards_and_keeps_the_old_tables() {
    let old = filled().await;
    let first = report(&adopt(&old, &["--json"]));
    let doctor = end(binary(&old.url).arg("doctor")).ok();
    assert!(doctor.contains("healthy"), "{doctor}");
    let status = end(binary(&old.url).arg("status")).ok();
    assert!(status.contains("up to date"), "{status}");
    assert_eq!(
        old.text("SELECT count(*)::text FROM legacy.pm_pitches")
            .await,
        "8"
    );
    assert_eq!(
        old.text("SELECT count(*)::text FROM legacy.v_account_history")
            .await,
        "6"
    );

    // A second run says what the first one did.
    let again = adopt(&old, &["--json"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    let second: serde_json::Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!(second["tables"], first["tables"]);
    assert!(
        second["outcome"]
            .as_str()
            .unwrap()
            .contains("was adopted before"),
        "{second}"
    );

    // The other commands go on from there.
    end(binary(&old.url).arg("metrics")).ok();
    end(binary(&old.url).arg("performance"));
    assert_eq!(
        old.text("SELECT count(*)::text FROM execution_events")
            .await,
        "4"
    );
}

#[tokio::test]
async fn a_dry_run_tells_the_same_and_changes_nothing() {
    let old = filled().await;
    let dry = report(&adopt(&old, &["--dry-run", "--json"]));
    let schemas = "SELECT string_agg(nspname, ' ' ORDER BY nspname) FROM pg_namespace WHERE nspname IN ('legacy', 'adoption', 'public')";
    assert_eq!(old.text(schemas).await, "public");
    let types = "SELECT count(*)::text FROM pg_type WHERE typtype = 'd' AND typnamespace = 'public'::regnamespace";
    assert_eq!(old.text(types).await, "0");
    let real = report(&adopt(&old, &["--json"]));
    for part in ["tables", "weeks", "refused", "changed", "money", "proofs"] {
        assert_eq!(dry[part], real[part], "{part}");
    }
}

#[tokio::test]
async fn a_proof_that_fails_rolls_all_of_it_back() {
    let old = filled().await;
    // Somebody else's trigger meddles with a new table.
    old.run(
        "CREATE FUNCTION meddle() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
             IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'public.accounts') AND tg_tag = 'CREATE TABLE' THEN
                 ALTER TABLE public.accounts ADD CONSTRAINT odd CHECK (balance < 1000000);
             END IF;
         END $$;
         CREATE EVENT TRIGGER meddle ON ddl_command_end EXECUTE FUNCTION meddle()",
    )
    .await;
    adopt(&old, &[]).failed(&["nothing was changed", "proof 8", "constraint odd is new"]);
    assert_eq!(
        old.text("SELECT count(*)::text FROM public.accounts WHERE id > 0")
            .await,
        "4"
    );
    assert_eq!(
        old.text("SELECT count(*)::text FROM pg_namespace WHERE nspname IN ('legacy', 'adoption')")
            .await,
        "0"
    );
}

/// What a `migrate` of before left behind, which did not know an old database when it saw one.
#[tokio::test]
async fn a_half_migrated_database_is_adopted_from_there() {
    let old = Old::bare().await;
    let db = Db::connect(&Config::from_url(&old.url).unwrap())
        .await
        .unwrap();
    let first_two = SCHEMA.migrator().iter().take(2).cloned().collect();
    let begun = Migrator {
        migrations: std::borrow::Cow::Owned(first_two),
        ..Migrator::DEFAULT
    };
    assert_eq!(db.migrate_with(&begun).await.unwrap(), 2);
    assert!(db.close(std::time::Duration::from_secs(5)).await);
    old.run(super::old::TABLES).await;
    old.run(&rows()).await;
    let report = report(&adopt(&old, &["--json"]));
    assert_eq!(
        report["migrations"].as_u64().unwrap() as usize,
        SCHEMA.migrator().iter().count() - 2
    );
}

#[tokio::test]
async fn what_stands_in_the_way_is_told_before_anything_moves() {
    let old = Old::bare().await;
    adopt(&old, &[]).failed(&["nothing to adopt"]);

    let old = filled().await;
    old.run("CREATE SCHEMA legacy").await;
    adopt(&old, &[]).failed(&["there is a schema legacy already", "--legacy-schema"]);
    let named = adopt(&old, &["--legacy-schema", "Old Python", "--dry-run"]);
    assert_eq!(named.code, Some(3), "{named:?}");

    let other = PgConnection::connect(&old.url).await.unwrap();
    adopt(&old, &["--legacy-schema", "before"])
        .failed(&["others are connected", "--while-connected"]);
    let meanwhile = adopt(
        &old,
        &["--legacy-schema", "before", "--while-connected", "--json"],
    );
    assert_eq!(report(&meanwhile)["sessions"].as_array().unwrap().len(), 1);
    other.close().await.unwrap();
}

#[tokio::test]
async fn the_operator_decides_what_a_label_means() {
    let old = filled().await;
    let folder = std::env::temp_dir().join(format!("desk-weeks-{}", std::process::id()));
    std::fs::write(&folder, "unknown,2026-02-18\nsoon,2026-02-18\n").unwrap();
    let report = report(&adopt(
        &old,
        &["--weeks", folder.to_str().unwrap(), "--json"],
    ));
    std::fs::remove_file(&folder).unwrap();
    let given = |label: &str| {
        let weeks = report["weeks"].as_array().unwrap();
        weeks
            .iter()
            .find(|week| week["label"] == label)
            .unwrap()
            .clone()
    };
    assert_eq!(given("soon")["week"], "2026-02-18");
    assert_eq!(given("unknown")["rule"], "week_given");
    assert_eq!(
        old.text("SELECT count(*)::text FROM adoption.refused WHERE code = 'week_unknown'")
            .await,
        "0"
    );
}
