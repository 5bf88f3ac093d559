//! Connection poolers.

use crate::{Cluster, Folder, cluster::wait_for, free_port, process::Process, skipped};
use std::{env, net::TcpStream, path::PathBuf, process::Command};

/// When a pooler gives a session to another client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolMode {
    /// When the client leaves.
    Session,
    /// After each transaction.
    Transaction,
}

/// A pgbouncer in front of a server. It ends with the value, and with this process.
#[derive(Debug)]
pub struct PgBouncer {
    process: Process,
    _folder: Folder,
    port: u16,
}

impl PgBouncer {
    /// Where pgbouncer is: `PGBOUNCER`, or in one of the usual folders. None if it is not installed.
    #[must_use]
    pub fn binary() -> Option<PathBuf> {
        let named = env::var_os("PGBOUNCER").filter(|file| !file.is_empty());
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
        let files = folders.map(|folder| folder.join("pgbouncer"));
        named
            .map(PathBuf::from)
            .into_iter()
            .chain(files)
            .find(|file| file.exists())
    }

    /// The setting with which a pooler in transaction mode renames prepared statements by itself; empty before 1.21, which cannot.
    #[must_use]
    pub fn renaming() -> &'static str {
        let output =
            Self::binary().and_then(|file| Command::new(file).arg("--version").output().ok());
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        let version = text
            .as_deref()
            .and_then(|text| text.split_whitespace().nth(1)?.split_once('.'));
        let numbers = version.and_then(|(major, rest)| {
            let minor = rest.split('.').next()?;
            Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
        });
        match numbers {
            Some(version) if version >= (1, 21) => "max_prepared_statements = 200",
            _ => "",
        }
    }

    /// Starts one; `more` is lines of its configuration. None, and one line that says so, if pgbouncer is not installed; with `NO_SKIPS`
    /// in the environment, as in the gate, that is a failure.
    #[must_use]
    pub fn start(server: &Cluster, mode: PoolMode, more: &str) -> Option<Self> {
        let Some(binary) = Self::binary() else {
            skipped("pgbouncer is not installed");
            return None;
        };
        let folder = Folder::new();
        folder.give("");
        let port = free_port();
        let mode = match mode {
            PoolMode::Session => "session",
            PoolMode::Transaction => "transaction",
        };
        let server = server.port();
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={server} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\nadmin_users = postgres\npool_mode = {mode}\n\
             default_pool_size = 4\nmax_client_conn = 200\n{more}\n"
        );
        let ini = folder.write("pgbouncer.ini", &text);
        folder.give("pgbouncer.ini");
        let log = folder.path().join("log");
        // At TERM, 1.23 and later wait for their clients; those before know no other signal that is at once.
        let process = Process::start(&binary, &[ini.display().to_string()], "KILL", &log);
        wait_for("pgbouncer to start", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Some(Self {
            process,
            _folder: folder,
            port,
        })
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `postgres://postgres@127.0.0.1:port/postgres`
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Stops it where it stands.
    pub fn pause(&self) {
        self.process.signal("STOP");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.process.signal("CONT");
    }
}
