//! Which columns take no NULL. docs/schema.md says it, whatever the migrations of the database under test say.

use std::collections::{BTreeMap, BTreeSet};

use crate::fixtures::{column, database};

const PAGE: &str = include_str!("../../../docs/schema.md");

/// The columns that the page calls NOT NULL, by table.
fn required() -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut tables: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    let mut table = "";
    let (tables_of_page, _) = PAGE.split_once("## Domains").unwrap();
    for line in tables_of_page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            table = heading;
        }
        let cells: Vec<&str> = line.split(" | ").collect();
        // | column | type | null | default | meaning |
        if let [first, _, null, ..] = cells[..]
            && let Some(name) = first.strip_prefix("| `")
            && null.is_empty()
        {
            let columns = tables.entry(table).or_default();
            columns.insert(name.trim_end_matches('`').to_owned());
        }
    }
    tables
}

#[tokio::test]
async fn a_column_takes_a_null_only_if_the_page_says_so() {
    let db = database().await;
    let required = required();
    assert!(required.len() >= 28, "{required:?}");
    for (table, columns) in &required {
        let sql = format!(
            "SELECT attname::text
             FROM pg_attribute
             WHERE attrelid = '{table}'::regclass AND attnum > 0 AND attnotnull AND NOT attisdropped"
        );
        let refusing: Vec<String> = column(&db, &sql).await.unwrap();
        assert_eq!(BTreeSet::from_iter(refusing), *columns, "{table}");
    }
    let tables = "SELECT oid::regclass::text FROM pg_class
         WHERE relnamespace::regnamespace::text IN ('public', 'adoption')
           AND relkind IN ('r', 'p')
           AND relname <> '_sqlx_migrations'";
    let tables: Vec<String> = column(&db, tables).await.unwrap();
    let named: BTreeSet<String> = required.keys().map(|table| (*table).to_owned()).collect();
    assert_eq!(BTreeSet::from_iter(tables), named);
}
