//! `doctor`: whether the live database is the one that this program was compiled for, and what to do if not; and what is asked
//! before a deploy: which rights a role needs, and whether this program goes with the next schema.

mod rows;

use std::path::PathBuf;

use anyhow::{Result, bail};
use cargo_checked_pg::{
    doctor,
    rollout::{self, Work},
};
use clap::ValueEnum;
use llm_trading_db::{SCHEMA, db::Finding};

use super::count;
use crate::{
    connect::Session,
    output::{self, Format},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Instead: read every row, and list those whose values do not fit their types
    #[arg(long, conflicts_with_all = ["against", "grants"])]
    rows: bool,

    #[command(flatten)]
    format: Format,

    /// Instead: print the least rights that this role needs, as SQL; needs no database
    #[arg(long, value_name = "ROLE", conflicts_with_all = ["against", "json"])]
    grants: Option<String>,

    /// With --grants: what the role is for
    #[arg(
        long = "for",
        value_name = "WORK",
        default_value = "write",
        requires = "grants"
    )]
    work: Role,

    /// Instead: compare this program with the schema that these migrations make, on a throwaway server; needs no database
    #[arg(long, value_name = "MIGRATIONS")]
    against: Option<PathBuf>,
}

/// What a role is for.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Role {
    /// To read.
    Read,
    /// To read and write.
    Write,
    /// To migrate.
    Migrate,
}

impl Args {
    /// Answers what needs no database; false if one is needed.
    pub(crate) async fn run_aside(&self) -> Result<bool> {
        if let Some(role) = &self.grants {
            let work = match self.work {
                Role::Read => Work::Read,
                Role::Write => Work::Write,
                Role::Migrate => Work::Migrate,
            };
            let grants = rollout::grants(&SCHEMA, role, work).await?;
            output::text(grants.trim_end())?;
        } else if let Some(folder) = &self.against {
            let findings = rollout::against(&SCHEMA, folder).await?;
            against(&findings, self.format.json)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}

fn against(findings: &[Finding], json: bool) -> Result<()> {
    let mut lines: Vec<&str> = findings
        .iter()
        .map(|finding| finding.what.as_str())
        .collect();
    let advice = findings
        .last()
        .map(|finding| format!("  → {}", finding.advice));
    lines.extend(advice.as_deref());
    match (json, lines.is_empty()) {
        (true, _) => output::json(&findings)?,
        (false, true) => output::text("this program goes with the next schema")?,
        (false, false) => output::text(&lines.join("\n"))?,
    }
    match findings.len() {
        0 => Ok(()),
        number => bail!(
            "this program does not go with the next schema: {}, listed above",
            count(number as u64, "finding")
        ),
    }
}

pub(crate) async fn run(session: &Session, args: &Args) -> Result<()> {
    if args.rows {
        return rows::run(session, args.format).await;
    }
    let report = doctor::examine(&session.db, session.place().to_owned(), &[&SCHEMA]).await?;
    match args.format.json {
        true => output::json(&report)?,
        false => output::text(&report.text())?,
    }
    report.verdict()
}
