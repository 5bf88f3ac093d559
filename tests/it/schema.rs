//! What holds for the schema as a whole, read from the catalog, and what it refuses.

mod borders;
mod nulls;

use crate::fixtures::{column, database, execute, refused_by};

/// A rule over the catalog: a query that lists what breaks it, and a statement that does break it, to see that the query can
/// find something.
struct Rule {
    name: &'static str,
    findings: &'static str,
    offence: &'static str,
    found: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        name: "every foreign key has an index that begins with its columns",
        findings: "
            SELECT conname::text
            FROM pg_constraint AS fk
            WHERE contype = 'f'
              AND NOT EXISTS (
                  SELECT
                  FROM pg_index
                  WHERE indrelid = fk.conrelid
                    AND indpred IS NULL
                    AND (indkey::int2[])[0:cardinality(fk.conkey) - 1] @> fk.conkey
              )",
        offence: "
            CREATE TABLE child (
                id uuid PRIMARY KEY,
                parent user_id CONSTRAINT child_parent_fkey REFERENCES users (id),
                UNIQUE (id, parent)
            )",
        found: "child_parent_fkey",
    },
    Rule {
        name: "every table has a primary key",
        findings: "
            SELECT relname::text
            FROM pg_class
            WHERE relnamespace = 'public'::regnamespace
              AND relkind IN ('r', 'p')
              AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = pg_class.oid AND contype = 'p')",
        offence: "CREATE TABLE keyless (id uuid UNIQUE)",
        found: "keyless",
    },
    Rule {
        name: "every JSON column is of a document domain",
        findings: "
            SELECT table_name || '.' || column_name
            FROM information_schema.columns
            WHERE table_schema = 'public'
              AND data_type IN ('json', 'jsonb')
              AND COALESCE(domain_name, '') NOT LIKE '%\\_document'",
        offence: "ALTER TABLE users ADD COLUMN settings jsonb",
        found: "users.settings",
    },
    Rule {
        name: "every time has an offset",
        findings: "
            SELECT table_name || '.' || column_name
            FROM information_schema.columns
            WHERE table_schema = 'public'
              AND data_type LIKE '%without time zone'",
        offence: "ALTER TABLE users ADD COLUMN left_at timestamp",
        found: "users.left_at",
    },
    Rule {
        name: "every date and every instant has a range",
        findings: "
            SELECT relname || '.' || attname
            FROM pg_attribute
            JOIN pg_class ON pg_class.oid = attrelid
            WHERE relnamespace = 'public'::regnamespace
              AND relkind IN ('r', 'p')
              AND relname <> '_sqlx_migrations'
              AND atttypid IN ('date'::regtype, 'timestamptz'::regtype)
              AND attnum > 0
              AND NOT attisdropped
              AND NOT EXISTS (
                  SELECT
                  FROM pg_constraint
                  WHERE conrelid = attrelid
                    AND conkey = ARRAY[attnum]
                    AND conname = relname || '_' || attname || '_range'
                    AND convalidated
              )",
        offence: "ALTER TABLE users ADD COLUMN born date",
        found: "users.born",
    },
    Rule {
        name: "no number is a float",
        findings: "
            SELECT table_name || '.' || column_name
            FROM information_schema.columns
            WHERE table_schema = 'public'
              AND data_type IN ('real', 'double precision', 'money')",
        offence: "ALTER TABLE accounts ADD COLUMN interest real",
        found: "accounts.interest",
    },
    Rule {
        name: "every number with a fraction is of a domain",
        findings: "
            SELECT table_name || '.' || column_name
            FROM information_schema.columns
            WHERE table_schema = 'public'
              AND data_type = 'numeric'
              AND domain_name IS NULL",
        offence: "ALTER TABLE accounts ADD COLUMN credit numeric(12, 2)",
        found: "accounts.credit",
    },
    Rule {
        name: "every table has a comment",
        findings: "
            SELECT relname::text
            FROM pg_class
            WHERE relnamespace = 'public'::regnamespace
              AND relkind IN ('r', 'p', 'v', 'm')
              AND obj_description(oid, 'pg_class') IS NULL
              AND relname <> '_sqlx_migrations'",
        offence: "CREATE TABLE silent (id uuid PRIMARY KEY)",
        found: "silent",
    },
    Rule {
        name: "every column has a comment",
        findings: "
            SELECT relname || '.' || attname
            FROM pg_attribute
            JOIN pg_class ON pg_class.oid = attrelid
            WHERE relnamespace = 'public'::regnamespace
              AND relkind IN ('r', 'p', 'v', 'm')
              AND attnum > 0
              AND NOT attisdropped
              AND col_description(attrelid, attnum) IS NULL
              AND relname <> '_sqlx_migrations'",
        offence: "ALTER TABLE users ADD COLUMN nickname text",
        found: "users.nickname",
    },
    Rule {
        name: "every domain has a comment",
        findings: "
            SELECT typname::text
            FROM pg_type
            WHERE typnamespace = 'public'::regnamespace
              AND typtype = 'd'
              AND obj_description(oid, 'pg_type') IS NULL",
        offence: "CREATE DOMAIN unexplained AS text",
        found: "unexplained",
    },
    Rule {
        name: "no domain is NOT NULL",
        findings: "
            SELECT typname::text
            FROM pg_type
            WHERE typnamespace = 'public'::regnamespace
              AND typtype = 'd'
              AND typnotnull",
        offence: "CREATE DOMAIN required AS text NOT NULL",
        found: "required",
    },
    Rule {
        name: "every check of a domain has a name of its own",
        findings: "
            SELECT conname::text
            FROM pg_constraint
            JOIN pg_type ON pg_type.oid = contypid
            WHERE typnamespace = 'public'::regnamespace
              AND conname = typname || '_check'",
        offence: "CREATE DOMAIN nameless AS text CHECK (VALUE <> '')",
        found: "nameless_check",
    },
];

#[tokio::test]
async fn the_rules_of_the_catalog_hold() {
    let db = database().await;
    for rule in RULES {
        let findings: Vec<String> = column(&db, rule.findings).await.unwrap();
        assert!(findings.is_empty(), "{}: not {findings:?}", rule.name);
    }
    for rule in RULES {
        execute(&db, rule.offence).await.unwrap();
        let findings: Vec<String> = column(&db, rule.findings).await.unwrap();
        assert!(
            findings.contains(&rule.found.to_owned()),
            "{}: {} was not found in {findings:?}",
            rule.name,
            rule.found
        );
    }
}

/// The documents of the log are small, and so are most events, but an order's may be kilobytes.
#[tokio::test]
async fn documents_are_packed_with_lz4_where_the_server_can() {
    let db = database().await;
    let methods =
        "SELECT unnest(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'";
    let methods: Vec<String> = column(&db, methods).await.unwrap();
    let other = "
        SELECT attrelid::regclass || '.' || attname
        FROM pg_attribute
        JOIN pg_type ON pg_type.oid = atttypid
        JOIN pg_class ON pg_class.oid = attrelid AND relkind = 'r'
        WHERE typname LIKE '%\\_document'
          AND attnum > 0
          AND attcompression <> 'l'
        ORDER BY 1";
    let other: Vec<String> = column(&db, other).await.unwrap();
    if methods.contains(&"lz4".to_owned()) {
        assert_eq!(other, ["logs.data"]);
    } else {
        assert_eq!(other.len(), 6, "{other:?}");
    }
}

#[tokio::test]
async fn numbers_are_finite() {
    let db = database().await;
    let domains: Vec<String> = column(
        &db,
        "SELECT typname::text
         FROM pg_type
         WHERE typtype = 'd' AND typbasetype = 'numeric'::regtype AND typnamespace = 'public'::regnamespace",
    )
    .await
    .unwrap();
    assert!(domains.len() >= 9, "{domains:?}");
    for domain in &domains {
        let cast = async |value: &str| execute(&db, &format!("SELECT '{value}'::{domain}")).await;
        cast("0.5").await.unwrap();
        for value in ["NaN", "Infinity", "-Infinity"] {
            // Out of the type's digits (22003) or refused by the check.
            let error = cast(value).await.unwrap_err().to_string();
            assert!(
                error.contains("22003") || error.contains("not allowed by check"),
                "{value}::{domain}: {error}"
            );
        }
    }
}

#[tokio::test]
async fn domains_refuse_what_they_are_not() {
    let db = database().await;
    let long = "X".repeat(300);
    for (domain, good, bad, constraint) in [
        ("symbol", "BRK.B", "spy", "symbol_form"),
        ("symbol", "A", "FLAT", "symbol_form"),
        ("symbol", "FLATS", "NONE", "symbol_form"),
        ("symbol", "ABCDEFGHIJ", "ABCDEFGHIJK", "symbol_form"),
        ("symbol", "SPY", "SPY\n", "symbol_form"),
        ("instrument", "FLAT", "flat", "instrument_form"),
        ("account", "COUNCIL_2", "council", "account_form"),
        ("model", "openai/gpt-5.1", " x", "model_form"),
        ("pitch_label", "Pitch A", "Pitch AA", "pitch_label_form"),
        (
            "event_type",
            "order_placed",
            "order placed",
            "event_type_form",
        ),
        ("condition_type", "volatility", "", "condition_type_form"),
        (
            "condition_value",
            "very high",
            "high ",
            "condition_value_form",
        ),
        ("email", "ann@example.org", "ann", "email_form"),
        ("email", "a@b.c", &format!("{long}@b.c"), "email_form"),
        ("user_name", "Zoë", " Zoë", "user_name_form"),
        (
            "week_id",
            "2026-01-07",
            "2026-01-08",
            "week_id_is_wednesday",
        ),
        ("week_id", "9999-12-22", "9999-12-29", "week_id_range"),
        ("week_id", "0001-01-03", "infinity", "week_id_range"),
        ("direction", "SHORT", "SIDEWAYS", "direction_known"),
        ("provider", "gemini", "Gemini", "provider_known"),
        ("report_status", "pending", "banana", "report_status_known"),
        ("log_level", "WARNING", "WARN", "log_level_known"),
        ("fetch_type", "hourly", "weekly", "fetch_type_known"),
        ("fetch_status", "success", "banana", "fetch_status_known"),
        ("price", "0", "-0.0001", "price_not_negative"),
        ("amount", "0.01", "0", "amount_positive"),
        ("conviction", "-2", "7", "conviction_range"),
        ("conviction", "2.00", "2.01", "conviction_range"),
        ("weeks", "5200", "0", "weeks_positive"),
        ("balance", "0", "-0.01", "balance_not_negative"),
        ("volume", "0", "-1", "volume_not_negative"),
        ("correlation", "-1", "37.5", "correlation_range"),
        ("share", "1", "1.0001", "share_range"),
    ] {
        let cast = async |value: &str| execute(&db, &format!("SELECT '{value}'::{domain}")).await;
        assert!(cast(good).await.is_ok(), "{good}::{domain}");
        assert_eq!(refused_by(cast(bad).await), constraint, "{bad}::{domain}");
        assert!(
            execute(&db, &format!("SELECT NULL::{domain}"))
                .await
                .is_ok()
        );
    }
}

#[tokio::test]
async fn tables_refuse_rows_that_contradict_themselves() {
    let db = database().await;
    let pitch = |direction: &str, conviction: &str| {
        format!(
            r#"INSERT INTO pm_pitches (id, week_id, model, account, pitch_data)
               VALUES (gen_random_uuid(), '2026-01-07', 'm' || random(), 'A',
                       '{{"selected_instrument": "SPY", "direction": "{direction}", "conviction": {conviction},
                          "week_id": "2026-01-07", "pm_model": "m", "horizon": "1W", "entry_policy": {{}}, "risk_notes": ""}}')"#
        )
    };
    let bar = |values: &str| {
        format!("INSERT INTO daily_bars (symbol, date, high, low, close) VALUES ({values})")
    };
    let fetch = |values: &str| {
        format!(
            "INSERT INTO fetch_log (id, fetch_type, status, error_message)
             VALUES (gen_random_uuid(), 'daily', {values})"
        )
    };
    let log = |at: &str| {
        format!(
            "INSERT INTO logs (id, level, message, created_at)
             VALUES (gen_random_uuid(), 'INFO', 'm', '{at}')"
        )
    };
    let week = |start: &str, end: &str| {
        format!(
            "INSERT INTO weekly_performance (account, week_id, week_start, week_end, calculated_at)
             VALUES ('A', '2026-01-07', '{start}', '{end}', now())"
        )
    };
    for (good, bad, constraint) in [
        (
            bar("'SPY', '2026-01-07', 2, 1, 0"),
            bar("'QQQ', '2026-01-07', 1, 2, 0"),
            "daily_bars_high_low",
        ),
        (
            bar("'TLT', '2026-01-07', NULL, 1, 0"),
            bar("'QQQ', '2026-01-07', 2, 1, -1"),
            "price_not_negative",
        ),
        (
            pitch("LONG", "0.01"),
            pitch("LONG", "0"),
            "pm_pitches_conviction_sign",
        ),
        (
            pitch("SHORT", "-2"),
            pitch("SHORT", "1"),
            "pm_pitches_conviction_sign",
        ),
        (
            pitch("SHORT", "-0.01"),
            pitch("SHORT", "0"),
            "pm_pitches_conviction_sign",
        ),
        (
            pitch("FLAT", "0"),
            pitch("FLAT", "0.5"),
            "pm_pitches_conviction_sign",
        ),
        (
            pitch("LONG", "2"),
            pitch("LONG", "7"),
            "pitch_document_form",
        ),
        (
            pitch("LONG", "1.500"),
            pitch("LONG", "1.125"),
            "pitch_document_form",
        ),
        (
            pitch("LONG", "1"),
            pitch("SIDEWAYS", "1"),
            "pitch_document_form",
        ),
        (
            pitch("LONG", "1e0"),
            pitch("LONG", "true"),
            "pitch_document_form",
        ),
        (
            fetch("'success', NULL"),
            fetch("'success', 'why'"),
            "fetch_log_error_has_message",
        ),
        (
            fetch("'error', ''"),
            fetch("'error', NULL"),
            "fetch_log_error_has_message",
        ),
        (
            week("2026-01-07", "2026-01-07"),
            week("2026-01-07", "2026-01-06"),
            "weekly_performance_dates",
        ),
        (
            bar("'IEF', '9999-12-31', 2, 1, 0"),
            bar("'IEF', '10000-01-01', 2, 1, 0"),
            "daily_bars_date_range",
        ),
        (
            bar("'IEF', '0001-01-01', 2, 1, 0"),
            bar("'IEF', '0001-12-31 BC', 2, 1, 0"),
            "daily_bars_date_range",
        ),
        (
            log("9999-12-31 23:59:59.999999+00"),
            log("10000-01-01 00:00:00+00"),
            "logs_created_at_range",
        ),
        (
            log("0001-01-01 00:00:00+00"),
            log("-infinity"),
            "logs_created_at_range",
        ),
    ] {
        execute(&db, &good).await.unwrap();
        assert_eq!(refused_by(execute(&db, &bad).await), constraint, "{bad}");
    }
}

#[tokio::test]
async fn copies_of_the_document_cannot_drift() {
    let db = database().await;
    for (table, columns) in [
        ("pm_pitches", &["instrument", "direction", "conviction"][..]),
        ("execution_events", &["event_type"]),
    ] {
        for column in columns {
            let error = execute(&db, &format!("UPDATE {table} SET {column} = NULL")).await;
            let error = error.unwrap_err().to_string();
            assert!(error.contains("can only be updated to DEFAULT"), "{error}");
        }
    }
}
