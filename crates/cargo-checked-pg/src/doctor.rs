//! `doctor`: whether a live database is the one that a crate was compiled for, and what to do if not.

use std::{fs, path::Path, time::Instant};

use anyhow::{Context, Result, bail};
use checked_pg::{Config, Db, Schema, db::Finding};
use serde::Serialize;
use sqlx::migrate::Migrator;

use crate::{
    Project,
    check::cache::{SCHEMA, STATEMENTS},
    migrations::{GOODBYE, file_name, migrator},
};

/// What was compared, and what is wrong.
#[derive(Debug, Serialize)]
pub struct Report {
    database: String,
    server_version: String,
    migrations: usize,
    statements: usize,
    elapsed_ms: f64,
    findings: Vec<Finding>,
}

/// Compares the database that `config` leads to with the recorded migrations and statements of the crate and of those below it.
/// Shows a report; an error if anything is wrong.
pub async fn run(project: &Project, config: &Config, json: bool) -> Result<()> {
    let mut schemas = Vec::new();
    for root in project.below.iter().chain([&project.root]) {
        schemas.push(recorded(root).await?);
    }
    let db = Db::connect(config).await?;
    let schemas: Vec<&Schema> = schemas.iter().collect();
    let report = examine(&db, config.place(), &schemas).await?;
    db.close(GOODBYE).await;
    match json {
        true => println!("{}", serde_json::to_string_pretty(&report)?),
        false => println!("{}", report.text()),
    }
    report.verdict()
}

/// Compares a database with what crates were compiled for.
pub async fn examine(db: &Db, database: String, schemas: &[&Schema]) -> Result<Report> {
    let start = Instant::now();
    let mut report = Report {
        database,
        server_version: String::new(),
        migrations: 0,
        statements: 0,
        elapsed_ms: 0.0,
        findings: Vec::new(),
    };
    for schema in schemas {
        let verification = db.verify(schema).await?;
        report.server_version = verification.server_version;
        report.migrations += verification.migrations;
        report.statements += verification.statements;
        for finding in verification.findings {
            // What is wrong with the server is wrong for each of them.
            if !report.findings.contains(&finding) {
                report.findings.push(finding);
            }
        }
    }
    report.elapsed_ms = start.elapsed().as_secs_f64() * 1_000.0;
    Ok(report)
}

impl Report {
    /// The report for people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = vec![
            format!("database  {}", self.database),
            format!("server    PostgreSQL {}", self.server_version),
            format!(
                "compared  settings, {}, {}, in {:.0} ms",
                count(self.migrations, "migration"),
                count(self.statements, "statement"),
                self.elapsed_ms
            ),
            String::new(),
        ];
        if self.findings.is_empty() {
            lines.push("healthy: the database is the one this program was built for".to_owned());
        }
        // What has the same remedy comes together, and the remedy once, below it.
        for group in self.findings.chunk_by(|a, b| a.advice == b.advice) {
            lines.extend(group.iter().map(|line| line.what.clone()));
            lines.extend(group.last().map(|line| format!("  → {}", line.advice)));
        }
        lines.join("\n")
    }

    /// An error if anything is wrong.
    pub fn verdict(&self) -> Result<()> {
        match self.findings.len() {
            0 => Ok(()),
            findings => bail!(
                "the database is not as it must be: {}, listed above with what to do",
                count(findings, "finding")
            ),
        }
    }
}

/// The migrations and the query cache in a crate's folder, as a build would put them into the program.
async fn recorded(root: &Path) -> Result<Schema> {
    let cache = root.join(".sqlx");
    let mut entries: Vec<&str> = Vec::new();
    for entry in fs::read_dir(&cache).into_iter().flatten() {
        let path = entry?.path();
        if file_name(&path)?.starts_with("query-") {
            entries.push(read(&path)?);
        }
    }
    let lock = |name| match cache.join(name) {
        path if path.is_file() => read(&path),
        _ => Ok(""),
    };
    let migrator = match root.join("migrations").is_dir() {
        true => migrator(root).await?,
        false => Migrator::DEFAULT,
    };
    Ok(Schema::new(
        migrator,
        entries.leak(),
        lock(STATEMENTS)?,
        lock(SCHEMA)?,
    ))
}

/// A file's text for as long as the program runs, as if it were compiled in.
fn read(path: &Path) -> Result<&'static str> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(text.leak())
}

pub(crate) fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}
