//! What needs no database: the rules over the sources, and a query cache that is of these statements and migrations.

pub mod bans;
pub mod cache;
pub mod migrations;
pub mod rules;
pub mod source;
pub mod sql;

use anyhow::{Result, bail, ensure};

use crate::{
    Project, compile,
    doctor::count,
    overrides::{self, catalog::Catalog},
};

/// Compiles the crate against its query cache, with the bans of `clippy.toml`, and fails with every finding, a line each.
pub fn run(project: &Project, arguments: &[String]) -> Result<()> {
    let compiles = compile::check_bans(project, &[("SQLX_OFFLINE", "true".as_ref())], arguments)?;
    let findings = findings(project)?;
    if !findings.is_empty() {
        bail!(
            "{}:\n{}",
            count(findings.len(), "finding"),
            findings.join("\n")
        );
    }
    ensure!(compiles, "the crate does not compile, see above");
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
    findings.extend(stale_settings(project)?);
    findings.extend(bans::missing(root)?);
    findings.extend(source::hidden_calls(root, "src")?);
    findings.extend(source::backstage(root, "src")?);
    findings.extend(migrations::findings(root, &project.allowed)?);
    findings.extend(rules::findings(&all, rules::Known::of(project)));
    findings.extend(rules::unused_escapes(root, &project.allowed)?);
    Ok(findings)
}

/// Whether `sqlx.toml` is the one that the recorded schema and `Cargo.toml` make.
fn stale_settings(project: &Project) -> Result<Vec<String>> {
    let catalog = Catalog::recorded(&project.path(".sqlx"))?;
    Ok(match overrides::settings(project, &catalog)? {
        Err(missing) => missing,
        Ok(settings) if settings.are_stale() => vec![
            "sqlx.toml is of other types and columns; run `cargo checked-pg prepare`".to_owned(),
        ],
        Ok(_) => Vec::new(),
    })
}
