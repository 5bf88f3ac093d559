//! Processes that end with the test, also with one that is killed.

use std::{
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

/// The program runs until the end of our pipe, which comes at the latest when this process ends.
const GUARD: &str = r#"
signal=$1; folder=$2; log=$3; shift 3
"$@" </dev/null >>"$log" 2>&1 &
echo $!
cat >/dev/null
kill -CONT $! 2>/dev/null
kill -"$signal" $! 2>/dev/null
wait $!
[ -z "$folder" ] || rm -rf "$folder"
"#;

/// A program that runs in the background.
#[derive(Debug)]
pub(crate) struct Process {
    guard: Child,
    pub(crate) id: u32,
}

impl Process {
    /// Starts a program as the server's user; `signal` ends it.
    pub(crate) fn start(program: &Path, arguments: &[String], signal: &str, log: &Path) -> Self {
        use std::io::{BufRead, BufReader};
        let mut command = as_server("/bin/sh");
        command
            .args(["-c", GUARD, "guard", signal, ""])
            .arg(log)
            .arg(program)
            .args(arguments);
        let mut guard = command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut id = String::new();
        BufReader::new(guard.stdout.take().unwrap())
            .read_line(&mut id)
            .unwrap();
        Self {
            guard,
            id: id.trim().parse().unwrap(),
        }
    }

    pub(crate) fn signal(&self, signal: &str) {
        send(signal, &[self.id]);
    }

    /// The process and those that it has started.
    pub(crate) fn family(&self) -> Vec<u32> {
        let mut family = vec![self.id];
        for entry in fs::read_dir("/proc").unwrap() {
            let path = entry.unwrap().path();
            let Some(id) = path
                .file_name()
                .and_then(|name| name.to_str()?.parse::<u32>().ok())
            else {
                continue;
            };
            if parent(&path) == Some(self.id) {
                family.push(id);
            }
        }
        family
    }

    /// Ends it and waits for its end.
    pub(crate) fn end(&mut self) {
        send("CONT", &self.family());
        drop(self.guard.stdin.take());
        self.guard.wait().ok();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// The fourth field of `/proc/…/stat`, after the name in parentheses.
fn parent(process: &Path) -> Option<u32> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// Sends a signal; to a process that has ended it is lost.
pub(crate) fn send(signal: &str, processes: &[u32]) {
    let processes = processes.iter().map(u32::to_string);
    let mut command = Command::new("/bin/sh");
    command.args([
        "-c",
        r#"signal=$1; shift; kill -"$signal" "$@""#,
        "kill",
        signal,
    ]);
    command
        .args(processes)
        .stderr(Stdio::null())
        .status()
        .unwrap();
}

/// A command as the user that runs servers, without variables that PostgreSQL reads.
pub(crate) fn as_server(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"PG") {
            command.env_remove(name);
        }
    }
    command.env("LC_ALL", "C").current_dir("/");
    if let Some((uid, gid)) = stand_in() {
        command.uid(uid).gid(gid);
    }
    command
}

/// PostgreSQL and pgbouncer refuse to run as root; who runs them then.
pub(crate) fn stand_in() -> Option<(u32, u32)> {
    static STAND_IN: OnceLock<Option<(u32, u32)>> = OnceLock::new();
    *STAND_IN.get_or_init(|| {
        if id(&["-u"])? != 0 {
            return None;
        }
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| Some((id(&["-u", name])?, id(&["-g", name])?)))
    })
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id")
        .args(arguments)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// Runs a program as the server's user and panics with what it says if it fails.
pub(crate) fn run(program: PathBuf, arguments: &[&str]) {
    let output = as_server(&program).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{}: {}",
        program.display(),
        String::from_utf8_lossy(&output.stderr)
    );
}
