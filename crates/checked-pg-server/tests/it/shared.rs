//! A shared server is there for as long as somebody uses it, and not longer.

use std::{
    env,
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use checked_pg_server::{ServerSettings, SharedServer};
use sqlx::{Connection, PgConnection};

/// Tells a second process of this program which server to join.
const JOIN: &str = "CHECKED_PG_SERVER_TO_JOIN";

/// Removes the folder of a name, which outlives its servers, after a test.
struct Name(&'static str);

impl Drop for Name {
    fn drop(&mut self) {
        let start = format!("checked-pg-{}-", unique(self.0));
        for entry in fs::read_dir(env::temp_dir()).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name().to_string_lossy().starts_with(&start) {
                fs::remove_dir_all(entry.path()).unwrap();
            }
        }
    }
}

fn join(name: &str) -> SharedServer {
    SharedServer::join(&unique(name), ServerSettings::default()).unwrap()
}

/// No other run of these tests has it.
fn unique(name: &str) -> String {
    format!("{name}-{}", process::id())
}

/// Where the server runs.
fn place(server: &SharedServer) -> PathBuf {
    server.options().get_socket().unwrap().to_owned()
}

async fn answers(server: &SharedServer) -> bool {
    let Ok(connection) = PgConnection::connect_with(&server.options()).await else {
        return false;
    };
    connection.close().await.is_ok()
}

fn stopped(place: &Path) -> bool {
    let begun = Instant::now();
    // The guard is no child of ours that could be waited for.
    while place.exists() {
        if begun.elapsed() > Duration::from_secs(60) {
            return false;
        }
        thread::sleep(Duration::from_millis(20));
    }
    true
}

#[tokio::test]
async fn it_lasts_until_the_last_user_has_gone() {
    let _name = Name("lasts");
    let first = join("lasts");
    let second = join("lasts");
    assert_eq!(place(&first), place(&second));
    assert_ne!(first.member(), second.member());
    drop(first);
    assert!(answers(&second).await);
    let place = place(&second);
    drop(second);
    assert!(stopped(&place));
    let again = join("lasts");
    assert!(answers(&again).await);
}

#[tokio::test]
async fn another_name_or_setting_is_another_server() {
    let _names = [Name("one"), Name("other")];
    let one = join("one");
    let other = join("other");
    let settings = ServerSettings::default().max_connections(7);
    let small = SharedServer::join(&unique("one"), settings).unwrap();
    assert_ne!(place(&one), place(&other));
    assert_ne!(place(&one), place(&small));
    drop(one);
    assert!(answers(&other).await && answers(&small).await);
}

#[test]
fn who_has_gone_is_named_once() {
    let _name = Name("named");
    let first = join("named");
    let (a, b) = (join("named"), join("named"));
    let (name_a, name_b) = (a.member().to_owned(), b.member().to_owned());
    assert_eq!(b.gone(), [""; 0]);
    drop(a);
    let next = join("named");
    assert_eq!(next.gone(), [name_a]);
    drop(b);
    drop(next);
    let last = join("named");
    let mut gone = last.gone().to_vec();
    gone.sort();
    assert_eq!(gone.len(), 2, "{gone:?}");
    assert!(gone.contains(&name_b) && !gone.contains(&first.member().to_owned()));
}

/// Joins a server in another process, which says so and then waits for its end.
fn join_elsewhere(name: &str) -> (Child, PathBuf) {
    join_with_path(name, &env::var_os("PATH").unwrap())
}

fn join_with_path(name: &str, path: &OsStr) -> (Child, PathBuf) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "shared::in_another_process", "--nocapture"])
        .env(JOIN, unique(name))
        .env("PATH", path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let place = lines
        .map(Result::unwrap)
        .find_map(|line| line.split_once("joined ").map(|(_, place)| place.into()));
    (child, place.unwrap())
}

#[test]
fn in_another_process() {
    let Ok(name) = env::var(JOIN) else { return };
    let server = SharedServer::join(&name, ServerSettings::default()).unwrap();
    println!("joined {}", place(&server).display());
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[tokio::test]
async fn a_killed_process_is_a_user_less() {
    let _name = Name("killed");
    let (mut first, of_first) = join_elsewhere("killed");
    let ours = join("killed");
    let (mut second, of_second) = join_elsewhere("killed");
    assert_eq!([&of_first, &of_second], [&place(&ours); 2]);
    // The first one has started it.
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(answers(&ours).await);
    drop(ours);
    second.kill().unwrap();
    second.wait().unwrap();
    assert!(stopped(&of_second));
}

/// The guard has seen that nobody is left, and is about to say that the server stops. What it says it with is made slow.
#[tokio::test]
async fn who_comes_at_the_last_moment_keeps_the_server() {
    let _name = Name("moment");
    let folder = env::temp_dir().join(unique("checked-pg-slow-rm"));
    fs::create_dir(&folder).unwrap();
    let (slow, begun, done) = (folder.join("rm"), folder.join("begun"), folder.join("done"));
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *shared) : > {begun}; while [ ! -e {done} ]; do sleep 0.01; done; esac\n\
         exec /bin/rm \"$@\"\n",
        begun = begun.display(),
        done = done.display(),
    );
    fs::write(&slow, script).unwrap();
    // The guard may run as another user than we do.
    for path in [&folder, &slow] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let path = format!("{}:{}", folder.display(), env::var("PATH").unwrap());
    let (mut first, of_first) = join_with_path("moment", path.as_ref());
    first.kill().unwrap();
    first.wait().unwrap();
    while !begun.exists() {
        thread::sleep(Duration::from_millis(5));
    }
    let ours = join("moment");
    assert_eq!(place(&ours), of_first);
    fs::write(&done, "").unwrap();
    while of_first.join("shared").exists() {
        thread::sleep(Duration::from_millis(5));
    }
    // Longer than the guard takes to stop a server that nobody wants.
    let until = Instant::now() + Duration::from_millis(500);
    while Instant::now() < until {
        assert!(answers(&ours).await);
    }
    let next = join("moment");
    assert_ne!(place(&next), of_first, "it is no longer to be found");
    drop(ours);
    assert!(stopped(&of_first));
    fs::remove_dir_all(&folder).unwrap();
}

/// They come while it starts, while it stops, and in between.
#[test]
fn nobody_gets_a_server_that_stops() {
    let _name = Name("churn");
    let user = |number: u64| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        for round in 0..4 {
            let server = join("churn");
            assert!(runtime.block_on(answers(&server)));
            thread::sleep(Duration::from_millis((number * 7 + round * 13) % 20));
            assert!(runtime.block_on(answers(&server)));
            drop(server);
            thread::sleep(Duration::from_millis((number * 5 + round * 11) % 30));
        }
    };
    let users: Vec<_> = (0..4)
        .map(|number| thread::spawn(move || user(number)))
        .collect();
    users.into_iter().for_each(|user| user.join().unwrap());
}
