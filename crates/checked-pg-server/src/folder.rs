use std::{
    env,
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process::{self, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{
    EmbeddedError, Result,
    user::{ServerUser, clear_status},
};

/// The longest folder for temporary files that leaves room for a socket in it: its path must fit into 107 bytes.
const LONGEST_TEMPORARY: usize = 50;
/// How much of the log an error shows.
const LOG_LINES: usize = 12;
/// How long a server whose owner was killed may take to stop before its folder counts as in use: longer than its guard waits.
const LEFTOVER_PATIENCE: Duration = Duration::from_secs(45);
const LOCK_POLL: Duration = Duration::from_millis(20);

/// A short-lived folder that only the server's user can enter: it holds the socket, and a temporary server's data.
#[derive(Debug)]
pub(super) struct RunFolder(PathBuf);

impl RunFolder {
    pub(super) fn create(user: &ServerUser) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let parent = temporary_folder(user)?;
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = parent.join(format!("checked-pg-{}-{number}", process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => {
                    let folder = Self(path);
                    user.give(&folder.0)?;
                    return Ok(folder);
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(EmbeddedError::io("create", path, e)),
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        // The guard removes it; this is for a server that never came to have one.
        fs::remove_dir_all(&self.0).ok();
    }
}

/// The system's folder for temporary files, or /tmp where that one makes a socket's path too long or needs quoting.
pub(super) fn temporary_folder(user: &ServerUser) -> Result<PathBuf> {
    for dir in [env::temp_dir(), PathBuf::from("/tmp")] {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.+".contains(&byte);
        let bytes = dir.as_os_str().as_encoded_bytes();
        if dir.is_absolute()
            && bytes.len() <= LONGEST_TEMPORARY
            && bytes.iter().all(|&b| plain(b))
            && user.can_enter(&dir)?
        {
            return Ok(dir);
        }
    }
    Err(EmbeddedError::NoTemporaryFolder {
        user: user.name().to_owned(),
    })
}

/// A folder with durable data, locked for as long as a server runs on it.
#[derive(Debug)]
pub(super) struct DataFolder {
    pub(super) path: PathBuf,
    pub(super) user: ServerUser,
    pub(super) log: ServerLog,
}

impl DataFolder {
    const CLUSTER: &str = "postgres";
    const LOG: &str = "server.log";

    /// Creates the folder if need be, makes sure that it is ours, and locks it.
    pub(super) fn open(dir: &Path) -> Result<Self> {
        let path = std::path::absolute(dir).map_err(|e| EmbeddedError::io("find", dir, e))?;
        let cluster = path.join(Self::CLUSTER);
        let user = if cluster.exists() {
            ServerUser::owner_of(&cluster)?
        } else {
            ServerUser::choose()?
        };
        // Asked before anything is created, so that a refusal leaves nothing behind.
        reachable(
            path.ancestors()
                .find(|ancestor| ancestor.exists())
                .unwrap_or(&path),
            &user,
        )?;
        create_private(&path)?;
        if !Self::is_ours(&path)? {
            return Err(EmbeddedError::NotOurs { dir: path });
        }
        user.give(&path)?;
        let mut log = ServerLog::create(&path.join(Self::LOG))?;
        if !log.lock(&path, || user.stop_orphan(&cluster))? {
            return Err(EmbeddedError::InUse { dir: path });
        }
        clear_status(&cluster)?;
        log.clear()?;
        reachable(&path, &user)?;
        Ok(Self { path, user, log })
    }

    fn is_ours(path: &Path) -> Result<bool> {
        if path.join(Self::LOG).exists() || path.join(Self::CLUSTER).join("PG_VERSION").exists() {
            return Ok(true);
        }
        let mut entries = fs::read_dir(path).map_err(|e| EmbeddedError::io("read", path, e))?;
        Ok(entries.next().is_none())
    }

    /// Where the cluster is, or will be.
    pub(super) fn cluster(&self) -> PathBuf {
        self.path.join(Self::CLUSTER)
    }

    /// Where a cluster is made, beside its later place.
    pub(super) fn new_cluster(&self) -> PathBuf {
        self.path.join(format!("{}.new", Self::CLUSTER))
    }

    pub(super) fn has_cluster(&self) -> bool {
        self.cluster().exists()
    }

    /// The major version of PostgreSQL that made the data in a folder, if there is any to be read.
    pub(super) fn made_by(dir: &Path) -> Option<String> {
        let version = fs::read_to_string(dir.join(Self::CLUSTER).join("PG_VERSION"));
        version.ok().map(|version| version.trim().to_owned())
    }
}

/// Creates a folder for its owner alone, if there is none; missing parents are as open as usual.
fn create_private(path: &Path) -> Result<()> {
    let failed = |e| EmbeddedError::io("create", path, e);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Err(e) if !(e.kind() == io::ErrorKind::AlreadyExists && path.is_dir()) => Err(failed(e)),
        _ => Ok(()),
    }
}

fn reachable(dir: &Path, user: &ServerUser) -> Result<()> {
    if user.can_enter(dir)? {
        return Ok(());
    }
    Err(EmbeddedError::Unreachable {
        dir: dir.to_owned(),
        user: user.name().to_owned(),
    })
}

/// Where the server writes its messages; for durable data also a lock that tells whether it still runs.
///
/// Every process of the server inherits the open file, and with it the lock. So the folder counts as in use until the last of
/// them has gone, also after our own process was killed.
#[derive(Debug)]
pub(super) struct ServerLog {
    file: File,
    path: PathBuf,
    /// The data folder, locked by our own process alone.
    claim: Option<File>,
}

impl ServerLog {
    pub(super) fn create(path: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).read(true).append(true).mode(0o600);
        let file = options
            .open(path)
            .map_err(|e| EmbeddedError::io("open", path, e))?;
        Ok(Self {
            file,
            path: path.to_owned(),
            claim: None,
        })
    }

    /// Claims the folder, unless a living process has it, and waits for what is left of a killed one's server.
    fn lock(&mut self, folder: &Path, stop_orphan: impl Fn() -> Result<()>) -> Result<bool> {
        let claim = File::open(folder).map_err(|e| EmbeddedError::io("open", folder, e))?;
        if !try_lock(&claim, folder)? {
            return Ok(false);
        }
        self.claim = Some(claim);
        let begun = Instant::now();
        let mut seconds = 0;
        while !try_lock(&self.file, &self.path)? {
            if begun.elapsed() > LEFTOVER_PATIENCE {
                return Ok(false);
            }
            // Its guard does that, unless it was killed as well.
            if begun.elapsed().as_secs() > seconds {
                seconds += 1;
                stop_orphan()?;
            }
            thread::sleep(LOCK_POLL);
        }
        Ok(true)
    }

    fn clear(&self) -> Result<()> {
        self.file
            .set_len(0)
            .map_err(|e| EmbeddedError::io("empty", &self.path, e))
    }

    /// A copy of the open file for a child process.
    pub(super) fn inheritable(&self) -> Result<Stdio> {
        self.file
            .try_clone()
            .map(Stdio::from)
            .map_err(|e| EmbeddedError::io("open", &self.path, e))
    }

    /// The last lines; read from the open file, which outlives its name.
    pub(super) fn tail(&self) -> String {
        let mut bytes = Vec::new();
        let mut file = &self.file;
        match file
            .seek(SeekFrom::Start(0))
            .and_then(|_| file.read_to_end(&mut bytes))
        {
            Ok(_) => last_lines(&String::from_utf8_lossy(&bytes)),
            Err(e) => format!("(the log is unreadable: {e})"),
        }
    }
}

fn try_lock(file: &File, path: &Path) -> Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(e)) => Err(EmbeddedError::io("lock", path, e)),
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_the_end_of_a_log() {
        let log: String = (0..100).map(|n| format!("line {n}\n")).collect();
        let tail = last_lines(&log);
        assert!(
            tail.starts_with("line 88\n") && tail.ends_with("line 99"),
            "{tail}"
        );
        assert_eq!(last_lines("one"), "one");
    }
}
