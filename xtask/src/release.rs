//! Keeps what a release was compiled for, so that the next one can be tried beside it.

use std::fs;

use anyhow::{Context, Result};
use cargo_checked_pg::migrations::{file_name, list};
use serde_json::Value;

use crate::project;

/// The number of the newest migration, then each statement of the query cache in a line, with its place.
const KEPT: &str = "tests/it/rollout/previous.jsonl";

pub fn keep() -> Result<()> {
    let newest = list(&project(""))?.pop().context("there is no migration")?;
    let number = file_name(&newest)?.split('_').next().unwrap_or_default();
    let number: i64 = number.parse().context("a migration has no number")?;
    let places = fs::read_to_string(project(".sqlx/statements.lock"))?;
    let mut lines = Vec::new();
    for line in places.lines() {
        let (hash, place) = line.split_once("  ").context(".sqlx/statements.lock")?;
        let file = project(&format!(".sqlx/query-{hash}.json"));
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let mut entry: Value = serde_json::from_str(&text)?;
        entry["place"] = place.into();
        lines.push(entry.to_string());
    }
    fs::write(project(KEPT), format!("{number}\n{}\n", lines.join("\n")))?;
    eprintln!(
        "{KEPT}: {} statements, migrations up to {number}",
        lines.len()
    );
    Ok(())
}
