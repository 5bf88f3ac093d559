//! Servers that are not there, not ours, not of our time, or gone half-way; and our own private one.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "servers are put into states that no statement of the crate brings about"
)]

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    process::{Child, Command},
    time::{Duration, Instant},
};

use llm_trading_db::{config::Config, db::Db, embedded::EmbeddedServer, repo::bars};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::time::timeout;

use super::{Desk, Ended, Folder, HEADER, bare_binary, binary, end, writer};
use crate::support;

pub(super) async fn execute(url: &str, statement: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

fn interrupt(child: &Child) {
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn an_unreachable_server_is_named() {
    let ended = end(binary("postgres://desk:secret@127.0.0.1:1/trading").arg("snapshot"));
    assert!(!ended.err.contains("secret"), "{ended:?}");
    ended.failed(&[
        "cannot connect to database \"trading\" as user \"desk\" at 127.0.0.1:1",
        "is the server running",
    ]);
}

#[test]
fn a_wrong_setting_is_named_and_not_repeated() {
    for (name, value) in [
        ("DATABASE_URL", "mysql://secret"),
        ("DATABASE_PORT", "70000"),
    ] {
        let ended = end(bare_binary().env(name, value).arg("status"));
        assert!(!ended.err.contains("secret"), "{ended:?}");
        ended.failed(&[name]);
    }
    end(bare_binary().args(["status", "--database-url", "mysql://x"])).failed(&["postgres://"]);
}

#[test]
fn a_signal_counts_while_the_private_server_starts() {
    let folder = Folder::new();
    let program = |name: &str, script: &str| {
        let path = folder.0.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o777)).unwrap();
    let started = folder.0.join("started");
    program("initdb", r#"for last; do :; done; mkdir "$last""#);
    program(
        "postgres",
        &format!(
            "case $1 in --version) echo 'postgres (PostgreSQL) 15.1' ;; *) touch {}; sleep 20 ;; esac",
            started.display()
        ),
    );
    let mut command = bare_binary();
    command
        .arg("status")
        .arg("--data-dir")
        .arg(folder.0.join("data"));
    let child = command.env("PG_BIN", &folder.0).spawn().unwrap();
    while !started.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let begun = Instant::now();
    interrupt(&child);
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130), "{ended:?}");
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn a_private_server_is_not_started_beside_a_file_that_names_a_database() {
    let folder = Folder::new();
    let status = |arguments: &[&str]| {
        let mut command = bare_binary();
        command.arg("status").args(arguments).current_dir(&folder.0);
        // Whatever the binary makes of the file, no server is started: the default folder may be somebody's.
        command.env("PG_BIN", folder.0.join("nowhere"));
        end(&mut command)
    };
    for (line, variable) in [
        (&b"DATABASE_HOST=db.example"[..], "DATABASE_HOST"),
        (
            b"# theirs\n export DATABASE_URL='postgres://u:s3cret@db.example/desk'",
            "DATABASE_URL",
        ),
        (b"database_name = desk", "DATABASE_NAME"),
        (b"# in Latin-1: \xe9\nDATABASE_USER=trader", "DATABASE_USER"),
    ] {
        fs::write(folder.0.join(".env"), line).unwrap();
        let ended = status(&[]);
        assert!(!ended.err.contains("s3cret"), "{ended:?}");
        ended.failed(&[
            &format!(".env sets {variable}, and is not read"),
            "set -a; . ./.env; set +a",
            "--data-dir",
        ]);
        status(&["--data-dir", "/dev/null/asked"]).failed(&["PG_BIN"]);
    }
    fs::write(
        folder.0.join(".env"),
        "#DATABASE_HOST=db.example\nDATABASE_PORT=\nOTHER=1",
    )
    .unwrap();
    status(&[]).failed(&["PG_BIN"]);
    fs::remove_file(folder.0.join(".env")).unwrap();
    fs::create_dir(folder.0.join(".env")).unwrap();
    status(&[]).failed(&["PG_BIN"]);
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_not_shown() {
    let server = EmbeddedServer::temporary().unwrap();
    let mut connection = PgConnection::connect(&server.url()).await.unwrap();
    let rules: String = sqlx::query_scalar("SHOW hba_file")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    fs::write(
        rules,
        "local all postgres trust\nlocal all all scram-sha-256\n",
    )
    .unwrap();
    execute(
        &server.url(),
        "CREATE ROLE desk LOGIN PASSWORD 'right'; SELECT pg_reload_conf()",
    )
    .await;

    let url = |password| {
        server
            .url()
            .replace("postgres@", &format!("desk:{password}@"))
    };
    let refused = async { while PgConnection::connect(&url("wr0ng")).await.is_ok() {} };
    let reloaded = timeout(Duration::from_secs(10), refused).await;
    reloaded.expect("the server does not read its new rules");
    assert_eq!(end(binary(&url("right")).arg("status")).code, Some(0));
    let ended = end(binary(&url("wr0ng")).arg("status"));
    assert!(!ended.err.contains("wr0ng"), "{ended:?}");
    ended.failed(&[
        "cannot connect to database",
        "check user and password (DATABASE_USER, DATABASE_PASSWORD)",
    ]);

    // In a file, no password stands in the list of processes.
    let folder = Folder::new();
    let without = url("x").replace(":x@", "@");
    for (name, content, code) in [("good", "right\n", 0), ("bad", "wr0ng", 1)] {
        let file = folder.file(name, content);
        let ended = end(binary(&without)
            .arg("status")
            .arg("--password-file")
            .arg(file));
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(!ended.err.contains("wr0ng"), "{ended:?}");
    }
    end(binary(&without).args(["status", "--password-file", "/no/such"]))
        .failed(&["password file /no/such"]);
}

#[tokio::test]
async fn a_given_database_is_migrated_only_on_demand() {
    let url = support::server().url();
    let name = format!("unmigrated_{}", std::process::id());
    execute(&url, &format!("CREATE DATABASE {name}")).await;
    let url = support::server().url_for(&name);

    for command in [
        "snapshot",
        "leaderboard",
        "matrix",
        "metrics",
        "performance",
    ] {
        end(binary(&url).arg(command)).failed(&["run `llm-trading-db migrate` first"]);
    }
    let status = end(binary(&url).arg("status")).ok();
    assert!(
        status.contains("to apply: run `llm-trading-db migrate`"),
        "{status}"
    );
    let status = end(binary(&url).args(["status", "--json"])).json();
    assert_eq!(status["migrations"][0]["state"], "pending");

    let said = end(binary(&url).arg("migrate")).ok();
    assert!(
        said.contains("migrations applied; the database is up to date"),
        "{said}"
    );
    let said = end(binary(&url).arg("migrate")).ok();
    assert!(said.starts_with("0 migrations applied"), "{said}");
    end(binary(&url).arg("metrics")).ok();
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone() {
    let desk = Desk::new().await;
    let newer =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (4711, 'from the future', true, 'x', 0)";
    execute(&desk.url, newer).await;
    let why = [
        "the database has migration 4711",
        "run that version or a later one",
    ];
    desk.import_bars("AAPL,2026-01-07,1,1,1,1,1\n").failed(&why);
    desk.run(&["snapshot"]).failed(&why);
    desk.run(&["migrate"]).failed(&why);
    let status = desk.run(&["status"]).ok();
    assert!(status.contains("1 not known to this program"), "{status}");
    assert_eq!(bars::symbols(&desk.db).await.unwrap(), []);
}

#[tokio::test]
async fn a_server_that_stops_in_mid_import_keeps_nothing() {
    let folder = Folder::new();
    let data = folder.path("data");
    let server = EmbeddedServer::persistent(&data).unwrap();
    let url = server.url();
    end(binary(&url).arg("migrate")).ok();

    let pipe = folder.pipe("pipe");
    let child = binary(&url).arg("import-bars").arg(&pipe).spawn().unwrap();
    // The file is opened within the transaction, and no pipe holds this much: the first bars are on their way.
    let mut bars_to_come = writer(&pipe);
    let rows = |symbol: &str| -> String {
        let first = chrono::NaiveDate::from_ymd_opt(1950, 1, 1).unwrap();
        first
            .iter_days()
            .take(20_000)
            .map(|date| format!("{symbol},{date},1,1,1,1,1\n"))
            .collect()
    };
    write!(bars_to_come, "{HEADER}\n{}", rows("AAPL")).unwrap();
    server.stop().unwrap();
    // The program may have noticed and gone by now.
    write!(bars_to_come, "{}", rows("IBM")).ok();
    drop(bars_to_come);
    let ended = Ended::from(child.wait_with_output().unwrap());
    ended.failed(&["nothing was stored, import again when the server is back: the connection to the server broke"]);

    let server = EmbeddedServer::persistent(&data).unwrap();
    let db = Db::connect(&Config::from_options(server.options()))
        .await
        .unwrap();
    assert_eq!(bars::symbols(&db).await.unwrap(), []);
}

#[tokio::test]
async fn the_private_server_keeps_its_data() {
    let folder = Folder::new();
    let data = folder.path("data of the desk");
    let run = |arguments: &[&str]| end(bare_binary().arg("--data-dir").arg(&data).args(arguments));
    let bars = folder.file("bars.csv", format!("{HEADER}\nAAPL,2026-01-07,1,1,1,1,1\n"));
    let said = run(&["import-bars", bars.to_str().unwrap()]).ok();
    assert_eq!(said, "1 bar: 1 inserted, 0 updated, 0 unchanged\n");
    let status = run(&["status", "--json"]).json();
    assert_eq!(status["symbols"], 1);
    assert!(
        status["database"]
            .as_str()
            .unwrap()
            .contains("data of the desk"),
        "{status}"
    );

    // What is named on the command line goes before the environment.
    let elsewhere = "postgres://127.0.0.1:1/x";
    let mut command = binary(elsewhere);
    end(command.arg("--data-dir").arg(&data).arg("snapshot")).ok();
}

/// The library names methods and folders; the binary adds what its operator sets.
#[test]
fn errors_name_the_options_and_variables_of_the_binary() {
    let folder = Folder::new();
    folder.file("letter.txt", "not ours");
    end(bare_binary()
        .arg("--data-dir")
        .arg(folder.path(""))
        .arg("status"))
    .failed(&["pick a new or an empty folder; name the folder with --data-dir"]);
    let mut command = binary(&support::server().url());
    end(command.env("DB_POOLER", "transaction").arg("migrate"))
        .failed(&["at the server's own address, without DB_POOLER"]);
}

#[tokio::test]
async fn an_interrupt_ends_an_import_and_its_server() {
    let folder = Folder::new();
    let data = folder.path("data");
    let pipe = folder.pipe("pipe");
    let child = bare_binary()
        .arg("--data-dir")
        .arg(&data)
        .arg("import-bars")
        .arg(&pipe)
        .spawn()
        .unwrap();
    let mut bars_to_come = writer(&pipe);
    writeln!(bars_to_come, "{HEADER}\nAAPL,2026-01-07,1,1,1,1,1").unwrap();
    interrupt(&child);
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!(
        (ended.code, ended.err.as_str(), ended.out.as_str()),
        (Some(130), "interrupted\n", "")
    );
    drop(bars_to_come);

    // It has gone, so the next one may begin.
    let status = end(bare_binary()
        .arg("--data-dir")
        .arg(&data)
        .args(["status", "--json"]))
    .json();
    assert_eq!(status["symbols"], 0);
}
