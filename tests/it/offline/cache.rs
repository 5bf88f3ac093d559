//! The committed query cache is complete, holds nothing else, and is of these migrations.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::source::calls_below;

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn every_statement_has_an_entry_and_every_entry_a_statement() {
    let calls = calls_below("src");
    let wanted: BTreeSet<String> = calls
        .iter()
        .map(|call| format!("query-{}.json", hex(call.sql.as_bytes())))
        .collect();
    let stored: BTreeSet<String> = fs::read_dir(root(".sqlx"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("query-"))
        .collect();
    let missing: Vec<String> = calls
        .iter()
        .filter(|call| !stored.contains(&format!("query-{}.json", hex(call.sql.as_bytes()))))
        .map(|call| format!("{}:{}", call.file.display(), call.line))
        .collect();
    let unused: Vec<&String> = stored.difference(&wanted).collect();
    assert!(
        missing.is_empty() && unused.is_empty(),
        "run `just prepare`: statements without an entry in .sqlx: {missing:?}; entries without a statement: {unused:?}"
    );
}

#[test]
fn every_entry_is_of_the_statement_it_is_named_after() {
    for entry in fs::read_dir(root(".sqlx")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ext| ext != "json") {
            continue;
        }
        let data: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let name = format!(
            "query-{}.json",
            hex(data["query"].as_str().unwrap().as_bytes())
        );
        assert_eq!(
            path.file_name().unwrap().to_str(),
            Some(name.as_str()),
            "run `just prepare`"
        );
    }
}

/// What `Db::verify` names a statement by.
#[test]
fn every_statement_is_listed_with_its_place() {
    let lines: BTreeSet<String> = calls_below("src")
        .iter()
        .map(|call| format!("{}  {}\n", hex(call.sql.as_bytes()), call.place))
        .collect();
    let locked = fs::read_to_string(root(".sqlx/statements.lock")).unwrap();
    assert_eq!(
        locked,
        lines.into_iter().collect::<String>(),
        "a statement has moved: run `just prepare`"
    );
}

/// A change of the schema leaves the offline build green; this lock turns it red.
#[test]
fn the_cache_is_of_these_migrations() {
    let mut files: Vec<PathBuf> = fs::read_dir(root("migrations"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let line = |path: &PathBuf| {
        format!(
            "{}  {}\n",
            hex(&fs::read(path).unwrap()),
            path.file_name().unwrap().to_str().unwrap()
        )
    };
    let now: String = files.iter().map(line).collect();
    let locked = fs::read_to_string(root(".sqlx/migrations.lock")).unwrap();
    assert_eq!(
        locked, now,
        "the migrations have changed since the cache was made: run `just prepare`"
    );
}
