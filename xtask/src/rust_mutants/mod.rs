//! Mutation testing of what the desk computes in Rust: services, documents and types.
//!
//! All mistakes are compiled into one binary, each behind a question that the environment answers. A first run records which tests
//! come by which mistake; each mistake is then run with those.

mod runs;
mod sites;
mod switched;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use self::{
    runs::Tests,
    sites::{Kind, Site},
};
use crate::{commit, project, score};

const FOLDERS: [&str; 3] = ["src/documents", "src/service", "src/types"];
const LIST: &str = "rust-mutants.txt";

/// A mistake at its place.
struct Mutant {
    file: String,
    site: Site,
    killed: bool,
}

impl Mutant {
    fn name(&self) -> String {
        let Site { kind, change, .. } = &self.site;
        format!("{} | {} | {change}", self.file, kind.name())
    }
}

/// Runs every so many-th mistake of a kind; with a date, writes the score down.
pub fn run(every: usize, publish: Option<&str>) -> Result<()> {
    let begun = Instant::now();
    let mut mutants = made(every)?;
    let tree = copy_of_tree()?;
    let left = compiling(&tree, &mutants)?;
    eprintln!(
        "{} mistakes, of which {} compile",
        mutants.len(),
        left.len()
    );
    let mut number = 0;
    let tests = Tests::build(&tree)?;
    let name = |n: usize| {
        let Mutant { file, site, .. } = &mutants[n];
        format!("{file}:{}: {}", site.line, mutants[n].name())
    };
    let neighbours = |n: usize| {
        let of_file = left.iter().copied();
        of_file
            .filter(|other| mutants[*other].file == mutants[n].file)
            .collect()
    };
    for (at, killed) in tests.run(&left, name, neighbours)? {
        mutants[at].killed = killed;
    }
    mutants.retain(|_| {
        number += 1;
        left.contains(&(number - 1))
    });
    report(&mutants, every, publish, begun)
}

fn made(every: usize) -> Result<Vec<Mutant>> {
    let mut mutants = Vec::new();
    let mut seen: BTreeMap<Kind, usize> = BTreeMap::new();
    for folder in FOLDERS {
        for path in cargo_checked_pg::check::source::rust_files(&project(folder))? {
            let file = path.strip_prefix(project(""))?.display().to_string();
            if file.ends_with("tests.rs") {
                continue;
            }
            for site in sites::sites(&fs::read_to_string(&path)?)? {
                let n = seen.entry(site.kind).or_default();
                *n += 1;
                if (*n - 1).is_multiple_of(every) {
                    mutants.push(Mutant {
                        file: file.clone(),
                        site,
                        killed: false,
                    });
                }
            }
        }
    }
    Ok(mutants)
}

/// A copy of the sources; what is the same as before keeps its time.
fn copy_of_tree() -> Result<PathBuf> {
    let tree = project("target/rust-mutants");
    let mut list = Command::new("git");
    list.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let listed = list.current_dir(project("")).output()?;
    ensure!(listed.status.success(), "git cannot list the tree");
    for name in String::from_utf8(listed.stdout)?.split_terminator('\0') {
        if project(name).is_file() {
            update(&tree.join(name), &fs::read(project(name))?)?;
        }
    }
    let library = tree.join("src/lib.rs");
    let text = fs::read_to_string(&library)?;
    update(
        &library,
        format!(
            "#![allow(warnings, clippy::all)]\n{text}{}",
            switched::ANSWER
        )
        .as_bytes(),
    )?;
    Ok(tree.canonicalize()?)
}

fn update(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|now| now == bytes) {
        return Ok(());
    }
    fs::create_dir_all(path.parent().context("a file has a folder")?)?;
    Ok(fs::write(path, bytes)?)
}

/// Writes the mistakes into the copy, without those that do not compile; gives the others.
fn compiling(tree: &Path, mutants: &[Mutant]) -> Result<BTreeSet<usize>> {
    const ROUNDS: usize = 12;
    let mut left: BTreeSet<usize> = (0..mutants.len()).collect();
    for _ in 0..ROUNDS {
        let mut texts: BTreeMap<&str, String> = BTreeMap::new();
        let files: BTreeSet<&str> = mutants.iter().map(|mutant| mutant.file.as_str()).collect();
        for file in files {
            let of_file = left.iter().filter(|n| mutants[**n].file == file);
            let sites = of_file.map(|n| (*n, &mutants[*n].site)).collect();
            let text = switched::switched(&fs::read_to_string(project(file))?, &sites);
            update(&tree.join(file), text.as_bytes())?;
            texts.insert(file, text);
        }
        let errors = errors(tree)?;
        if errors.is_empty() {
            return Ok(left);
        }
        let mut found = false;
        for (file, at, message) in errors {
            let text = texts
                .get(file.as_str())
                .with_context(|| format!("{file}: {message}"))?;
            let guilty =
                switched::guilty(text, at).with_context(|| format!("{file}: {message}"))?;
            found |= left.remove(&guilty);
        }
        ensure!(found, "errors that no mistake is guilty of");
    }
    anyhow::bail!("mistakes that do not compile are left after {ROUNDS} rounds")
}

/// Where the library does not compile: file, byte, and why.
fn errors(tree: &Path) -> Result<Vec<(String, usize, String)>> {
    let checked = cargo(tree, &["check", "--lib", "--all-features"]).output()?;
    let mut errors = Vec::new();
    for line in String::from_utf8(checked.stdout)?.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_default();
        let message = &line["message"];
        let spans = message["spans"].as_array().into_iter().flatten();
        let primary = spans.filter(|span| span["is_primary"] == true);
        if message["level"] == "error" {
            errors.extend(primary.filter_map(|span| {
                let at = usize::try_from(span["byte_start"].as_u64()?).ok()?;
                Some((
                    span["file_name"].as_str()?.to_owned(),
                    at,
                    message["message"].to_string(),
                ))
            }));
        }
    }
    ensure!(
        checked.status.success() || !errors.is_empty(),
        "the copy does not compile"
    );
    Ok(errors)
}

fn cargo(tree: &Path, arguments: &[&str]) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(tree)
        .args(arguments)
        .arg("--message-format=json")
        // Cargo tells packages apart by their place in the workspace: the copy would be taken for the original.
        .env("CARGO_TARGET_DIR", tree.join("../rust-mutants-build"))
        .env("SQLX_OFFLINE", "true")
        .stderr(Stdio::inherit());
    cargo
}

fn report(mutants: &[Mutant], every: usize, publish: Option<&str>, begun: Instant) -> Result<()> {
    let list = fs::read_to_string(project(LIST)).unwrap_or_default();
    let same: BTreeSet<&str> = list
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| Some(line.rsplit_once(" | ")?.0))
        .collect();
    let counted: Vec<&Mutant> = mutants
        .iter()
        .filter(|mutant| mutant.killed || !same.contains(mutant.name().as_str()))
        .collect();
    let mut table = String::from(
        "| mistake in Rust | mutants | tests | survive | rejected |\n|---|---|---|---|---|\n",
    );
    let mut row = |name: &str, of: &[&&Mutant]| {
        let killed = of.iter().filter(|mutant| mutant.killed).count();
        let tenths = (killed * 1000).checked_div(of.len()).unwrap_or(1000);
        table += &format!(
            "| {name} | {} | {killed} | {} | {}.{} % |\n",
            of.len(),
            of.len() - killed,
            tenths / 10,
            tenths % 10
        );
    };
    row("**all**", &counted.iter().collect::<Vec<_>>());
    for kind in Kind::ALL {
        let of: Vec<&&Mutant> = counted
            .iter()
            .filter(|mutant| mutant.site.kind == kind)
            .collect();
        if !of.is_empty() {
            row(kind.name(), &of);
        }
    }
    println!("{table}\n{:.0?}", begun.elapsed());
    let survivors: Vec<&&Mutant> = counted.iter().filter(|mutant| !mutant.killed).collect();
    if let Some(date) = publish {
        let minutes = begun.elapsed().as_secs().div_ceil(60);
        let mut text = format!(
            "`just mutants-of-rust` on {date} at commit {}, {}in {minutes} minutes:\n\n{table}",
            commit()?,
            match every {
                1 => String::new(),
                every => format!("one of {every} of each kind, "),
            }
        );
        if !survivors.is_empty() {
            text += "\nSurvivors:\n\n";
        }
        for mutant in survivors {
            text += &format!("- {}, line {}\n", mutant.name(), mutant.site.line);
        }
        score::publish("rust", &text)?;
    }
    Ok(())
}
