//! `doctor --rows`: the rows that this program cannot read.

use anyhow::{Result, bail};
use llm_trading_db::repo::rows::{self, Misfit, Scanned};
use serde::Serialize;

use crate::{
    commands::count,
    connect::Session,
    output::{self, Format},
};

/// The report as JSON.
#[derive(Serialize)]
struct Report<'a> {
    database: &'a str,
    tables: u64,
    rows: u64,
    misfits: &'a [Misfit],
}

pub(super) async fn run(session: &Session, format: Format) -> Result<()> {
    let mut misfits = Vec::new();
    let types = rows::types();
    let scanned = types
        .misfits(&session.db, |misfit| misfits.push(misfit))
        .await?;
    match format.json {
        true => output::json(&Report {
            database: session.place(),
            tables: scanned.tables,
            rows: scanned.rows,
            misfits: &misfits,
        })?,
        false => output::text(&render(session.place(), &scanned, &misfits))?,
    }
    if !scanned.unknown.is_empty() {
        let unknown: Vec<&str> = scanned.unknown.iter().map(String::as_str).collect();
        crate::say(&format!(
            "not read: values of the domains of other programs: {}",
            unknown.join(", ")
        ));
    }
    match scanned.misfits {
        0 => Ok(()),
        rows => bail!(
            "{} cannot be read, listed above: correct the values, or remove the rows",
            count(rows, "row")
        ),
    }
}

fn render(database: &str, scanned: &Scanned, misfits: &[Misfit]) -> String {
    let mut lines = vec![
        format!("database  {database}"),
        format!(
            "read      {} of {}",
            count(scanned.rows, "row"),
            count(scanned.tables, "table")
        ),
        String::new(),
    ];
    if misfits.is_empty() {
        lines.push("healthy: every row fits its types".to_owned());
    }
    let told = misfits.iter().map(ToString::to_string);
    lines.extend(told.map(|line| crate::harmless(&line)));
    lines.join("\n")
}
