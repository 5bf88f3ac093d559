//! Runs of the tests: one to see which test comes by which mistake, then one for each.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, ensure};
use checked_pg_server::SharedServer;
use serde_json::Value;

use super::cargo;

/// The tests of what is computed.
const TESTS: [&str; 13] = [
    "bank::",
    "batches::",
    "council::",
    "documents::",
    "domains::",
    "fixtures::",
    "import::",
    "market::",
    "metrics::",
    "one_bad_row::",
    "performance::",
    "repo::",
    "journal::",
];
const SKIPPED: [&str; 3] = ["soak", "a_batch_has_any_size", "memory_is_bounded"];
/// How long the tests may take at first; then it is three times as long as they took.
const FIRST_LIMIT: Duration = Duration::from_secs(600);

pub struct Tests {
    tree: PathBuf,
    binaries: Vec<PathBuf>,
    /// The tests that come by a mistake, by binary.
    near: BTreeMap<usize, BTreeSet<(usize, String)>>,
    limit: Duration,
    /// Lasts as long as the runs do, so that they share its template.
    _server: SharedServer,
}

impl Tests {
    pub fn build(tree: &Path) -> Result<Self> {
        let built = cargo(
            tree,
            &[
                "test",
                "--no-run",
                "--all-features",
                "--lib",
                "--test",
                "it",
            ],
        )
        .output()?;
        ensure!(built.status.success(), "the tests do not compile");
        let messages = String::from_utf8(built.stdout)?;
        let binary = |line: &str| {
            let line: Value = serde_json::from_str(line).ok()?;
            let test = line["profile"]["test"] == true;
            test.then(|| line["executable"].as_str().map(PathBuf::from))?
        };
        let mut tests = Self {
            tree: tree.to_owned(),
            binaries: messages.lines().filter_map(binary).collect(),
            near: BTreeMap::new(),
            limit: FIRST_LIMIT,
            _server: SharedServer::for_tests()?,
        };
        let begun = Instant::now();
        for binary in 0..tests.binaries.len() {
            let path = tree.join(format!("asked-{binary}"));
            fs::write(&path, "")?;
            let passed = tests.passes(binary, &[], ("RUST_MUTANT_RECORD", path.as_os_str()))?;
            ensure!(passed, "the tests fail without a mistake");
            for line in fs::read_to_string(&path)?.lines() {
                let (number, test) = line.split_once(' ').context("no record")?;
                let near = tests.near.entry(number.parse()?).or_default();
                near.insert((binary, test.to_owned()));
            }
        }
        tests.limit = begun.elapsed() * 3;
        Ok(tests)
    }

    /// Whether a test notices each of the mistakes, which have a name and neighbours in their file.
    pub fn run(
        &self,
        numbers: &BTreeSet<usize>,
        name: impl Fn(usize) -> String + Sync,
        neighbours: impl Fn(usize) -> BTreeSet<usize> + Sync,
    ) -> Result<Vec<(usize, bool)>> {
        let next = Mutex::new(numbers.iter());
        let found = Mutex::new(Vec::new());
        let worker = || -> Result<()> {
            loop {
                let next = next
                    .lock()
                    .map_err(|_| anyhow!("a run has panicked"))?
                    .next();
                let Some(number) = next else { return Ok(()) };
                let killed = self.kill(*number, &neighbours(*number))?;
                if !killed {
                    eprintln!("survives: {}", name(*number));
                }
                let mut found = found.lock().map_err(|_| anyhow!("a run has panicked"))?;
                found.push((*number, killed));
                if found.len().is_multiple_of(50) {
                    eprintln!("{} of {}", found.len(), numbers.len());
                }
            }
        };
        thread::scope(|scope| {
            let workers = [scope.spawn(worker), scope.spawn(worker)];
            workers
                .into_iter()
                .try_for_each(|worker| worker.join().map_err(|_| anyhow!("a run has panicked"))?)
        })?;
        found
            .into_inner()
            .map_err(|_| anyhow!("a run has panicked"))
    }

    fn kill(&self, number: usize, neighbours: &BTreeSet<usize>) -> Result<bool> {
        let value = number.to_string();
        let mistake = ("RUST_MUTANT", value.as_ref());
        let near = self.near(&BTreeSet::from([number]));
        let (named, unnamed): (BTreeSet<_>, BTreeSet<_>) =
            near.into_iter().partition(|(_, test)| test.contains("::"));
        let mut tried = named;
        if !unnamed.is_empty() {
            // A thread that is no test's: some test of the same file is behind it, or else any.
            let of_file = self.near(neighbours).into_iter();
            tried.extend(of_file.filter(|(_, test)| test.contains("::")));
        }
        for binary in 0..self.binaries.len() {
            let of_binary = tried.iter().filter(|(of, _)| *of == binary);
            let tests: Vec<&str> = of_binary.map(|(_, test)| test.as_str()).collect();
            if !tests.is_empty() && !self.passes(binary, &tests, mistake)? {
                return Ok(true);
            }
        }
        for binary in unnamed
            .iter()
            .map(|(binary, _)| *binary)
            .collect::<BTreeSet<_>>()
        {
            if !self.passes(binary, &[], mistake)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The tests and other threads that come by any of the mistakes, with their binaries.
    fn near(&self, numbers: &BTreeSet<usize>) -> BTreeSet<(usize, String)> {
        let near = numbers.iter().filter_map(|number| self.near.get(number));
        near.flatten().cloned().collect()
    }

    /// Whether no test fails, and all end in time.
    fn passes(
        &self,
        binary: usize,
        tests: &[&str],
        (variable, value): (&str, &std::ffi::OsStr),
    ) -> Result<bool> {
        let mut run = Command::new(&self.binaries[binary]);
        run.current_dir(&self.tree)
            .args(tests)
            .args(SKIPPED.iter().flat_map(|name| ["--skip", name]))
            .env(variable, value)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let of_library = !self.binaries[binary]
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("it-"));
        match tests {
            [] if of_library => {}
            [] => drop(run.args(TESTS)),
            _ => drop(run.arg("--exact")),
        }
        let mut running = run.spawn().context("a test binary does not start")?;
        let lines = BufReader::new(running.stdout.take().context("no output")?).lines();
        let (failed, told) = mpsc::channel();
        thread::spawn(move || {
            let fails = |line: &String| line.starts_with("test ") && line.ends_with(" ... FAILED");
            let any = lines.map_while(Result::ok).any(|line| fails(&line));
            failed.send(any).ok();
        });
        // One that fails is enough.
        match told.recv_timeout(self.limit) {
            Ok(false) => Ok(running.wait()?.success()),
            Ok(true) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                running.kill()?;
                running.wait()?;
                Ok(false)
            }
        }
    }
}
