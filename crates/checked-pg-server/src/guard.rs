use std::{
    io,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdin, ExitStatus, Stdio},
};

use super::{EmbeddedError, Result, folder::ServerLog, settings::Durability, user::ServerUser};
use std::ffi::OsString;

/// Creates the cluster if need be, runs the server, and removes the run folder, come what may.
const SCRIPT: &str = include_str!("guard.sh");

/// What the guard needs to know.
pub(super) struct Launch<'a> {
    pub(super) binaries: &'a Path,
    /// Removed when the server has ended.
    pub(super) run_folder: &'a Path,
    pub(super) data: &'a Path,
    /// Where to make a new cluster, which then moves to `data`; None if there is one.
    pub(super) initdb_in: Option<&'a Path>,
    pub(super) durability: Durability,
    pub(super) server_arguments: &'a [OsString],
}

/// The process that runs the server and outlives ours by as long as it takes to stop it.
///
/// It watches a pipe whose other end is ours alone. The end of that pipe, whether we close it or the system does because we
/// were killed, is the one and only way to stop the server: there is nothing to disarm and no process id to get wrong.
#[derive(Debug)]
pub(super) struct Guard {
    process: Child,
    pipe: Option<ChildStdin>,
}

impl Guard {
    pub(super) fn spawn(launch: &Launch<'_>, user: &ServerUser, log: &ServerLog) -> Result<Self> {
        let sync = if launch.durability == Durability::None {
            "--no-sync"
        } else {
            ""
        };
        let mut command = user.command("/bin/sh");
        command.args(["-c", SCRIPT, "llm-trading-db-guard"]);
        command.args([
            launch.run_folder,
            launch.binaries,
            launch.data,
            launch.initdb_in.unwrap_or(Path::new("")),
        ]);
        command.arg(sync).args(launch.server_arguments);
        // In a group of its own the guard is spared the terminal's Ctrl-C.
        command
            .stdin(Stdio::piped())
            .stdout(log.inheritable()?)
            .stderr(log.inheritable()?)
            .process_group(0);
        let mut process = command
            .spawn()
            .map_err(|e| EmbeddedError::io("run", "/bin/sh", e))?;
        let pipe = process.stdin.take();
        Ok(Self { process, pipe })
    }

    /// Whether the server has ended by itself.
    pub(super) fn has_ended(&mut self) -> io::Result<bool> {
        Ok(self.process.try_wait()?.is_some())
    }

    /// Stops the server and waits until it has gone, and its run folder with it.
    pub(super) fn stop(&mut self) -> io::Result<ExitStatus> {
        drop(self.pipe.take());
        self.process.wait()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Whoever wants to know calls `EmbeddedServer::stop`.
        self.stop().ok();
    }
}
