//! Every wrong cast that can be made in any statement of the crate is found when the statement is prepared; PostgreSQL itself
//! takes nearly all of them.

#![allow(
    clippy::disallowed_methods,
    reason = "the catalog is read on connections of their own"
)]

use std::{collections::BTreeMap, fs, path::Path};

use cargo_checked_pg::{
    Project,
    check::{
        rules,
        sql::{Token, tokens},
    },
    inspect::Inspector,
};
use sqlx::{Connection, PgConnection};

use super::support::database_options;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Wrong casts that no check of types can tell, by the cast and the one in its place, with the reason.
const SAME: &[(&str, &str, &str)] = &[(
    "amount",
    "balance",
    "a balance may be added to a balance; the argument's type in Rust is another then",
)];

async fn inspector() -> Inspector {
    let db = PgConnection::connect_with(&database_options().await)
        .await
        .unwrap();
    let project = Project::open(Path::new(ROOT)).unwrap();
    Inspector::open(db, project.compatible).await.unwrap()
}

fn statements() -> Vec<String> {
    let entries = fs::read_dir(Path::new(ROOT).join(".sqlx")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    paths.sort();
    let query = |path| {
        let entry: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        entry["query"].as_str().unwrap().to_owned()
    };
    paths.iter().map(query).collect()
}

/// The domains by the type below them.
async fn domains() -> BTreeMap<String, Vec<String>> {
    let mut db = PgConnection::connect_with(&database_options().await)
        .await
        .unwrap();
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT typbasetype::regtype::text, typname::text FROM pg_type WHERE typtype = 'd'
           AND typnamespace = 'public'::regnamespace ORDER BY 2",
    )
    .fetch_all(&mut db)
    .await
    .unwrap();
    let mut domains = BTreeMap::new();
    for (base, domain) in rows {
        domains.entry(base).or_insert_with(Vec::new).push(domain);
    }
    domains
}

/// The statement with the word at a token replaced.
fn with(sql: &str, token: &Token, word: &str) -> String {
    let end = token.at + token.text.len();
    format!("{}{word}{}", &sql[..token.at], &sql[end..])
}

#[tokio::test]
async fn every_wrong_cast_is_found() {
    let mut inspector = inspector().await;
    let domains = domains().await;
    let types = Project::open(Path::new(ROOT)).unwrap().declared.types;
    // An expression has no domain; what its column is to be in Rust has.
    let annotated = |sql: &str| rules::annotations(sql, &types);
    let (mut made, mut refused, mut missed) = (0, 0, Vec::new());
    for sql in statements() {
        let tokens = tokens(&sql);
        for pair in tokens.windows(2).filter(|pair| pair[0].text == "::") {
            let is = &pair[1].text;
            let alike = domains.values().find(|alike| alike.contains(is));
            for other in alike.into_iter().flatten().filter(|other| *other != is) {
                let wrong = with(&sql, &pair[1], other);
                made += 1;
                match inspector.tree(&wrong).await {
                    Err(_) => refused += 1,
                    Ok(tree) => {
                        let found = inspector.mixed_domains(&tree.unwrap());
                        let same = SAME.iter().any(|(one, two, _)| one == is && two == other);
                        if found.is_empty() && !same && annotated(&wrong) == annotated(&sql) {
                            missed.push(format!("{is} to {other}: {wrong}"));
                        }
                    }
                }
            }
        }
    }
    println!("{made} wrong casts, {refused} of them refused by PostgreSQL itself");
    assert!(made > 1000, "{made}");
    assert!(missed.is_empty(), "{}\n{}", missed.len(), missed.join("\n"));
}
