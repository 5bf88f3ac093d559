//! The mistakes that no compiler can tell: the tests which their cases name are run, and must hold what the cases expect.

use std::{collections::HashMap, ffi::OsString, fs, process::Command};

use anyhow::{Context, Result, ensure};
use syn::{Item, spanned::Spanned};

use super::case::Case;
use crate::project;

const DESK: &str = "llm-trading-db";
const TOOL: &str = "cargo-checked-pg";

/// The tests that were run, by name.
pub struct Tests(HashMap<String, Test>);

struct Test {
    /// `ok`, `FAILED`, or `ignored` with the reason.
    outcome: String,
    source: String,
}

impl Tests {
    /// Runs the tests that the cases name: those of the desk, and those of the tool, which a case names with the crate before them.
    pub fn run(cases: &[&Case]) -> Result<Self> {
        let named = || cases.iter().flat_map(|case| &case.tests);
        let mut tests = HashMap::new();
        let of_desk = named().filter(|name| !name.contains(' '));
        run(DESK, of_desk.map(String::as_str), &mut tests)?;
        let of_tool = named().filter_map(|name| name.strip_prefix(TOOL)?.strip_prefix(' '));
        run(TOOL, of_tool, &mut tests)?;
        Ok(Self(tests))
    }

    /// What is wrong with a case that names tests.
    pub fn fault(&self, case: &Case) -> Option<String> {
        let mut sources = String::new();
        for name in &case.tests {
            let Some(test) = self.0.get(name) else {
                return Some(format!("{}: there is no test {name}", case.place));
            };
            if test.outcome != "ok" {
                return Some(format!("{}: {name} is {}", case.place, test.outcome));
            }
            sources.push_str(&test.source);
        }
        let missing = case.expect.iter().find(|part| !sources.contains(*part));
        missing.map(|part| format!("{}: no test of it has {part:?}", case.place))
    }
}

/// Runs these tests of a crate, and adds what became of them.
fn run<'a>(
    of: &str,
    names: impl Iterator<Item = &'a str>,
    tests: &mut HashMap<String, Test>,
) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let which: &[&str] = match of {
        DESK => &["--all-features", "--test", "it"],
        _ => &["--package", of, "--lib"],
    };
    let output = Command::new(cargo)
        .current_dir(project(""))
        .arg("test")
        .args(which)
        .args(["--", "--exact"])
        .args(names)
        .output()?;
    let before = tests.len();
    for line in String::from_utf8(output.stdout)?.lines() {
        let ran = line
            .strip_prefix("test ")
            .and_then(|line| line.split_once(" ... "));
        if let Some((name, outcome)) = ran {
            let test = Test {
                outcome: outcome.to_owned(),
                source: source(of, name)?,
            };
            let known_as = match of {
                DESK => name.to_owned(),
                _ => format!("{of} {name}"),
            };
            tests.insert(known_as, test);
        }
    }
    ensure!(
        tests.len() > before,
        "cargo could not run the tests of {of}:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// The source of a test, with all of its file that is no other test, without comments.
fn source(of: &str, name: &str) -> Result<String> {
    let (module, function) = name.rsplit_once("::").context("a test of no module")?;
    let path = module.replace("::", "/");
    let folder = match of {
        DESK => "tests/it".to_owned(),
        _ => format!("crates/{of}/src"),
    };
    let files = [
        format!("{folder}/{path}.rs"),
        format!("{folder}/{path}/mod.rs"),
    ];
    let file = files
        .iter()
        .map(|file| project(file))
        .find(|file| file.exists());
    let text = fs::read_to_string(file.with_context(|| format!("{name} has no file"))?)?;
    let is_other_test = |item: &Item| {
        let Item::Fn(item) = item else { return false };
        let is_test = |path: &syn::Path| {
            path.segments
                .last()
                .is_some_and(|last| last.ident == "test")
        };
        item.sig.ident != function && item.attrs.iter().any(|attr| is_test(attr.path()))
    };
    let items = syn::parse_file(&text)?.items;
    let lines = items
        .iter()
        .filter(|item| !is_other_test(item))
        .flat_map(|item| text[item.span().byte_range()].lines())
        .filter(|line| !line.trim_start().starts_with("//"));
    Ok(lines.collect::<Vec<_>>().join("\n").replace("\\\"", "\""))
}
