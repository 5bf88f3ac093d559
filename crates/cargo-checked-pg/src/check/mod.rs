//! What needs no database: the rules over the sources, and a query cache that is of these statements and migrations.

pub mod cache;
pub mod rules;
pub mod source;
pub mod sql;

use anyhow::{Result, bail};

use crate::Project;

/// Fails with every finding, a line each.
pub fn run(project: &Project) -> Result<()> {
    let findings = findings(project)?;
    if !findings.is_empty() {
        bail!("{} findings:\n{}", findings.len(), findings.join("\n"));
    }
    eprintln!(
        "{}: the sources and the query cache are in order",
        project.package
    );
    Ok(())
}

/// What the crate breaks, a line each.
pub fn findings(project: &Project) -> Result<Vec<String>> {
    let root = &project.root;
    let calls = source::calls_below(root, "src")?;
    let mut findings = cache::stale(root, &calls)?;
    let mut all = calls;
    if root.join("examples").is_dir() {
        all.extend(source::calls_below(root, "examples")?);
    }
    findings.extend(source::hidden_calls(root, "src")?);
    findings.extend(rules::findings(&all, &project.allowed));
    findings.extend(rules::unused_escapes(root, &project.allowed)?);
    Ok(findings)
}
