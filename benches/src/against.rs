//! `--against REF`: this code and that of another commit, alternately in one run, each by its own benchmark. For changes whose price is
//! smaller than what a machine differs by from one hour to the next.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{measure::median, workload::OURS};

/// What a change of the pool or of the sessions shows in.
const WORKLOADS: [&str; 5] = ["W0", "W1", "W1x16", "W4", "W5"];

/// What is compared, by the headings of the tables that a run prints.
const VALUES: [(&str, &str); 3] = [
    ("Throughput", "rate"),
    ("Client CPU per operation", "client CPU"),
    ("Flights per operation", "flights"),
];

/// The values of one run: by heading and workload.
type Values = BTreeMap<(&'static str, &'static str), f64>;

pub fn run(reference: &str, rounds: usize, seconds: f64) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let other = checkout(&root, reference)?;
    let now = build(&root, "benches")?;
    let before = build(&other, "benches-against")?;
    let mut pairs: BTreeMap<_, Vec<(f64, f64)>> = BTreeMap::new();
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        // Each round begins with the other one.
        let (first, second) = if round % 2 == 0 {
            (&before, &now)
        } else {
            (&now, &before)
        };
        let (first, second) = (measure(first, seconds)?, measure(second, seconds)?);
        let (before, now) = if round % 2 == 0 {
            (first, second)
        } else {
            (second, first)
        };
        for (what, value) in before {
            if let Some(now) = now.get(&what) {
                pairs.entry(what).or_default().push((value, *now));
            }
        }
    }
    ensure!(!pairs.is_empty(), "the runs printed no value of {OURS}");
    println!("Now by {reference}: the median of {rounds} paired ratios, and the range.\n");
    println!("| | {} |", WORKLOADS.join(" | "));
    println!("|---|{}", "--:|".repeat(WORKLOADS.len()));
    for (heading, name) in VALUES {
        let cell = |workload: &&'static str| {
            let pairs = pairs
                .get(&(heading, *workload))
                .map(Vec::as_slice)
                .unwrap_or_default();
            let ratios = || pairs.iter().map(|(before, now)| now / before);
            let (least, most) = ratios().fold((f64::MAX, f64::MIN), |(a, b), ratio| {
                (a.min(ratio), b.max(ratio))
            });
            median(ratios()).map_or_else(
                || "–".to_owned(),
                |middle| format!("{middle:.3} ({least:.2} to {most:.2})"),
            )
        };
        let cells: Vec<String> = WORKLOADS.iter().map(cell).collect();
        println!("| {name} | {} |", cells.join(" | "));
    }
    Ok(())
}

/// The sources of another commit, in a folder of their own.
fn checkout(root: &Path, reference: &str) -> Result<PathBuf> {
    let folder = root.join("target/benches-against-sources");
    let git = |arguments: &[&str]| -> Result<()> {
        let done = Command::new("git")
            .arg("-C")
            .arg(root)
            .args(arguments)
            .status()?;
        ensure!(done.success(), "git {} failed", arguments.join(" "));
        Ok(())
    };
    let path = folder.to_str().context("the folder has no readable name")?;
    if folder.exists() {
        git(&["worktree", "remove", "--force", path])?;
    }
    git(&["worktree", "prune"])?;
    git(&["worktree", "add", "--quiet", "--detach", path, reference])?;
    Ok(folder)
}

fn build(sources: &Path, target: &str) -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = root.join("target").join(target);
    let built = Command::new("cargo")
        .args(["build", "--release", "--quiet", "--manifest-path"])
        .arg(sources.join("benches/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .env("SQLX_OFFLINE", "true")
        .status()?;
    ensure!(built.success(), "{} does not build", sources.display());
    // A copy, since a run of the same name may be under way.
    let copy = target.join("compared");
    std::fs::copy(target.join("release").join(env!("CARGO_PKG_NAME")), &copy)?;
    Ok(copy)
}

/// One round of a benchmark, in a process of its own.
fn measure(binary: &Path, seconds: f64) -> Result<Values> {
    let mut command = Command::new(binary);
    command.args([
        "--rounds",
        "1",
        "--peer",
        OURS,
        "--seconds",
        &seconds.to_string(),
    ]);
    for workload in WORKLOADS {
        command.args(["--only", workload]);
    }
    let output = command.stderr(std::process::Stdio::inherit()).output()?;
    ensure!(output.status.success(), "{} failed", binary.display());
    Ok(read(&String::from_utf8(output.stdout)?))
}

/// The values of this crate in the tables that a run prints.
fn read(tables: &str) -> Values {
    let mut values = Values::new();
    let (mut heading, mut column) = (None, None);
    for line in tables.lines() {
        if let Some(title) = line.strip_prefix("### ") {
            heading = VALUES
                .iter()
                .map(|(heading, _)| *heading)
                .find(|heading| *heading == title);
            column = None;
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if let Some(at) = cells.iter().position(|cell| *cell == OURS) {
            column = Some(at);
        }
        let workload = WORKLOADS
            .into_iter()
            .find(|id| line.starts_with(&format!("| **{id}** ")));
        let (Some(heading), Some(column), Some(workload)) = (heading, column, workload) else {
            continue;
        };
        let number = cells.get(column).map(|cell| cell.replace(' ', ""));
        if let Some(Ok(number)) = number.map(|number| number.parse()) {
            values.insert((heading, workload), number);
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_are_read_from_the_tables() {
        let tables = format!(
            "### Throughput\n\n| | other | {OURS} |\n|---|--:|--:|\n| **W1** get, reads | 7 | 12 345 |\n| **W1x16** get | 8 | – |\n\
             ### Latency of W1 with 16 tasks\n| **W4** x | 1 | 2 |\n### Flights per operation\n| | {OURS} | other |\n| **W1** get | 1.0 | 3 |\n"
        );
        let expected = [
            (("Flights per operation", "W1"), 1.0),
            (("Throughput", "W1"), 12_345.0),
        ];
        assert_eq!(read(&tables), BTreeMap::from(expected));
    }
}
