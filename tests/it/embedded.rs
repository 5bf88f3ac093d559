//! The private server: what it leaves behind, what it keeps, and what it says when it cannot start.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the server is tried on bare connections with statements of no schema"
)]

use std::{
    env, fs,
    io::{BufRead, BufReader},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use llm_trading_db::embedded::{EmbeddedError, EmbeddedServer, ServerSettings};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Tells a second run of this test binary to own a server until it is killed, on this data folder or on a temporary one.
const OWN_A_SERVER: &str = "LLM_TRADING_DB_TEST_OWN_A_SERVER";

/// A folder that the server's user can enter, removed at the end of a test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(format!("/tmp/desk-it-{}-{name}", std::process::id()));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        Self(path)
    }

    fn entries(&self) -> Vec<PathBuf> {
        fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

async fn scalar(server: &EmbeddedServer, statement: &str) -> String {
    let mut connection = PgConnection::connect_with(&server.options()).await.unwrap();
    let value = sqlx::query_scalar(AssertSqlSafe(statement))
        .fetch_one(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    value
}

async fn execute(server: &EmbeddedServer, statement: &str) {
    let mut connection = PgConnection::connect_with(&server.options()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

async fn data_folder(server: &EmbeddedServer) -> PathBuf {
    scalar(server, "SHOW data_directory").await.into()
}

fn server_process(data: &Path) -> PathBuf {
    let status = fs::read_to_string(data.join("postmaster.pid")).unwrap();
    Path::new("/proc").join(status.lines().next().unwrap())
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{what}: not after a minute"
        );
        thread::sleep(Duration::from_millis(10));
    }
}

/// Runs this binary again as the owner of a server, which it is killed with.
fn owner(temporary: &Path, data: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "embedded::owner_of_a_server", "--nocapture"]);
    command
        .env(OWN_A_SERVER, data)
        .env("TMPDIR", temporary)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// Waits until an owner has a server, and gives its data folder.
fn owned_data(owner: &mut Child) -> PathBuf {
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines();
    let line = lines
        .map(Result::unwrap)
        .find_map(|line| line.split_once("data=").map(|(_, data)| data.to_owned()));
    line.expect("the owner ended without a server").into()
}

fn kill(mut owner: Child) {
    owner.kill().unwrap();
    owner.wait().unwrap();
}

/// Not a test of its own: what [`owner`] runs.
#[tokio::test]
async fn owner_of_a_server() {
    let Ok(data) = env::var(OWN_A_SERVER) else {
        return;
    };
    let server = if data.is_empty() {
        EmbeddedServer::temporary()
    } else {
        EmbeddedServer::persistent(Path::new(&data))
    }
    .unwrap();
    println!("data={}", data_folder(&server).await.display());
    std::io::stdin().lines().count();
}

#[tokio::test]
async fn a_temporary_server_answers_and_leaves_nothing() {
    let server = EmbeddedServer::temporary().unwrap();
    assert!(
        scalar(&server, "SHOW server_version")
            .await
            .starts_with(server.version())
    );
    assert_eq!(scalar(&server, "SHOW timezone").await, "UTC");
    assert_eq!(scalar(&server, "SHOW server_encoding").await, "UTF8");
    assert_eq!(scalar(&server, "SHOW listen_addresses").await, "");

    let data = data_folder(&server).await;
    let process = server_process(&data);
    server.stop().unwrap();
    assert!(!data.parent().unwrap().exists());
    assert!(!process.exists());
}

#[tokio::test]
async fn a_dropped_server_leaves_nothing() {
    let server = EmbeddedServer::temporary().unwrap();
    let data = data_folder(&server).await;
    // An open session does not hold the server up.
    let session = PgConnection::connect_with(&server.options()).await.unwrap();
    drop(server);
    assert!(!data.parent().unwrap().exists());
    drop(session);
}

#[tokio::test]
async fn the_address_leads_to_the_server() {
    let server = EmbeddedServer::temporary().unwrap();
    let mut connection = PgConnection::connect(&server.url()).await.unwrap();
    let database: String = sqlx::query_scalar("SELECT current_database()::text")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(database, "postgres");
}

#[tokio::test]
async fn settings_reach_the_server() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let server = EmbeddedServer::temporary_with(
        ServerSettings::default()
            .max_connections(7)
            .listen_tcp(port),
    )
    .unwrap();
    assert_eq!(scalar(&server, "SHOW max_connections").await, "7");
    let mut connection = PgConnection::connect_with(&server.tcp_options_for("postgres").unwrap())
        .await
        .unwrap();
    connection.ping().await.unwrap();
}

#[tokio::test]
async fn durable_data_outlives_its_server_also_in_a_folder_with_spaces() {
    let scratch = Scratch::new("spaces");
    let dir = scratch.0.join("my desk's data/2024 & later");
    let server = EmbeddedServer::persistent(&dir).unwrap();
    assert_eq!(scalar(&server, "SHOW fsync").await, "on");
    execute(&server, "CREATE TABLE kept AS SELECT 'still here' AS word").await;
    server.stop().unwrap();

    let server = EmbeddedServer::persistent(&dir).unwrap();
    assert_eq!(scalar(&server, "SELECT word FROM kept").await, "still here");
}

#[tokio::test]
async fn a_second_server_on_the_same_data_is_refused() {
    let scratch = Scratch::new("second");
    let dir = scratch.0.join("data");
    let server = EmbeddedServer::persistent(&dir).unwrap();
    let error = EmbeddedServer::persistent(&dir).unwrap_err();
    assert!(
        matches!(&error, EmbeddedError::InUse { dir: used } if *used == dir),
        "{error}"
    );
    assert_eq!(scalar(&server, "SELECT 'unharmed'").await, "unharmed");
}

#[test]
fn a_folder_with_something_else_in_it_is_left_alone() {
    let scratch = Scratch::new("other");
    fs::write(scratch.0.join("thesis.txt"), "two years of work").unwrap();
    let error = EmbeddedServer::persistent(&scratch.0).unwrap_err();
    assert!(matches!(error, EmbeddedError::NotOurs { .. }), "{error}");
    assert_eq!(scratch.entries().len(), 1);
}

#[test]
fn data_of_another_version_is_refused_with_advice() {
    let scratch = Scratch::new("version");
    let dir = scratch.0.join("data");
    EmbeddedServer::persistent(&dir).unwrap().stop().unwrap();
    fs::write(dir.join("postgres/PG_VERSION"), "12\n").unwrap();
    let error = EmbeddedServer::persistent(&dir).unwrap_err();
    assert!(
        error.to_string().contains("was made by PostgreSQL 12"),
        "{error}"
    );
}

#[test]
fn a_folder_out_of_reach_is_named_and_nothing_created() {
    let scratch = Scratch::new("reach");
    let locked = scratch.0.join("private");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o700)).unwrap();
    match EmbeddedServer::persistent(&locked.join("desk/data")) {
        // Root gives way to a user who may not enter; any other user runs the server itself, in a folder of its own.
        Err(EmbeddedError::Unreachable { dir, .. }) => {
            assert_eq!(dir, locked);
            assert_eq!(fs::read_dir(&locked).unwrap().count(), 0);
        }
        started => started.unwrap().stop().unwrap(),
    }
}

#[test]
fn an_interrupted_first_start_leaves_no_half_made_data() {
    let scratch = Scratch::new("half");
    let dir = scratch.0.join("data");
    let owner = owner(&scratch.0, dir.to_str().unwrap()).spawn().unwrap();
    eventually("initdb begins", || {
        dir.join("postgres.new/PG_VERSION").exists()
    });
    kill(owner);
    EmbeddedServer::persistent(&dir).unwrap().stop().unwrap();
    assert!(!dir.join("postgres.new").exists());
}

#[test]
fn a_killed_owner_of_temporary_data_leaves_nothing() {
    let scratch = Scratch::new("killed");
    let mut owner = owner(&scratch.0, "").spawn().unwrap();
    let data = owned_data(&mut owner);
    let process = server_process(&data);
    assert!(process.exists() && data.starts_with(&scratch.0));
    kill(owner);
    eventually("the server ends", || !process.exists());
    eventually("its folder goes", || scratch.entries().is_empty());
}

#[test]
fn an_owner_killed_while_it_starts_leaves_nothing() {
    let scratch = Scratch::new("early");
    let owner = owner(&scratch.0, "").spawn().unwrap();
    eventually("initdb begins", || {
        scratch
            .entries()
            .iter()
            .any(|run| run.join("data.new/PG_VERSION").exists())
    });
    kill(owner);
    eventually("its folder goes", || scratch.entries().is_empty());
}

#[tokio::test]
async fn durable_data_survives_a_killed_owner_and_a_killed_server() {
    let scratch = Scratch::new("crash");
    let dir = scratch.0.join("data");
    let mut first = owner(&scratch.0, dir.to_str().unwrap()).spawn().unwrap();
    let data = owned_data(&mut first);
    let process = server_process(&data);
    // The server first, without a chance to tidy up: postmaster.pid stays, and says ready.
    let pid = process.file_name().unwrap().to_owned();
    assert!(
        Command::new("kill")
            .arg("-KILL")
            .arg(pid)
            .status()
            .unwrap()
            .success()
    );
    eventually("the server ends", || !process.exists());
    assert!(
        fs::read_to_string(data.join("postmaster.pid"))
            .unwrap()
            .contains("ready")
    );
    kill(first);

    let server = EmbeddedServer::persistent(&dir).unwrap();
    execute(&server, "CREATE TABLE kept AS SELECT 'still here' AS word").await;
    assert_eq!(scalar(&server, "SELECT word FROM kept").await, "still here");
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let scratch = Scratch::new("broken");
    let dir = scratch.0.join("data");
    EmbeddedServer::persistent(&dir).unwrap().stop().unwrap();
    fs::remove_dir_all(dir.join("postgres/global")).unwrap();
    let error = EmbeddedServer::persistent(&dir).unwrap_err();
    assert!(
        matches!(&error, EmbeddedError::Start { log } if log.contains("could not find the database system")),
        "{error}"
    );
}

#[test]
fn a_long_or_odd_folder_for_temporary_files_will_do() {
    let scratch = Scratch::new("odd");
    let odd = scratch
        .0
        .join("a folder, with spaces and a rather long name, too long for the path of a socket");
    fs::create_dir(&odd).unwrap();
    let mut owner = owner(&odd, "").spawn().unwrap();
    let data = owned_data(&mut owner);
    assert!(
        data.starts_with("/tmp") && !data.starts_with(&odd),
        "{}",
        data.display()
    );
    kill(owner);
    eventually("its folder goes", || !data.parent().unwrap().exists());
}

#[test]
fn binaries_are_searched_for_and_their_lack_is_explained() {
    let scratch = Scratch::new("binaries");
    let start = |pg_bin: &Path| {
        let mut command = owner(&scratch.0, "");
        let output = command
            .env("PG_BIN", pg_bin)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    };
    assert!(start(&scratch.0.join("nowhere")).contains("BadPgBin"));

    let server = EmbeddedServer::temporary().unwrap();
    drop(server);
    let installed = Path::new("/usr/lib/postgresql/15/bin");
    if installed.exists() {
        let linked = scratch.0.join("bin of PostgreSQL");
        symlink(installed, &linked).unwrap();
        assert!(start(&linked).contains("data="));
    }
}
