//! Programs of the Python layer, small ones of our own: they run as they are on the old tables and on the schema `compat`.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use serde_json::Value;

/// The drivers, as `benches/requirements.txt` has them.
const DRIVERS: [&str; 2] = ["asyncpg==0.32.0", "psycopg2-binary==2.9.13"];

/// The folder of the drivers; none where there is no pip, and then the test says so.
fn drivers() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER.get_or_init(install).as_deref()
}

fn install() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python-layer");
    if folder.exists() {
        return Some(folder);
    }
    let pip = Command::new("python3")
        .args(["-m", "pip", "--version"])
        .output();
    if !pip.is_ok_and(|pip| pip.status.success()) {
        test_servers::skipped("python3 -m pip is missing");
        return None;
    }
    let unfinished = folder.with_extension(std::process::id().to_string());
    let installed = Command::new("python3")
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args(["--root-user-action=ignore", "--target"])
        .arg(&unfinished)
        .args(DRIVERS)
        .status()
        .unwrap();
    assert!(installed.success(), "pip could not install {DRIVERS:?}");
    // Another process may have been faster.
    if std::fs::rename(&unfinished, &folder).is_err() {
        std::fs::remove_dir_all(&unfinished).unwrap();
    }
    Some(folder)
}

/// A program at work.
pub struct Running(Child);

/// What it answered: a name and a value for each call.
pub type Answers = Vec<(String, Value)>;

/// The address as both drivers read it: asyncpg looks for a socket only where the address names no host.
fn without_host(url: &str) -> String {
    match url.split_once("@localhost:") {
        None => url.to_owned(),
        Some((user, rest)) => {
            let (port, rest) = rest.split_once('/').unwrap();
            format!("{user}@/{rest}&port={port}")
        }
    }
}

/// Starts a script of this folder on a database; none where there is no pip.
pub fn start(script: &str, url: &str, arguments: &[&str]) -> Option<Running> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/compat");
    let child = Command::new("python3")
        .arg(folder.join(script))
        .arg(without_host(url))
        .args(arguments)
        .env("PYTHONPATH", drivers()?)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    Some(Running(child))
}

impl Running {
    /// Waits for its end.
    #[track_caller]
    pub fn end(self) -> Answers {
        let output = self.0.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{err}");
        let out = String::from_utf8(output.stdout).unwrap();
        out.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// Runs a script to its end.
#[track_caller]
pub fn run(script: &str, url: &str, arguments: &[&str]) -> Option<Answers> {
    start(script, url, arguments).map(Running::end)
}
