//! PostgreSQL servers.

use crate::{
    Folder, Pair, free_port,
    process::{Process, run, send},
};
use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How a server is to be.
#[derive(Clone, Debug, Default)]
pub struct ClusterSettings {
    settings: Vec<(String, String)>,
    hba: Option<String>,
    tls: Option<(String, String, Option<String>)>,
}

impl ClusterSettings {
    /// A line of `postgresql.conf`.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// `pg_hba.conf`, in place of one that trusts everybody.
    #[must_use]
    pub fn hba(mut self, lines: &str) -> Self {
        self.hba = Some(lines.to_owned());
        self
    }

    /// TLS by this certificate.
    #[must_use]
    pub fn tls(mut self, server: &Pair) -> Self {
        self.tls = Some((server.cert.clone(), server.key.clone(), None));
        self
    }

    /// TLS, and clients' certificates by this authority.
    #[must_use]
    pub fn mutual_tls(mut self, server: &Pair, clients: &str) -> Self {
        self.tls = Some((
            server.cert.clone(),
            server.key.clone(),
            Some(clients.to_owned()),
        ));
        self
    }
}

/// A server that listens on 127.0.0.1 and ::1 (where that exists) and on a Unix socket, with a superuser `postgres`. It ends with
/// the value, and with this process.
#[derive(Debug)]
pub struct Cluster {
    programs: PathBuf,
    // First the process, then its folder.
    process: Option<Process>,
    folder: Folder,
    port: u16,
}

impl Cluster {
    /// Makes a cluster and starts its server.
    #[must_use]
    pub fn start(settings: &ClusterSettings) -> Self {
        Self::start_of(binaries(), settings)
    }

    /// The same with the programs in this folder.
    #[must_use]
    pub fn start_of(programs: PathBuf, settings: &ClusterSettings) -> Self {
        let folder = Folder::new();
        folder.give("");
        let data = folder.path().join("data");
        let arguments = [
            "--auth=trust",
            "--no-sync",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--locale=C",
            "-D",
        ];
        let data = data.to_str().unwrap();
        run(programs.join("initdb"), &[&arguments[..], &[data]].concat());
        Self::configured(programs, folder, settings)
    }

    /// Makes a streaming standby of this server by `pg_basebackup`, and waits until it follows.
    #[must_use]
    pub fn standby(&self, settings: &ClusterSettings) -> Self {
        let folder = Folder::new();
        folder.give("");
        let data = folder.path().join("data");
        let port = self.port.to_string();
        let from = [
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-U",
            "postgres",
            "-c",
            "fast",
            "--no-sync",
            "-R",
            "-X",
            "stream",
            "-D",
        ];
        run(
            self.programs.join("pg_basebackup"),
            &[&from[..], &[data.to_str().unwrap()]].concat(),
        );
        let standby = Self::configured(self.programs.clone(), folder, settings);
        wait_for("the standby to follow", || {
            standby.psql("SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'")
                == "1"
        });
        standby
    }

    fn configured(programs: PathBuf, folder: Folder, settings: &ClusterSettings) -> Self {
        let port = free_port();
        let data = folder.path().join("data");
        let mut conf = format!(
            "port = {port}\nlisten_addresses = '127.0.0.1,::1'\nunix_socket_directories = '{}'\n\
             fsync = off\nsynchronous_commit = on\nmax_connections = 100\nwal_level = replica\nmax_wal_senders = 5\n\
             hot_standby = on\ntimezone = 'UTC'\nlog_timezone = 'UTC'\nlogging_collector = off\n",
            folder.path().display()
        );
        if let Some((cert, key, clients)) = &settings.tls {
            let file = |name: &str, text: &str| {
                folder.write(name, text);
                folder.give(name);
                folder.path().join(name).display().to_string()
            };
            let (cert, key) = (file("server.crt", cert), file("server.key", key));
            writeln!(
                conf,
                "ssl = on\nssl_cert_file = '{cert}'\nssl_key_file = '{key}'"
            )
            .unwrap();
            if let Some(clients) = clients {
                writeln!(conf, "ssl_ca_file = '{}'", file("clients.crt", clients)).unwrap();
            }
        }
        for (name, value) in &settings.settings {
            writeln!(conf, "{name} = '{}'", value.replace('\'', "''")).unwrap();
        }
        // It is read last, and a standby's holds where its primary is, so that it is added to.
        let file = data.join("postgresql.auto.conf");
        let before = fs::read_to_string(&file).unwrap_or_default();
        fs::write(&file, before + &conf).unwrap();
        let trusting = "local all all trust\nhost all all all trust\nlocal replication all trust\nhost replication all all trust\n";
        let hba = settings.hba.as_deref().unwrap_or(trusting);
        fs::write(data.join("pg_hba.conf"), hba).unwrap();
        let mut cluster = Self {
            programs,
            process: None,
            folder,
            port,
        };
        cluster.restart();
        cluster
    }

    /// Starts the server again after [`kill`](Self::kill), on the same port.
    pub fn restart(&mut self) {
        self.process = None;
        fs::remove_file(self.data().join("postmaster.pid")).ok();
        let arguments = ["-D".to_owned(), self.data().display().to_string()];
        let log = self.folder.path().join("log");
        self.process = Some(Process::start(
            &self.programs.join("postgres"),
            &arguments,
            "QUIT",
            &log,
        ));
        wait_for("the server to start", || {
            let status = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
            let up = status
                .lines()
                .last()
                .is_some_and(|line| line.trim() == "ready");
            let log = || fs::read_to_string(&log).unwrap_or_default();
            assert!(
                up || Path::new(&format!("/proc/{}", self.process().id)).exists(),
                "{}",
                log()
            );
            up
        });
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("the server was killed")
    }

    /// Its port on 127.0.0.1, which also names its socket.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of its socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        self.folder.path()
    }

    /// The log so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// `postgres://postgres@127.0.0.1:port/postgres`
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Runs SQL as the superuser over the socket and returns what psql prints, without alignment.
    pub fn psql(&self, sql: &str) -> String {
        let output = Command::new(binaries().join("psql"))
            .args([
                "-XqAt",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                "postgres",
                "-d",
                "postgres",
                "-c",
                sql,
            ])
            .arg("-h")
            .arg(self.socket())
            .args(["-p", &self.port.to_string()])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{sql}: {said}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Replaces `pg_hba.conf`.
    pub fn set_hba(&self, lines: &str) {
        fs::write(self.data().join("pg_hba.conf"), lines).unwrap();
        self.psql("SELECT pg_reload_conf()");
    }

    /// Makes a primary of a standby, and waits until it takes writes.
    pub fn promote(&self) {
        self.psql("SELECT pg_promote(true, 60)");
    }

    /// Stops every process of the server where it stands, as a machine that hangs.
    pub fn pause(&self) {
        self.process().signal("STOP"); // first, so that it starts no more
        send("STOP", &self.process().family());
    }

    /// Lets a paused server go on.
    pub fn resume(&self) {
        send("CONT", &self.process().family());
    }

    /// Kills every process of the server, as a power failure.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.signal("STOP");
            send("KILL", &process.family());
        }
    }
}

/// The folder of PostgreSQL's programs: `PG_BIN`, that of `pg_config`, or the newest of Debian's.
#[must_use]
pub fn binaries() -> PathBuf {
    if let Some(folder) = env::var_os("PG_BIN").filter(|folder| !folder.is_empty()) {
        return folder.into();
    }
    let mut installed: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| {
            entries
                .flatten()
                .map(|entry| entry.path().join("bin"))
                .collect()
        })
        .unwrap_or_default();
    installed.retain(|folder: &PathBuf| folder.join("initdb").exists());
    installed.sort_by_key(|folder| {
        let version = folder
            .parent()
            .and_then(|folder| folder.file_name()?.to_str()?.parse::<u32>().ok());
        version.unwrap_or_default()
    });
    let by_config = || {
        let output = Command::new("pg_config").arg("--bindir").output().ok()?;
        Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
    };
    installed
        .pop()
        .or_else(by_config)
        .expect("PostgreSQL is not installed: set PG_BIN")
}

/// Looks until it is so; what is waited for has no other way to tell.
pub(crate) fn wait_for(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "waited in vain for {what}"
        );
        thread::sleep(Duration::from_millis(10));
    }
}
