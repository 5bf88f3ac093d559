use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::{Command, Stdio},
};

use super::{EmbeddedError, Result};

/// Who may stand in for root, the best first.
const STAND_INS: [&str; 2] = ["postgres", "nobody"];

/// The user the server runs as: ourselves, unless we are root, whom PostgreSQL refuses.
#[derive(Debug)]
pub(super) struct ServerUser {
    stand_in: Option<Account>,
}

#[derive(Debug)]
struct Account {
    name: String,
    uid: u32,
    gid: u32,
}

impl ServerUser {
    /// Ourselves, or root's stand-in.
    pub(super) fn choose() -> Result<Self> {
        if !we_are_root() {
            return Ok(Self { stand_in: None });
        }
        let stand_in = STAND_INS.iter().find_map(|name| {
            let (uid, gid) = (id(&["-u", name])?, id(&["-g", name])?);
            Some(Account {
                name: (*name).to_owned(),
                uid,
                gid,
            })
        });
        stand_in
            .map(|account| Self {
                stand_in: Some(account),
            })
            .ok_or(EmbeddedError::NoServerUser)
    }

    /// Ourselves, or, for root, the user who owns the data there is: PostgreSQL insists on its owner.
    pub(super) fn owner_of(cluster: &Path) -> Result<Self> {
        let owner = fs::metadata(cluster).map_err(|e| EmbeddedError::io("read", cluster, e))?;
        if owner.uid() == 0 || !we_are_root() {
            return Self::choose();
        }
        let account = Account {
            name: owner.uid().to_string(),
            uid: owner.uid(),
            gid: owner.gid(),
        };
        Ok(Self {
            stand_in: Some(account),
        })
    }

    pub(super) fn name(&self) -> &str {
        self.stand_in.as_ref().map_or("", |account| &account.name)
    }

    /// A command that runs as this user, free of the settings that PostgreSQL reads from the environment.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG"))
        {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C").current_dir("/");
        if let Some(account) = &self.stand_in {
            command.uid(account.uid).gid(account.gid);
        }
        command
    }

    /// Asks the server that runs on these data to shut down. Nobody owns it, by the lock of its folder.
    pub(super) fn stop_orphan(&self, cluster: &Path) -> Result<()> {
        let Some(process) = postmaster(cluster).filter(|process| runs_on(process, cluster)) else {
            return Ok(());
        };
        let mut kill = self.command("/bin/sh");
        kill.args(["-c", r#"kill -INT "$1""#, "sh", &process]);
        let done = kill.stderr(Stdio::null()).status();
        done.map(drop)
            .map_err(|e| EmbeddedError::io("run", "/bin/sh", e))
    }

    /// Makes a file or folder this user's own.
    pub(super) fn give(&self, path: &Path) -> Result<()> {
        match &self.stand_in {
            None => Ok(()),
            Some(account) => chown(path, Some(account.uid), Some(account.gid))
                .map_err(|e| EmbeddedError::io("change the owner of", path, e)),
        }
    }

    /// Whether this user may enter a folder. Asks only for a stand-in: our own errors speak for themselves.
    pub(super) fn can_enter(&self, dir: &Path) -> Result<bool> {
        if self.stand_in.is_none() {
            return Ok(true);
        }
        let mut enter = self.command("/bin/sh");
        enter
            .args(["-c", r#"cd -- "$1""#, "sh"])
            .arg(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Ok(enter
            .status()
            .map_err(|e| EmbeddedError::io("run", "/bin/sh", e))?
            .success())
    }
}

/// Removes the sign of a server that has gone, by the lock of its folder, and whose number PostgreSQL would take for a living one: its
/// process has ended and nobody has asked how, or the number is another program's now.
pub(super) fn clear_status(cluster: &Path) -> Result<()> {
    let stale = postmaster(cluster).filter(|process| !runs_on(process, cluster));
    let status = cluster.join("postmaster.pid");
    match stale.map(|_| fs::remove_file(&status)) {
        Some(Err(e)) => Err(EmbeddedError::io("remove", status, e)),
        _ => Ok(()),
    }
}

/// The number of the process that runs on these data, or did.
fn postmaster(cluster: &Path) -> Option<String> {
    let status = fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
    let first = status.lines().next()?;
    first.parse::<u32>().ok().map(|_| first.to_owned())
}

/// Whether this process is a server on these data, by its command line.
fn runs_on(process: &str, cluster: &Path) -> bool {
    let text = fs::read(format!("/proc/{process}/cmdline")).or_else(|_| {
        let mut ps = Command::new("ps");
        ps.args(["-o", "args=", "-p", process])
            .stderr(Stdio::null());
        ps.output().map(|output| output.stdout)
    });
    let text = text.unwrap_or_default();
    String::from_utf8_lossy(&text).contains(&*cluster.to_string_lossy())
}

pub(super) fn we_are_root() -> bool {
    own_id() == Some(0)
}

/// Who we are.
pub(super) fn own_id() -> Option<u32> {
    id(&["-u"])
}

/// Asks the system's `id`, which knows every source of users and needs no unsafe call.
fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id")
        .args(arguments)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    if !output.status.success() {
        return None;
    }
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
