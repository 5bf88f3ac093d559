//! However a server, its guard or its owner ends, and on a full disk: the end comes, and the next start works.

use std::{
    env,
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use checked_pg_server::{EmbeddedError, EmbeddedServer, ServerSettings};
use sqlx::{Connection, PgConnection};

/// Tells a second process of this program to own a server on these data.
const OWN: &str = "CHECKED_PG_SERVER_TO_OWN";
/// Tells it that this folder is on a disk of its own, which is small.
const SMALL: &str = "CHECKED_PG_SERVER_ON_A_SMALL_DISK";

/// A folder that the server's user can enter, removed after the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(format!("/tmp/checked-pg-ends-{}-{name}", process::id()));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        Self(path)
    }

    fn data(&self) -> PathBuf {
        self.0.join("data")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn signal(signal: &str, process: &str) {
    let sent = Command::new("kill").args([signal, process]).status();
    assert!(sent.unwrap().success(), "kill {signal} {process}");
}

/// Whether a process runs; one that has ended and waits for its parent has no command line.
fn exists(process: &str) -> bool {
    fs::read(format!("/proc/{process}/cmdline")).is_ok_and(|text| !text.is_empty())
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        let waited = begun.elapsed();
        assert!(
            waited < Duration::from_secs(60),
            "{what}: not after a minute"
        );
        thread::sleep(Duration::from_millis(10));
    }
}

/// The number of the server's first process.
fn postmaster(data: &Path) -> String {
    let status = fs::read_to_string(data.join("postgres/postmaster.pid")).unwrap();
    status.lines().next().unwrap().to_owned()
}

/// The process that started another one.
fn parent(process: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    line.unwrap().trim().to_owned()
}

fn children(process: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc")
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let processes = processes.filter_map(|name| name.into_string().ok());
    let of_it = |child: &String| {
        let status = fs::read_to_string(format!("/proc/{child}/status")).unwrap_or_default();
        status.lines().any(|line| {
            line.strip_prefix("PPid:")
                .is_some_and(|id| id.trim() == process)
        })
    };
    processes.filter(of_it).collect()
}

fn owner(data: &Path) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "ends::owner_of_a_server", "--nocapture"]);
    command
        .env(OWN, data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut owner = command.spawn().unwrap();
    let mut lines = BufReader::new(owner.stdout.take().unwrap()).lines();
    let ready = lines.any(|line| line.unwrap().contains("ready"));
    assert!(ready, "the owner ended without a server");
    owner
}

/// Not a test of its own: what [`owner`] runs.
#[test]
fn owner_of_a_server() {
    let Ok(data) = env::var(OWN) else {
        return;
    };
    let _server = EmbeddedServer::persistent(Path::new(&data)).unwrap();
    println!("\nready");
    std::io::stdin().lines().count();
}

/// Stops in a thread, since that may last for ever.
fn stop(server: EmbeddedServer, limit: Duration) -> Result<(), EmbeddedError> {
    let begun = Instant::now();
    let stopping = thread::spawn(move || server.stop());
    while !stopping.is_finished() {
        assert!(begun.elapsed() < limit, "not stopped after {limit:?}");
        thread::sleep(Duration::from_millis(10));
    }
    stopping.join().unwrap()
}

#[tokio::test]
async fn a_process_that_hangs_does_not_hold_up_the_stop() {
    for hangs in ["session", "server"] {
        let settings = ServerSettings::default().stop_within(Duration::from_secs(1));
        let server = EmbeddedServer::temporary_with(settings).unwrap();
        let mut session = PgConnection::connect_with(&server.options()).await.unwrap();
        let ask = "SELECT pg_backend_pid()::text || ' ' || current_setting('data_directory')";
        let told: String = sqlx::query_scalar(ask)
            .fetch_one(&mut session)
            .await
            .unwrap();
        let (backend, data) = told.split_once(' ').unwrap();
        let run_folder = Path::new(data).parent().unwrap();
        let server_process = parent(backend);
        let which = match hangs {
            "session" => backend,
            _ => &server_process,
        };
        signal("-STOP", which);
        let stopped = stop(server, Duration::from_secs(15));
        assert!(
            matches!(stopped, Err(EmbeddedError::Stop { .. })),
            "{hangs}: {stopped:?}"
        );
        eventually("every process goes", || {
            !exists(backend) && !exists(&server_process)
        });
        assert!(!run_folder.exists(), "{hangs}");
    }
}

#[tokio::test]
async fn whoever_is_killed_the_next_start_works() {
    let scratch = Scratch::new("killed");
    EmbeddedServer::persistent(&scratch.data())
        .unwrap()
        .stop()
        .unwrap();
    for victims in [
        &["owner"][..],
        &["server", "owner"],
        &["guard", "owner"],
        &["owner", "guard"],
        &["guard", "server", "owner"],
        &["watcher", "guard", "owner"],
    ] {
        let mut owner = owner(&scratch.data());
        let server = postmaster(&scratch.data());
        let guard = parent(&server);
        let watcher = children(&guard).into_iter().find(|child| *child != server);
        for victim in victims {
            match *victim {
                "owner" => owner.kill().unwrap(),
                "guard" => signal("-KILL", &guard),
                "watcher" => signal("-KILL", watcher.as_ref().unwrap()),
                _ => signal("-KILL", &server),
            }
        }
        owner.wait().unwrap();
        let next = EmbeddedServer::persistent(&scratch.data())
            .unwrap_or_else(|error| panic!("{victims:?}: {error}"));
        let mut session = PgConnection::connect_with(&next.options()).await.unwrap();
        session.ping().await.unwrap();
        session.close().await.unwrap();
        next.stop().unwrap();
        assert!(!exists(&server), "{victims:?}");
    }
}

#[test]
fn a_full_disk_is_named_and_nothing_is_left_of_the_attempt() {
    if env::var_os(SMALL).is_some() {
        return;
    }
    let scratch = Scratch::new("full");
    let mut inside = Command::new("unshare");
    inside.args(["--mount", "sh", "-c"]);
    inside.arg(r#"mount -t tmpfs -o size=96m,mode=1777 none "$1" && exec "$2" --exact ends::on_a_small_disk --nocapture"#);
    inside
        .arg("sh")
        .arg(&scratch.0)
        .arg(env::current_exe().unwrap());
    let output = inside
        .env(SMALL, &scratch.0)
        .env("TMPDIR", &scratch.0)
        .output();
    let Ok(output) = output else {
        return test_servers::impossible("there is no `unshare` to mount a small disk with");
    };
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if !said.contains("running ") {
        return test_servers::impossible(&format!("nothing may be mounted here: {said}"));
    }
    let passed = output.status.success() && said.contains("1 passed");
    assert!(passed, "{said}");
}

/// All but so many bytes of the disk, taken.
fn fill(folder: &Path, left: usize) -> PathBuf {
    let path = folder.join("ballast");
    let mut ballast = File::create(&path).unwrap();
    while ballast.write_all(&[1; 4096]).is_ok() {}
    let length = ballast.metadata().unwrap().len();
    ballast.set_len(length.saturating_sub(left as u64)).unwrap();
    path
}

/// Not a test of its own: what runs on the small disk.
#[test]
fn on_a_small_disk() {
    let Some(folder) = env::var_os(SMALL).map(PathBuf::from) else {
        return;
    };
    let named = |outcome: Result<EmbeddedServer, EmbeddedError>, left: usize| {
        let error = outcome.map(|_| ()).unwrap_err();
        let line = match &error {
            // The first folder finds no room already.
            EmbeddedError::Io { source, .. } => format!("{error}: {source}"),
            _ => error.to_string(),
        };
        let space = line.to_lowercase().contains("no space left on")
            || line.contains("no space is left on");
        assert!(space, "{left} bytes left: {line}");
    };
    let entries = || {
        let mut names: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    // In the middle of initdb, at its first file, before anything.
    for left in [30 << 20, 1 << 20, 64 << 10, 0] {
        let ballast = fill(&folder, left);
        named(EmbeddedServer::temporary(), left);
        fs::remove_file(&ballast).unwrap();
        assert!(entries().is_empty(), "{left}: {:?}", entries());
    }
    // Data that are there already: the server itself finds no room.
    let data = folder.join("data");
    EmbeddedServer::persistent(&data).unwrap().stop().unwrap();
    for _ in 0..7 {
        let owner = owner(&data);
        let server = postmaster(&data);
        let ballast = fill(&folder, 0);
        signal("-KILL", &server);
        let mut owner = owner;
        owner.kill().unwrap();
        owner.wait().unwrap();
        let outcome = EmbeddedServer::persistent(&data);
        if outcome.is_err() {
            named(outcome, 0);
        }
        fs::remove_file(&ballast).unwrap();
        EmbeddedServer::persistent(&data).unwrap().stop().unwrap();
    }
}
