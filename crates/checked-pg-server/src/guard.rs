use std::{
    fs::File,
    io::{self, Write},
    os::{fd::OwnedFd, unix::process::CommandExt},
    path::Path,
    process::{Child, ExitStatus, Stdio},
    time::Duration,
};

use super::{EmbeddedError, Result, folder::ServerLog, settings::Durability, user::ServerUser};
use std::ffi::OsString;

/// Creates the cluster if need be, runs the server, and removes the run folder, come what may.
const SCRIPT: &str = include_str!("guard.sh");
/// The script's exit status if initdb found no room on the disk.
pub(super) const NO_SPACE: i32 = 28;

/// What the guard needs to know.
pub(super) struct Launch<'a> {
    pub(super) binaries: &'a Path,
    /// Removed when the server has ended.
    pub(super) run_folder: &'a Path,
    pub(super) data: &'a Path,
    /// Where to make a new cluster, which then moves to `data`; None if there is one.
    pub(super) initdb_in: Option<&'a Path>,
    pub(super) durability: Durability,
    /// How long a shutdown may take before it is done as after a crash.
    pub(super) stop_within: Duration,
    pub(super) server_arguments: &'a [OsString],
}

/// The two ends of a pipe with a name, which other processes open as well.
pub(super) struct NamedPipe {
    pub(super) reader: File,
    pub(super) writer: File,
}

/// The process that runs the server and outlives ours by as long as it takes to stop it.
///
/// It watches a pipe whose other end is ours alone. The end of that pipe, whether we close it or the system does because we
/// were killed, is the one and only way to stop the server: there is nothing to disarm and no process id to get wrong. Where the
/// pipe has a name, it ends when the last process that has it open does.
#[derive(Debug)]
pub(super) struct Guard {
    process: Child,
    pipe: Option<File>,
}

impl Guard {
    pub(super) fn spawn(
        launch: &Launch<'_>,
        user: &ServerUser,
        log: &ServerLog,
        named: Option<NamedPipe>,
    ) -> Result<Self> {
        let (stdin, writer) = match named {
            None => (Stdio::piped(), None),
            Some(NamedPipe { reader, writer }) => (reader.into(), Some(writer)),
        };
        let sync = if launch.durability == Durability::None {
            "--no-sync"
        } else {
            ""
        };
        let mut command = user.command("/bin/sh");
        command.args(["-c", SCRIPT, "checked-pg-guard"]);
        command.args([
            launch.run_folder,
            launch.binaries,
            launch.data,
            launch.initdb_in.unwrap_or(Path::new("")),
        ]);
        let patience = launch.stop_within.as_secs().max(1).to_string();
        command
            .args([sync, &patience])
            .args(launch.server_arguments);
        // In a group of its own the guard is spared the terminal's Ctrl-C.
        command
            .stdin(stdin)
            .stdout(log.inheritable()?)
            .stderr(log.inheritable()?)
            .process_group(0);
        let mut process = command
            .spawn()
            .map_err(|e| EmbeddedError::io("run", "/bin/sh", e))?;
        let own = process.stdin.take();
        let pipe = writer.or_else(|| own.map(|own| File::from(OwnedFd::from(own))));
        Ok(Self { process, pipe })
    }

    /// Our end of the pipe; whoever has it keeps the server alive.
    pub(super) fn take_pipe(&mut self) -> Option<File> {
        self.pipe.take()
    }

    /// How the server has ended by itself, if it has.
    pub(super) fn has_ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.process.try_wait()
    }

    /// An orderly shutdown is not worth the wait: the server is not ready, and may never be.
    pub(super) fn hurry(&mut self) {
        if let Some(pipe) = &mut self.pipe {
            // If that does not arrive, it takes longer.
            pipe.write_all(b"now\n").ok();
        }
    }

    /// Stops the server and waits until it has gone, and its run folder with it. That takes as long as a shutdown may take, and a few
    /// seconds more.
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
