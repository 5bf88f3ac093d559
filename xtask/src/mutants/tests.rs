//! The last stage: which mutants do the tests on a server reject?

use std::{path::PathBuf, process::Stdio, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::{process::Command, sync::Semaphore, task::JoinSet, time::timeout};

use super::{
    Mutant,
    check::{Database, cargo, is_callable, output},
    sources::CONTROLS,
    tree::Tree,
};

const BUILD_LIMIT: Duration = Duration::from_secs(900);
/// A run that takes this long has not rejected its mutant.
const RUN_LIMIT: Duration = Duration::from_secs(300);
/// Test runs at the same time.
const PARALLEL: usize = 2;

/// The tests of the repositories and of what is built on them.
const MODULES: [&str; 6] = [
    "repo::",
    "import::",
    "metrics::",
    "market::",
    "council::",
    "verify::",
];
/// Those of them that take long and have no statement of their own.
const LONG: [&str; 3] = [
    "a_batch_has_any_size",
    "memory_is_bounded",
    "changes_lead_where_a_full_run_leads",
];

/// Tests what the checks let through.
pub async fn run(tree: &Tree, mutants: &mut [Mutant], url: &str) -> Result<()> {
    let left = mutants.iter().enumerate();
    let left: Vec<(usize, &Mutant)> = left
        .filter(|(_, mutant)| !mutant.fate.before_tests() && is_callable(mutant))
        .collect();
    tree.write(&left, true)?;
    let binary = build(tree, url).await?;
    ensure!(
        passes(&binary, CONTROLS, &MODULES).await?,
        "the tests fail without a mistake"
    );

    let permits = Arc::new(Semaphore::new(PARALLEL));
    let mut runs = JoinSet::new();
    for (n, mutant) in left.into_iter().filter(|(_, mutant)| !mutant.is_control()) {
        let (permits, binary, place) = (permits.clone(), binary.clone(), mutant.place.clone());
        runs.spawn(async move {
            let _permit = permits.acquire_owned().await?;
            let module = place.rsplit_once("::").map_or("", |place| place.0);
            let own = format!("{module}::");
            let rejected =
                !passes(&binary, n, &[&own]).await? || !passes(&binary, n, &MODULES).await?;
            anyhow::Ok((n, rejected))
        });
    }
    while let Some(run) = runs.join_next().await {
        let (n, rejected) = run??;
        mutants[n].fate.test = rejected;
        if !rejected {
            eprintln!("survives: {}", mutants[n].name());
        }
    }
    Ok(())
}

/// Compiles the tests with all these mutants, and gives the binary.
async fn build(tree: &Tree, url: &str) -> Result<PathBuf> {
    let mut build = cargo(tree, "target", &Database::Live(url.to_owned()))?;
    build.args([
        "test",
        "--package",
        "llm-trading-db",
        "--all-features",
        "--test",
        "it",
    ]);
    build.args(["--no-run", "--message-format=json"]);
    let built = output(&mut build, BUILD_LIMIT).await?;
    ensure!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    let messages = String::from_utf8(built.stdout)?;
    let binary = messages.lines().find_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        let is_test = line["target"]["name"] == "it" && line["profile"]["test"] == true;
        is_test.then(|| line["executable"].as_str().map(PathBuf::from))?
    });
    binary.context("cargo names no test binary")
}

/// Whether no test fails with this mutant within the limit.
async fn passes(binary: &PathBuf, mutant: usize, tests: &[&str]) -> Result<bool> {
    let mut run = Command::new(binary);
    run.args(tests)
        .args(LONG.iter().flat_map(|name| ["--skip", name]))
        .env("MUTANT", mutant.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    match timeout(RUN_LIMIT, run.status()).await {
        Ok(status) => Ok(status?.success()),
        Err(_) => Ok(true),
    }
}
