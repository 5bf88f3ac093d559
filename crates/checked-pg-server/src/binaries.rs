use std::{
    env, fmt, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{
    EmbeddedError, Result,
    fetch::{Store, Wanted},
    user::ServerUser,
};

/// The least major version the schema runs on.
pub(super) const REQUIRED_MAJOR: u32 = 15;

/// Where packages put servers: a parent, how its folders for one version begin, and the binaries below that.
const INSTALL_FOLDERS: [(&str, &str, &str); 8] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/lib", "postgresql", "bin"),
    ("/usr/libexec", "postgresql", ""),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// An installed server's programs.
#[derive(Debug)]
pub(super) struct Binaries {
    pub(super) dir: PathBuf,
    pub(super) version: Version,
}

impl Binaries {
    /// Searches `PG_BIN`, `PATH`, what `pg_config` names, the newest of the usual install folders and the cache, in this
    /// order; where there is none, fetches one. With a major version, only that one will do.
    pub(super) fn find(user: &ServerUser, major: Option<u32>) -> Result<Self> {
        if let Some(dir) = env::var_os("PG_BIN")
            .filter(|dir| !dir.is_empty())
            .map(PathBuf::from)
        {
            return Self::at(&dir)
                .ok_or(EmbeddedError::BadPgBin { dir })?
                .if_recent();
        }
        let too_old = match Self::installed(major) {
            Some(Ok(binaries)) => return Ok(binaries),
            Some(Err(too_old)) => Some(too_old),
            None => None,
        };
        let wanted = Wanted::of(major);
        let store = Store::of_this_user(user, wanted)?;
        if let Some(binaries) = store.cached(major) {
            return Ok(binaries);
        }
        match store.fetch(wanted, user) {
            Err(error @ EmbeddedError::NoBinaries { .. }) => Err(too_old.unwrap_or(error)),
            fetched => fetched,
        }
    }

    /// The pinned build of this major version, from the cache or fetched.
    pub(super) fn pinned(user: &ServerUser, major: u32) -> Result<Self> {
        let wanted = Wanted::Build(major);
        let store = Store::of_this_user(user, wanted)?;
        match store.cached(Some(major)) {
            Some(binaries) => Ok(binaries),
            None => store.fetch(wanted, user),
        }
    }

    /// The first installed server that will do; failing that, what is wrong with the first one that will not.
    pub(super) fn installed(major: Option<u32>) -> Option<Result<Self>> {
        let path = env::var_os("PATH").unwrap_or_default();
        let nearby = env::split_paths(&path)
            .chain(pg_config())
            .filter_map(|dir| Self::at(&dir));
        let mut installed: Vec<_> = install_folders()
            .iter()
            .filter_map(|dir| Self::at(dir))
            .collect();
        installed.sort_by(|a, b| b.version.cmp(&a.version));

        let fits = |binaries: &Self| major.is_none_or(|major| binaries.version.major == major);
        let mut too_old = None;
        for binaries in nearby.chain(installed).filter(fits) {
            match binaries.if_recent() {
                Ok(binaries) => return Some(Ok(binaries)),
                Err(error) => too_old = too_old.or(Some(Err(error))),
            }
        }
        too_old
    }

    /// The programs in a folder, if they run.
    pub(super) fn at(dir: &Path) -> Option<Self> {
        if !dir.join("initdb").is_file() {
            return None;
        }
        let version = Version::parse(&first_line(
            Command::new(dir.join("postgres")).arg("--version"),
        )?)?;
        // Absolute, since the server runs in another folder.
        Some(Self {
            dir: std::path::absolute(dir).ok()?,
            version,
        })
    }

    fn if_recent(self) -> Result<Self> {
        if self.version.major >= REQUIRED_MAJOR {
            return Ok(self);
        }
        Err(EmbeddedError::TooOld {
            dir: self.dir,
            version: self.version.to_string(),
            required: REQUIRED_MAJOR,
        })
    }
}

/// A version of PostgreSQL: `15.18`, or `19beta1` before its first release.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    pub(super) major: u32,
    minor: Option<u32>,
    text: String,
}

impl Version {
    /// Reads what `postgres --version` prints: `postgres (PostgreSQL) 15.18 (Debian 15.18-1)`.
    fn parse(line: &str) -> Option<Self> {
        let text = line
            .split_once("(PostgreSQL) ")?
            .1
            .split_whitespace()
            .next()?;
        let digits = text.split(|c: char| !c.is_ascii_digit()).next()?;
        let minor = text[digits.len()..]
            .strip_prefix('.')
            .and_then(|minor| minor.parse().ok());
        Some(Self {
            major: digits.parse().ok()?,
            minor,
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn pg_config() -> Option<PathBuf> {
    first_line(Command::new("pg_config").arg("--bindir")).map(PathBuf::from)
}

fn install_folders() -> Vec<PathBuf> {
    let below = |&(parent, prefix, binaries): &(&str, &str, &str)| {
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        let of_a_version = entries.filter(move |entry| {
            entry
                .file_name()
                .as_encoded_bytes()
                .starts_with(prefix.as_bytes())
        });
        of_a_version
            .map(move |entry| entry.path().join(binaries))
            .collect::<Vec<_>>()
    };
    INSTALL_FOLDERS.iter().flat_map(below).collect()
}

/// The first line a program prints; None if it does not run or fails.
fn first_line(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output
        .status
        .success()
        .then(|| text.lines().next().map(str::to_owned))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(&format!("postgres (PostgreSQL) {text}")).unwrap()
    }

    #[test]
    fn versions_of_packages_and_previews_are_read() {
        assert_eq!(
            version("15.18 (Debian 15.18-0+deb12u1)").to_string(),
            "15.18"
        );
        assert_eq!(version("19beta1").major, 19);
        assert_eq!(version("9.6.24").major, 9);
        assert_eq!(Version::parse("postgres: not found"), None);
    }

    #[test]
    fn the_newest_version_is_no_matter_of_spelling() {
        assert!(version("15.10") > version("15.9"));
        assert!(version("16.1") > version("15.18"));
        assert!(version("17.0") > version("17devel"));
    }

    #[test]
    fn an_old_server_is_refused_with_its_place() {
        let old = Binaries {
            dir: "/opt/old/bin".into(),
            version: version("14.9"),
        };
        let message = old.if_recent().unwrap_err().to_string();
        assert!(
            message.starts_with("PostgreSQL 14.9 in /opt/old/bin is too old: install version 15"),
            "{message}"
        );
    }
}
