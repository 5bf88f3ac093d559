//! `doctor`: whether the live database is the one that this program was compiled for, and what to do if not.

use std::time::Instant;

use anyhow::{Result, bail};
use llm_trading_db::db::{Finding, Verification};
use serde::Serialize;

use super::count;
use crate::{
    connect::Session,
    output::{self, Format},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    format: Format,
}

/// The report as JSON.
#[derive(Serialize)]
struct Report<'a> {
    database: &'a str,
    server_version: &'a str,
    migrations: usize,
    statements: usize,
    elapsed_ms: f64,
    findings: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    what: &'a str,
    advice: &'a str,
}

pub(crate) async fn run(session: &Session, args: &Args) -> Result<()> {
    let start = Instant::now();
    let verification = session.db.verify(&llm_trading_db::SCHEMA).await?;
    let report = report(session.place(), &verification, start);
    match args.format.json {
        true => output::json(&report)?,
        false => output::text(&render(&report))?,
    }
    match report.findings.len() {
        0 => Ok(()),
        findings => bail!(
            "the database is not as it must be: {}, listed above with what to do",
            count(findings as u64, "finding")
        ),
    }
}

fn report<'a>(database: &'a str, of: &'a Verification, start: Instant) -> Report<'a> {
    let line = |finding: &'a Finding| Line {
        what: &finding.what,
        advice: &finding.advice,
    };
    Report {
        database,
        server_version: &of.server_version,
        migrations: of.migrations,
        statements: of.statements,
        elapsed_ms: start.elapsed().as_secs_f64() * 1_000.0,
        findings: of.findings.iter().map(line).collect(),
    }
}

fn render(report: &Report<'_>) -> String {
    let mut lines = vec![
        format!("database  {}", report.database),
        format!("server    PostgreSQL {}", report.server_version),
        format!(
            "compared  settings, {}, {}, in {:.0} ms",
            count(report.migrations as u64, "migration"),
            count(report.statements as u64, "statement"),
            report.elapsed_ms
        ),
        String::new(),
    ];
    if report.findings.is_empty() {
        lines.push("healthy: the database is the one this program was built for".to_owned());
    }
    // What has the same remedy comes together, and the remedy once, below it.
    for group in report.findings.chunk_by(|a, b| a.advice == b.advice) {
        lines.extend(group.iter().map(|finding| finding.what.to_owned()));
        lines.extend(
            group
                .last()
                .map(|finding| format!("  → {}", finding.advice)),
        );
    }
    lines.join("\n")
}
