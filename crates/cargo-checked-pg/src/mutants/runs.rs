//! Runs of the tests: one to see which test executes which statement, then one or two for each mutant.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, ensure};
use checked_pg_server::SharedServer;
use serde_json::{Value, json};

use super::{Fate, Mutant, Request};
use crate::{Project, project::cargo};

const MUTANT: &str = "CHECKED_PG_MUTANT";
const RECORD: &str = "CHECKED_PG_RECORD_STATEMENTS";
/// How often a run is asked whether it has ended.
const POLL: Duration = Duration::from_millis(10);
/// Runs at the same time.
const PARALLEL: usize = 2;

pub struct Tests<'a> {
    project: &'a Project,
    request: &'a Request,
    binaries: Vec<PathBuf>,
    /// Which tests of which binary execute a statement.
    executed: BTreeMap<String, BTreeSet<(usize, String)>>,
    /// All tests, once, without a mistake.
    whole: Duration,
    /// Lasts as long as the runs do, so that they share its template.
    _server: SharedServer,
}

impl<'a> Tests<'a> {
    /// Compiles the tests, runs them once without a mistake, and notes what each executes.
    pub fn build(project: &'a Project, request: &'a Request) -> Result<Self> {
        let mut build = cargo();
        build
            .current_dir(&project.root)
            .args(["test", "--package", &project.package, "--no-run"])
            .args(["--message-format=json-render-diagnostics"]);
        match &request.cargo[..] {
            [] => build.args(["--all-features", "--tests"]),
            arguments => build.args(arguments),
        };
        let built = build.stderr(Stdio::inherit()).output()?;
        ensure!(built.status.success(), "the tests do not compile");
        let messages = String::from_utf8(built.stdout)?;
        let binary = |line: &str| {
            let line: Value = serde_json::from_str(line).ok()?;
            let test = line["profile"]["test"] == true;
            test.then(|| line["executable"].as_str().map(PathBuf::from))?
        };
        let built: Vec<PathBuf> = messages.lines().filter_map(binary).collect();
        ensure!(!built.is_empty(), "the crate has no tests");
        let mut tests = Self {
            project,
            request,
            binaries: Vec::new(),
            executed: BTreeMap::new(),
            whole: Duration::from_secs(600),
            _server: SharedServer::for_tests()?,
        };
        // Of one's own, so that a build in the meantime changes nothing here.
        for (number, binary) in built.iter().enumerate() {
            let copy = tests.scratch(&format!("tests-{number}"))?;
            // A run that was cut off may still have the last one open.
            fs::remove_file(&copy).ok();
            fs::copy(binary, &copy)?;
            tests.binaries.push(copy);
        }
        tests.record()?;
        Ok(tests)
    }

    fn record(&mut self) -> Result<()> {
        let begun = Instant::now();
        for binary in 0..self.binaries.len() {
            let path = self.scratch(&format!("recorded-{binary}"))?;
            fs::write(&path, "")?;
            let passed = self.passes(binary, &[], (RECORD, &path), self.whole)?;
            ensure!(passed, "the tests fail without a mistake");
            for line in fs::read_to_string(&path)?.lines() {
                let (sql, test): (String, String) = serde_json::from_str(line)?;
                self.executed.entry(sql).or_default().insert((binary, test));
            }
        }
        self.whole = begun.elapsed();
        Ok(())
    }

    fn scratch(&self, name: &str) -> Result<PathBuf> {
        let folder = self.project.path("target/checked-pg-mutants");
        fs::create_dir_all(&folder)?;
        Ok(folder.join(name))
    }

    /// Sees which of the mutants that are left a test notices.
    pub fn run(&self, mutants: &mut [Mutant]) -> Result<()> {
        let left: Vec<usize> = (0..mutants.len())
            .filter(|n| mutants[*n].fate == Fate::Survived)
            .collect();
        let next = Mutex::new(left.iter());
        let found = Mutex::new(Vec::new());
        thread::scope(|scope| {
            let worker = || -> Result<()> {
                loop {
                    let Some(n) = next
                        .lock()
                        .map_err(|_| anyhow!("a run has panicked"))?
                        .next()
                    else {
                        return Ok(());
                    };
                    let mutant = &mutants[*n];
                    let killed = self.kill(*n, mutant)?;
                    if !killed {
                        eprintln!("survives: {}", mutant.name());
                    }
                    let mut found = found.lock().map_err(|_| anyhow!("a run has panicked"))?;
                    found.push((*n, killed));
                    if found.len().is_multiple_of(50) {
                        eprintln!("{} of {}", found.len(), left.len());
                    }
                }
            };
            let workers: Vec<_> = (0..PARALLEL).map(|_| scope.spawn(worker)).collect();
            workers
                .into_iter()
                .try_for_each(|worker| worker.join().map_err(|_| anyhow!("a run has panicked"))?)
        })?;
        for (n, killed) in found
            .into_inner()
            .map_err(|_| anyhow!("a run has panicked"))?
        {
            if killed {
                mutants[n].fate = Fate::Killed;
            }
        }
        Ok(())
    }

    /// Whether a test notices a mutant: first those that have to do with it, then all.
    fn kill(&self, number: usize, mutant: &Mutant) -> Result<bool> {
        let path = self.scratch(&format!("mutant-{number}.json"))?;
        fs::write(
            &path,
            json!({"from": mutant.from, "to": mutant.to}).to_string(),
        )?;
        let (near, all_known) = self.near(mutant);
        for (binary, tests) in &near {
            if !self.passes(*binary, tests, (MUTANT, &path), self.limit())? {
                return Ok(true);
            }
        }
        // Those that execute the statement were all run.
        if all_known && !mutant.kind.is_of_schema() {
            return Ok(false);
        }
        for binary in 0..self.binaries.len() {
            if !self.passes(binary, &[], (MUTANT, &path), self.limit())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The tests that execute what a mutant is about, by binary, and whether these are all.
    fn near(&self, mutant: &Mutant) -> (BTreeMap<usize, Vec<&str>>, bool) {
        let concerns = |sql: &str| match mutant.kind.is_of_schema() {
            true => mutant.about.iter().any(|name| {
                sql.split(|c: char| !(c.is_alphanumeric() || c == '_'))
                    .any(|word| word == name)
            }),
            false => mutant.about.iter().any(|about| about == sql),
        };
        let mut near: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        let mut all_known = true;
        let executed = self.executed.iter().filter(|(sql, _)| concerns(sql));
        let tests: BTreeSet<&(usize, String)> = executed.flat_map(|(_, tests)| tests).collect();
        for (binary, test) in tests {
            // A thread of a runtime, or the main thread of a program: of some test.
            if test.is_empty() || test == "main" || test.starts_with("tokio-") {
                all_known = false;
            } else {
                near.entry(*binary).or_default().push(test);
            }
        }
        (near, all_known)
    }

    fn limit(&self) -> Duration {
        self.whole * 3 + Duration::from_secs(10)
    }

    /// Whether no test fails, and all end in time.
    fn passes(
        &self,
        binary: usize,
        tests: &[&str],
        (variable, path): (&str, &Path),
        limit: Duration,
    ) -> Result<bool> {
        let mut run = Command::new(&self.binaries[binary]);
        run.current_dir(&self.project.root)
            .args(tests)
            .args(
                self.request
                    .skipped
                    .iter()
                    .flat_map(|name| ["--skip", name]),
            )
            .env(variable, path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        match tests {
            [] => run.args(&self.request.tests),
            _ => run.arg("--exact"),
        };
        let mut running = run.spawn().context("a test binary does not start")?;
        let lines = BufReader::new(running.stdout.take().context("no output")?).lines();
        // One that fails is enough.
        let failed = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&failed);
        thread::spawn(move || {
            let fails = |line: String| line.starts_with("test ") && line.ends_with(" ... FAILED");
            if lines.map_while(Result::ok).any(fails) {
                seen.store(true, Ordering::Relaxed);
            }
        });
        let begun = Instant::now();
        loop {
            if let Some(status) = running.try_wait()? {
                return Ok(status.success());
            }
            if begun.elapsed() > limit || failed.load(Ordering::Relaxed) {
                running.kill()?;
                running.wait()?;
                return Ok(false);
            }
            thread::sleep(POLL);
        }
    }
}
