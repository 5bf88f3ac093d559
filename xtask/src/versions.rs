//! The tests that depend on what the server is, on another version of PostgreSQL than the installed one.

use std::{ops::RangeInclusive, path::PathBuf, process::Command, time::Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::project;

/// The versions that the desk runs on.
const SUPPORTED: RangeInclusive<u32> = 15..=18;
/// Modules of the desk's tests. The others are about this program, whatever the server.
const MODULES: [&str; 9] = [
    "migrations::",
    "schema::",
    "statements::",
    "plans::",
    "verify::",
    "cli::",
    "repo::",
    "rollout::",
    "sessions::",
];
/// What a server of any version must say the same of: the query cache and the page.
const RECORDS: [&[&str]; 3] = [
    &["prepare", "--check"],
    &["prepare", "--check", "crates/checked-pg"],
    &["schema", "--check"],
];

/// A fetched build.
struct Server {
    major: u32,
    binaries: PathBuf,
}

/// `words` are versions, then the names of tests, if only those matter.
pub fn run(words: &[&str]) -> Result<()> {
    let (numbers, names): (Vec<&str>, Vec<&str>) =
        words.iter().partition(|word| word.parse::<u32>().is_ok());
    let majors: Vec<u32> = numbers
        .iter()
        .filter_map(|word| word.parse().ok())
        .collect();
    ensure!(!majors.is_empty(), "say which version, such as 18");
    if let Some(major) = majors.iter().find(|major| !SUPPORTED.contains(major)) {
        bail!("PostgreSQL {major} is not supported: the desk runs on {SUPPORTED:?}");
    }
    let servers: Vec<Server> = majors.into_iter().map(server).collect::<Result<_>>()?;
    // All tests first: `prepare` makes cargo compile the crate again.
    for server in &servers {
        let names = if names.is_empty() {
            &MODULES[..]
        } else {
            &names
        };
        let arguments = ["test", "--quiet", "--all-features", "--test", "it", "--"];
        cargo(server, &[&arguments[..], names].concat())?;
    }
    let records: &[_] = if names.is_empty() { &RECORDS } else { &[] };
    for server in &servers {
        for record in records {
            let arguments = ["run", "--quiet", "--package", "cargo-checked-pg", "--"];
            cargo(server, &[&arguments[..], record].concat())?;
        }
    }
    Ok(())
}

fn server(major: u32) -> Result<Server> {
    let binaries = checked_pg_server::pinned(major)?;
    Ok(Server { major, binaries })
}

/// Runs cargo on the desk with the programs of this server.
fn cargo(server: &Server, arguments: &[&str]) -> Result<()> {
    let what = format!("PostgreSQL {}: cargo {}", server.major, arguments.join(" "));
    eprintln!("+ {what}");
    let begun = Instant::now();
    let mut command = Command::new("cargo");
    command
        .args(arguments)
        .env("PG_BIN", &server.binaries)
        .current_dir(project(""));
    let status = command.status().context("cannot run cargo")?;
    ensure!(status.success(), "{what} failed");
    eprintln!("  in {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_versions_are_told() {
        let told = |words: &[&str]| run(words).unwrap_err().to_string();
        assert_eq!(
            told(&["14"]),
            "PostgreSQL 14 is not supported: the desk runs on 15..=18"
        );
        assert_eq!(told(&["plans::"]), "say which version, such as 18");
    }

    #[test]
    fn every_module_is_there() {
        for module in MODULES {
            let path = project("tests/it").join(module.trim_end_matches("::"));
            let found = path.with_extension("rs").exists() || path.join("mod.rs").exists();
            assert!(found, "no tests in {}", path.display());
        }
    }
}
