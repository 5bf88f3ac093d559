//! Folders that vanish with the test.

use crate::process;
use std::{
    env, fs,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

/// A temporary folder; it and all in it is removed with the value. Its path is short enough for sockets.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// An empty folder that everybody may enter.
    #[must_use]
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let parent = Some(env::temp_dir())
            .filter(|folder| folder.is_absolute() && folder.as_os_str().len() < 50);
        let parent = parent.unwrap_or_else(|| PathBuf::from("/tmp"));
        let path = parent.join(format!("roads{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Self(path)
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file of mode 0600 and returns its path.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// Makes a file of it, or the folder itself (`""`), the server's own.
    pub fn give(&self, name: &str) {
        if let Some((uid, gid)) = process::stand_in() {
            chown(self.0.join(name), Some(uid), Some(gid)).unwrap();
        }
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}
