//! One server for several processes.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::{
        fs::{DirBuilderExt, MetadataExt},
        net::UnixStream,
    },
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnectOptions;

use super::{
    DEFAULT_DATABASE, EmbeddedError, EmbeddedServer, Result, ServerSettings,
    binaries::Binaries,
    folder::temporary_folder,
    guard::NamedPipe,
    socket_options, socket_url,
    user::{ServerUser, own_id},
};

/// A [temporary](EmbeddedServer::temporary) server that all processes of this user share which ask for it by the same name, such as
/// those of a test run.
///
/// The first one starts it. It stops when the last one has dropped it or has ended, however it ended: each holds the same pipe
/// open, and the server's guard waits for its end.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use checked_pg_server::{ServerSettings, SharedServer};
///
/// let server = SharedServer::join("tests", ServerSettings::default())?;
/// println!("psql '{}'", server.url_for("postgres"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SharedServer {
    run_folder: PathBuf,
    port: u16,
    member: String,
    gone: Vec<String>,
    /// Locked for as long as we use the server.
    _membership: File,
    _pipe: File,
}

impl SharedServer {
    /// Joins the server of this name, or starts it. It runs on the same binaries as an [`EmbeddedServer`] would, and servers
    /// with other binaries or settings do not count. Blocks while another process starts it.
    ///
    /// # Errors
    /// [`EmbeddedError`] says what is missing and how to get it.
    pub fn join(name: &str, settings: ServerSettings) -> Result<Self> {
        let user = ServerUser::choose()?;
        let binaries = Binaries::find(&user, None)?;
        let kind = format!(
            "{} {} {settings:?}",
            binaries.dir.display(),
            binaries.version
        );
        let registry = Registry::open(&user, name, &kind)?;
        let _turn = registry.turn()?;
        let port = settings.port();
        let (run_folder, pipe, gone) = match registry.running(port)? {
            Some((run_folder, pipe)) => (run_folder, pipe, registry.gone()?),
            None => {
                registry.gone()?;
                let (run_folder, pipe) = registry.start(binaries, &user, settings)?;
                (run_folder, pipe, Vec::new())
            }
        };
        let (member, membership) = registry.become_member()?;
        Ok(Self {
            run_folder,
            port,
            member,
            gone,
            _membership: membership,
            _pipe: pipe,
        })
    }

    /// Joins or starts the server that the tests of all crates on `checked-pg` share.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    pub fn for_tests() -> Result<Self> {
        // Tests of several processes, each with a pool.
        const MAX_CONNECTIONS: u16 = 500;
        let settings = ServerSettings::default().max_connections(MAX_CONNECTIONS);
        Self::join("tests", settings)
    }

    /// How to connect to the server's own database, `postgres`.
    #[must_use]
    pub fn options(&self) -> PgConnectOptions {
        self.options_for(DEFAULT_DATABASE)
    }

    /// How to connect to a database of the server.
    #[must_use]
    pub fn options_for(&self, database: &str) -> PgConnectOptions {
        socket_options(&self.run_folder, self.port, database)
    }

    /// The address of a database of the server, as `DATABASE_URL` and psql take it.
    #[must_use]
    pub fn url_for(&self, database: &str) -> String {
        socket_url(&self.run_folder, self.port, database)
    }

    /// A name that no other user of the server has at this time, of lower-case letters, digits and underscores.
    #[must_use]
    pub fn member(&self) -> &str {
        &self.member
    }

    /// The [names](Self::member) of users that have ended since the last one joined: nobody needs what they made any more.
    #[must_use]
    pub fn gone(&self) -> &[String] {
        &self.gone
    }
}

/// The folder by which processes find the server.
struct Registry(PathBuf);

impl Registry {
    fn open(user: &ServerUser, name: &str, kind: &str) -> Result<Self> {
        let (Some(us), parent) = (own_id(), temporary_folder(user)?) else {
            let error = io::Error::other("no answer");
            return Err(EmbeddedError::io("run", "id", error));
        };
        let digest = Sha256::digest(kind);
        let kind: String = digest.iter().take(4).map(|b| format!("{b:02x}")).collect();
        let path = parent.join(format!("checked-pg-{name}-{us}-{kind}"));
        let members = path.join("members");
        let failed = |e| EmbeddedError::io("create", &path, e);
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            outcome => outcome.map_err(failed)?,
        }
        // In a folder for all users, another one may have made it to see what we do.
        let found = fs::symlink_metadata(&path).map_err(failed)?;
        if !found.is_dir() || found.uid() != us || found.mode() & 0o077 != 0 {
            let why = "it is not ours alone: remove it";
            let error = io::Error::new(io::ErrorKind::PermissionDenied, why);
            return Err(EmbeddedError::io("use", &path, error));
        }
        fs::create_dir_all(&members).map_err(failed)?;
        Ok(Self(path))
    }

    /// Waits until no other process joins or starts the server; that lasts until the file is dropped.
    fn turn(&self) -> Result<File> {
        let path = self.0.join("lock");
        let failed = |e| EmbeddedError::io("lock", &path, e);
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).open(&path);
        let file = file.map_err(failed)?;
        file.lock().map_err(failed)?;
        Ok(file)
    }

    fn pipe(&self) -> PathBuf {
        self.0.join("pipe")
    }

    fn place(&self) -> PathBuf {
        self.0.join("server")
    }

    /// Where the server runs, and its pipe, if there is one that will not stop.
    fn running(&self, port: u16) -> Result<Option<(PathBuf, File)>> {
        let place = match fs::read_to_string(self.place()) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            place => place.map_err(|e| EmbeddedError::io("read", self.place(), e))?,
        };
        let run_folder = PathBuf::from(place);
        // First we hold the pipe, then we look: the guard takes its sign away first, and then looks who holds the pipe.
        let pipe = match open_both_ways(&self.pipe()) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            pipe => pipe.map_err(|e| EmbeddedError::io("open", self.pipe(), e))?,
        };
        let lasts = run_folder.join("shared").exists();
        let socket = run_folder.join(format!(".s.PGSQL.{port}"));
        let answers = lasts && UnixStream::connect(socket).is_ok();
        Ok(answers.then_some((run_folder, pipe)))
    }

    fn start(
        &self,
        binaries: Binaries,
        user: &ServerUser,
        settings: ServerSettings,
    ) -> Result<(PathBuf, File)> {
        let pipe = NamedPipe::create(&self.pipe())?;
        let server = EmbeddedServer::temporary_of(binaries, user, settings, Some(pipe))?;
        let place = self.place();
        let sign = server.run_folder.path().join("shared");
        File::create(&sign).map_err(|e| EmbeddedError::io("create", sign, e))?;
        fs::write(
            &place,
            server.run_folder.path().as_os_str().as_encoded_bytes(),
        )
        .map_err(|e| EmbeddedError::io("write", place, e))?;
        match server.leave() {
            (run_folder, Some(pipe)) => Ok((run_folder, pipe)),
            (run_folder, None) => {
                let error = io::Error::other("the pipe is gone");
                Err(EmbeddedError::io("share", run_folder, error))
            }
        }
    }

    fn members(&self) -> PathBuf {
        self.0.join("members")
    }

    /// Those who have ended, and whom nobody has named yet.
    fn gone(&self) -> Result<Vec<String>> {
        let members = self.members();
        let failed = |e| EmbeddedError::io("read", &members, e);
        let mut gone = Vec::new();
        for entry in fs::read_dir(&members).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let file = match File::open(entry.path()) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                file => file.map_err(failed)?,
            };
            if file.try_lock().is_ok() {
                fs::remove_file(entry.path()).map_err(failed)?;
                gone.extend(entry.file_name().into_string().ok());
            }
        }
        Ok(gone)
    }

    fn become_member(&self) -> Result<(String, File)> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("{}_{number}", process::id());
            let path = self.members().join(&name);
            let failed = |e| EmbeddedError::io("create", &path, e);
            let file = match File::create_new(&path) {
                // Of a process that had our number, in another container perhaps.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
                file => file.map_err(failed)?,
            };
            file.lock().map_err(failed)?;
            return Ok((name, file));
        }
    }
}

impl NamedPipe {
    /// Makes a pipe of this name, anew.
    fn create(path: &Path) -> Result<Self> {
        match fs::remove_file(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(EmbeddedError::io("remove", path, e));
            }
            _ => {}
        }
        // POSIX has the command, and so does every system that has PostgreSQL; the system call would be unsafe code.
        let made = Command::new("mkfifo")
            .args(["-m", "600"])
            .arg(path)
            .stdin(Stdio::null())
            .output()
            .map_err(|e| EmbeddedError::io("run", "mkfifo", e))?;
        if !made.status.success() {
            let error = io::Error::other(String::from_utf8_lossy(&made.stderr).trim().to_owned());
            return Err(EmbeddedError::io("create", path, error));
        }
        let failed = |e| EmbeddedError::io("open", path, e);
        let writer = open_both_ways(path).map_err(failed)?;
        let reader = File::open(path).map_err(failed)?;
        Ok(Self { reader, writer })
    }
}

/// Both ways, since to open one end alone waits for somebody at the other.
fn open_both_ways(pipe: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(pipe)
}
