//! The findings of a crate, each with its place.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result, ensure};
use checked_pg_server::EmbeddedServer;
use serde::Deserialize;
use sqlx::{Connection, PgConnection};

use super::Inspector;
use crate::{
    Project,
    check::source::{self, Call},
    doctor::count,
};

/// An entry of the cache.
#[derive(Deserialize)]
struct Entry {
    query: String,
}

/// The views there are, by name.
pub async fn views(server: &EmbeddedServer) -> Result<BTreeSet<String>> {
    let mut db = PgConnection::connect_with(&server.options()).await?;
    let names: Vec<String> =
        sqlx::query_scalar("SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('v', 'm')")
            .fetch_all(&mut db)
            .await?;
    db.close().await?;
    Ok(names.into_iter().collect())
}

/// Fails with all that the recorded statements and the crate's own views mix up. `below` are the views of the crates below.
pub async fn check(
    server: &EmbeddedServer,
    project: &Project,
    recorded: &Path,
    below: &BTreeSet<String>,
) -> Result<()> {
    let findings = findings(server, project, recorded, below).await?;
    ensure!(
        findings.is_empty(),
        "{}; .sqlx is as it was:\n{}",
        count(findings.len(), "finding"),
        findings.join("\n")
    );
    Ok(())
}

/// What the recorded statements and the crate's own views mix up, a line each.
pub async fn findings(
    server: &EmbeddedServer,
    project: &Project,
    recorded: &Path,
    below: &BTreeSet<String>,
) -> Result<Vec<String>> {
    let calls = source::calls_below(&project.root, "src")?;
    let mut places: BTreeMap<&str, &Call> = BTreeMap::new();
    for call in &calls {
        places.entry(&call.sql).or_insert(call);
    }
    let db = PgConnection::connect_with(&server.options()).await?;
    let mut inspector = Inspector::open(db, project.compatible.clone()).await?;
    let mut findings = BTreeSet::new();
    for sql in statements(recorded)? {
        let call = places.get(sql.as_str());
        let place = match call {
            Some(call) => format!("{}:{} ({})", call.file.display(), call.line, call.place),
            None => format!("`{}`", beginning(&sql)),
        };
        let found = inspector.examine(&sql).await.unwrap_or_else(|error| {
            vec![format!(
                "PostgreSQL does not analyse the statement: {error:#}"
            )]
        });
        let allowed = |finding: &String| {
            let mut escapes = project.allowed.iter();
            escapes.any(|escape| {
                call.is_some_and(|call| call.file == escape.file)
                    && sql.contains(&escape.text)
                    && finding.contains(&escape.text)
            })
        };
        let found = found.into_iter().filter(|finding| !allowed(finding));
        findings.extend(found.map(|finding| format!("{place}: {finding}")));
    }
    for view in inspector.catalog.views() {
        if !below.contains(&view.name) {
            let found = inspector.mixed_domains(&view.query).into_iter();
            findings.extend(found.map(|finding| format!("view {}: {finding}", view.name)));
        }
    }
    inspector.close().await?;
    Ok(findings.into_iter().collect())
}

/// The recorded statements in the order of their files.
fn statements(recorded: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(recorded)? {
        files.push(entry?.path());
    }
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    });
    files.sort();
    let read = |path| -> Result<String> {
        let entry: Entry = serde_json::from_slice(&fs::read(path)?)?;
        Ok(entry.query)
    };
    let statements = files.iter().map(read);
    statements
        .collect::<Result<_>>()
        .context("the recorded statements cannot be read")
}

/// The first words of a statement.
fn beginning(sql: &str) -> String {
    let words: Vec<_> = sql.split_whitespace().take(8).collect();
    words.join(" ") + " …"
}
