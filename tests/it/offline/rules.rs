//! The rules that close what sqlx leaves open: the sources obey them; each has a case that fires and one that does not.

use std::path::Path;

use super::{
    source::{self, calls_below, calls_in},
    sql,
};

#[path = "../../../xtask/src/rules.rs"]
mod imposed;

use imposed::{ALLOWED, findings};

#[test]
fn the_sources_obey_every_rule() {
    let mut calls = calls_below("src");
    assert!(calls.len() > 50, "only {} calls found", calls.len());
    calls.extend(calls_below("examples"));
    let findings = findings(&calls);
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn every_allowed_escape_is_in_use() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (file, text, reason) in ALLOWED {
        let source = std::fs::read_to_string(root.join(file)).unwrap();
        assert!(
            source.contains(text),
            "{file} has no {text} any more ({reason})"
        );
    }
}

/// They are no members of the workspace: nothing but this keeps their lints alike.
#[test]
fn packages_of_their_own_have_the_lints_of_the_workspace() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lints = |file: &str| {
        let manifest = std::fs::read_to_string(root.join(file)).unwrap();
        let (_, lints) = manifest.split_once("lints.rust]\n").unwrap();
        lints.replace("[workspace.", "[")
    };
    for file in ["benches/Cargo.toml", "examples/consumer/Cargo.toml"] {
        assert_eq!(lints(file), lints("Cargo.toml"), "{file}");
    }
}

/// Each case: a call, and a part of the finding it must give, or none.
#[test]
fn rules_fire_and_only_when_they_should() {
    let cases = [
        (r#"query_unchecked!("SELECT 1")"#, Some("checks no types")),
        (
            r#"query_as_unchecked!(Row, "SELECT 1 AS a")"#,
            Some("use `query_as!`"),
        ),
        (r#"query!("SELECT 1")"#, None),
        (r#"query!("SELECT $1", x as _)"#, Some("`as _`")),
        (
            r#"query!("SELECT $1", x as serde_json::Value)"#,
            Some("`as Value`"),
        ),
        (r#"query!("SELECT $1", i64::from(x))"#, None),
        (
            r##"query!(r#"SELECT data AS "data: Json<Other>" FROM logs"#)"##,
            Some("sqlx.toml"),
        ),
        (r##"query!(r#"SELECT data AS "data!" FROM logs"#)"##, None),
        (r#"query!("SELECT * FROM logs")"#, Some("name them")),
        (
            r#"query!("SELECT id, logs.* FROM logs")"#,
            Some("name them"),
        ),
        (
            r#"query!("DELETE FROM logs RETURNING *")"#,
            Some("name them"),
        ),
        (r#"query!("SELECT count(*), 2 * 3 FROM logs")"#, None),
        (
            r#"query!("INSERT INTO t (a) SELECT * FROM UNNEST($1::text[])", x)"#,
            None,
        ),
        (
            r#"query!("SELECT a.id, b.id FROM a LEFT JOIN b ON true")"#,
            Some("`b.id`"),
        ),
        (
            r##"query!(r#"SELECT a.id, b.id AS "b_id!" FROM a LEFT JOIN b ON true"#)"##,
            Some("outer join"),
        ),
        (
            r#"query!("SELECT id FROM a LEFT JOIN b ON true")"#,
            Some("of which table"),
        ),
        (
            r##"query!(r#"SELECT a.id, b.id AS "b_id?" FROM a LEFT JOIN b ON true"#)"##,
            None,
        ),
        (
            r##"query!(r#"SELECT a.id, count(b.id) AS "n!" FROM a LEFT JOIN b ON true"#)"##,
            None,
        ),
        (r#"query!("SELECT a.id, b.id FROM a JOIN b ON true")"#, None),
        (
            r#"query!("SELECT 1"); query!("SELECT  1")"#,
            Some("white space only"),
        ),
        (r#"query!("SELECT 1"); query!("SELECT 1")"#, None),
    ];
    for (code, expected) in cases {
        let source = format!("fn f() {{ {code}; }}");
        let findings = findings(&calls_in(Path::new("f.rs"), &source));
        match expected {
            Some(part) => {
                assert_eq!(findings.len(), 1, "{code}: {findings:?}");
                assert!(
                    findings[0].starts_with("f.rs:1: ") && findings[0].contains(part),
                    "{code}: {findings:?}"
                );
            }
            None => assert!(findings.is_empty(), "{code}: {findings:?}"),
        }
    }
}
