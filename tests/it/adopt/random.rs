//! Old databases with any text in any column: none stops the adoption, and none gets lost.

use super::{adopting::adopt, old::Old, rows::rows};
use crate::cli::{binary, end};

/// Texts that some column once held, or might have.
const TEXTS: [&str; 48] = [
    "",
    "  ",
    "null",
    "NaN",
    "Infinity",
    "-inf",
    "1e400",
    "-1e-400",
    "0x10",
    "1_000",
    "１２",
    "{}",
    "[]",
    "\"\"",
    "{\"a\": 1",
    "\"{\\\"a\\\": 1}\"",
    "true",
    "2026-02-30",
    "2026-2-1",
    "20260211",
    "2026-W07",
    "2026-02-11T25:00:00Z",
    "2026-02-11T12:00:00+99:99",
    "0001-01-01",
    "9999-12-31T23:59:60Z",
    "10000-01-01",
    "-0044-03-15",
    "2026-02-11 12:00:00 America/New_York",
    "now",
    "infinity",
    "\t",
    "a\nb",
    "ſpy",
    "^VIX",
    "FLAT",
    "long",
    "groq",
    "-7",
    "999999999999999999999",
    "1.23456789012345678901234567890",
    "$5.00",
    "{\"price\": \"5\"}",
    "{\"conviction\": true}",
    "{\"event_type\": 5}",
    "{\"a\": \"\\u0000\"}",
    "\\ud800",
    "%I'--",
    "\u{202e}🙂",
];

/// A small generator, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        // Xorshift, by Marsaglia.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }
}

/// Statements that put such texts into columns of all tables, take some columns away, and repeat rows.
fn spoil(columns: &[String], random: &mut Random) -> String {
    let mut sql = String::new();
    for column in columns {
        let (table, column) = column.split_once(' ').unwrap();
        if random.below(16) == 0 {
            sql += &format!("ALTER TABLE {table} DROP COLUMN {column} CASCADE;\n");
            continue;
        }
        sql += &format!(
            "ALTER TABLE {table} ALTER {column} DROP DEFAULT, ALTER {column} DROP NOT NULL;\n"
        );
        if random.below(3) == 0 {
            sql += &format!(
                "UPDATE {table} SET {column} = NULL WHERE ctid = (SELECT max(ctid) FROM {table});\n"
            );
            continue;
        }
        sql += &format!("ALTER TABLE {table} ALTER {column} TYPE text USING {column}::text;\n");
        for _ in 0..1 + random.below(3) {
            let text = TEXTS[random.below(TEXTS.len())].replace('\'', "''");
            let at = random.below(8);
            sql += &format!(
                "UPDATE {table} SET {column} = '{text}' WHERE ctid = (SELECT ctid FROM {table} ORDER BY ctid OFFSET {at} LIMIT 1);\n"
            );
        }
    }
    let tables: Vec<&str> = columns
        .iter()
        .map(|c| c.split_once(' ').unwrap().0)
        .collect();
    let again = tables[random.below(tables.len())];
    sql + &format!("INSERT INTO {again} SELECT * FROM {again};\n")
}

async fn adopted_or_listed(seed: u64) {
    let old = Old::new().await;
    old.run(&rows()).await;
    let mut random = Random(seed);
    // Since version 18, a NOT NULL is a constraint, too.
    let constraints =
        "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', conrelid::regclass, conname)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'";
    for drop in old.texts(constraints).await {
        old.run(&drop).await;
    }
    old.run("DROP INDEX idx_chairman_decisions_week_research; DROP VIEW v_latest_daily, v_account_history")
        .await;
    // The keys by which the tables are known stay.
    let columns = "SELECT table_name || ' ' || quote_ident(column_name) FROM information_schema.columns JOIN pg_tables ON tablename = table_name
        WHERE table_schema = 'public' AND column_name NOT IN ('id', 'week_id') ORDER BY table_name, ordinal_position";
    let sql = spoil(&old.texts(columns).await, &mut random);
    old.run(&sql).await;

    let ended = adopt(&old, &["--json"]);
    assert!(
        matches!(ended.code, Some(0 | 3)),
        "seed {seed}: {ended:?}\n{sql}"
    );
    let report: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    for table in report["tables"].as_array().unwrap() {
        let number = |field: &str| table[field].as_u64().unwrap();
        let name = table["name"].as_str().unwrap();
        let legacy = old
            .text(&format!("SELECT count(*)::text FROM legacy.{name}"))
            .await;
        assert_eq!(number("legacy").to_string(), legacy, "seed {seed}: {name}");
        if table["recomputed"] == true {
            continue;
        }
        // Counted here once more, where they are.
        let there = old
            .text(&format!("SELECT count(*)::text FROM public.{name}"))
            .await;
        assert_eq!(number("adopted").to_string(), there, "seed {seed}: {name}");
        let listed =
            format!("SELECT count(*)::text FROM adoption.refused WHERE table_name = '{name}'");
        assert_eq!(
            number("refused").to_string(),
            old.text(&listed).await,
            "seed {seed}: {name}"
        );
        assert_eq!(
            number("legacy"),
            number("adopted") + number("refused"),
            "seed {seed}: {name}"
        );
    }
    end(binary(&old.url).args(["doctor", "--rows"])).ok();
    // Once more, and nothing changes.
    let listed =
        "SELECT table_name || ' ' || legacy_key || ' ' || code FROM adoption.refused ORDER BY 1";
    let before = old.texts(listed).await;
    let again = adopt(&old, &["--again", "--json"]);
    assert!(matches!(again.code, Some(0 | 3)), "seed {seed}: {again:?}");
    let after = old.texts(listed).await;
    let gone: Vec<_> = before.iter().filter(|line| !after.contains(line)).collect();
    let new: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
    assert!(
        gone.is_empty() && new.is_empty(),
        "seed {seed}: {gone:?}, {new:?}"
    );
}

#[tokio::test]
async fn any_text_in_any_column_is_adopted_or_listed() {
    for seed in [3, 150_461, 237_570] {
        adopted_or_listed(seed).await;
    }
}

#[tokio::test]
#[ignore = "takes minutes; `just soak` runs it"]
async fn soak_of_any_text_in_any_column() {
    for seed in 2..40 {
        adopted_or_listed(seed * 7_919).await;
    }
}
