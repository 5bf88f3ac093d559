//! Acquiring, closing, ageing and health.
#![allow(
    clippy::disallowed_methods,
    reason = "these tables belong to the tests alone, so no macro can check statements on them"
)]

use crate::{
    bank::{Bank, MS, assert_silent, backend_pid, insert, poll_at_most, warm_up},
    faults::socket_folder,
};
use checked_pg::Schema;
use llm_trading_db::{
    config::{Config, TargetSessionAttrs},
    db::{Db, HealthStatus, PoolStatus, ServerRole},
    error::Error,
};
use sqlx::{
    Executor, SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
    postgres::PgConnectOptions,
};
use std::time::{Duration, Instant};
use tokio::{sync::oneshot, task::JoinHandle};

/// Takes one connection until told to stop, or for half a minute.
async fn occupy(db: &Db) -> (oneshot::Sender<()>, JoinHandle<Result<(), Error>>) {
    let (taken, is_taken) = oneshot::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let db = db.clone();
    let task = tokio::spawn(async move {
        let signals = std::sync::Mutex::new(Some((taken, stopped)));
        db.transaction(async |tx| {
            tx.execute("INSERT INTO ledger (amount) VALUES (5)").await?;
            let signals = signals.lock().unwrap().take();
            let (taken, stopped) = signals.unwrap();
            taken.send(()).unwrap();
            tokio::time::timeout(30_000 * MS, stopped).await.ok();
            Ok(())
        })
        .await
    });
    is_taken.await.unwrap();
    (stop, task)
}

#[tokio::test]
async fn connect_opens_the_smallest_size() {
    let mut bank = Bank::open().await;
    let db = bank.db(4).await;
    assert_eq!(bank.backends().await, 1, "one, to try the settings");
    let config = bank.config(4).min_pool_size(3);
    let db3 = Db::connect(&config).await.unwrap();
    assert_eq!(bank.backends().await, 1 + 3);
    let PoolStatus {
        max_size,
        size,
        idle,
        waiting,
        ..
    } = db3.status();
    assert_eq!((max_size, size, idle, waiting), (4, 3, 3, 0));
    drop(db);
}

#[tokio::test]
async fn an_exhausted_pool_says_so_in_numbers() {
    let bank = Bank::open().await;
    let config = bank.config(1).acquire_timeout(100 * MS);
    let db = Db::connect(&config).await.unwrap();
    let (stop, task) = occupy(&db).await;
    let start = Instant::now();
    let (one, other) = tokio::join!(insert(&db, 1), insert(&db, 1));
    assert!(start.elapsed() < 10_000 * MS);
    for error in [one.unwrap_err(), other.unwrap_err()] {
        let line = error.to_string();
        match error {
            Error::PoolTimeout {
                waited,
                size: 1,
                idle: 0,
                waiting: waiting @ 1..=2,
                ..
            } => {
                assert!(waited >= 100 * MS);
                let expected = format!(
                    "no free connection after {waited:.1?} (1 open, 0 idle, {waiting} waiting): \
                     raise Config::max_pool_size, or hold connections for less long"
                );
                assert_eq!(line, expected);
            }
            other => panic!("{other:?}"),
        }
    }

    let start = Instant::now();
    let health = db.health(&[&llm_trading_db::SCHEMA]).await;
    assert_eq!(
        (health.status, &health.server),
        (HealthStatus::Degraded, &None)
    );
    assert!(
        health.findings[0].starts_with("no free connection after"),
        "{health:?}"
    );
    assert!(start.elapsed() < 10_000 * MS, "{:?}", start.elapsed());

    stop.send(()).unwrap();
    task.await.unwrap().unwrap();
    insert(&db, 1).await.unwrap();
}

#[tokio::test]
async fn close_waits_for_the_work_under_way() {
    let mut bank = Bank::open().await;
    let db = bank.db(2).await;
    warm_up(&db).await;
    let (stop, task) = occupy(&db).await;
    assert!(!db.close(50 * MS).await, "work is under way");
    assert!(matches!(insert(&db, 1).await, Err(Error::PoolClosed)));
    let health = db.health(&[]).await;
    assert_eq!(health.status, HealthStatus::Unavailable);
    assert_eq!(health.findings, ["the pool is closed"]);

    let start = Instant::now();
    let (closed, _) = tokio::join!(db.close(20_000 * MS), async { stop.send(()) });
    assert!(closed);
    assert!(
        start.elapsed() < 10_000 * MS,
        "as soon as the work is done, not at the deadline"
    );
    task.await.unwrap().unwrap();
    assert_eq!(bank.ledger().await, [5], "the work was done, and no other");
    assert!(db.close(MS).await, "twice is no mistake");
}

#[tokio::test]
async fn close_turns_waiting_callers_away() {
    let bank = Bank::open().await;
    let db = bank.db(1).await;
    let (stop, task) = occupy(&db).await;
    let (waiting, closed) = tokio::join!(insert(&db, 1), async {
        tokio::task::yield_now().await;
        db.close(MS).await
    });
    assert!(matches!(waiting, Err(Error::PoolClosed)), "{waiting:?}");
    assert!(!closed);
    stop.send(()).unwrap();
    task.await.unwrap().unwrap();
}

#[tokio::test]
async fn idle_connections_are_closed_down_to_the_smallest_size() {
    let mut bank = Bank::open().await;
    let config = bank
        .config(6)
        .min_pool_size(2)
        .max_inactive_lifetime(200 * MS);
    let db = Db::connect(&config).await.unwrap();
    warm_up(&db).await;
    assert_eq!(bank.backends().await, 6);
    let start = Instant::now();
    // Nobody uses the pool meanwhile: it takes no traffic to close them.
    while bank.backends().await > 2 {
        assert!(start.elapsed() < 20_000 * MS, "{:?}", db.status());
        tokio::time::sleep(10 * MS).await;
    }
    assert!(start.elapsed() > 100 * MS, "{:?}", start.elapsed());
    tokio::time::sleep(300 * MS).await;
    assert_eq!((bank.backends().await, db.status().size), (2, 2));
    warm_up(&db).await;
}

#[tokio::test]
async fn a_connection_in_use_does_not_age() {
    let bank = Bank::open().await;
    let config = bank.config(2).max_inactive_lifetime(2000 * MS);
    let db = Db::connect(&config).await.unwrap();
    let before = backend_pid(&db).await;
    for _ in 0..6 {
        tokio::time::sleep(400 * MS).await;
        assert_eq!(backend_pid(&db).await, before);
    }
}

#[tokio::test]
async fn a_connection_nobody_waits_for_any_more_is_kept() {
    let mut bank = Bank::open().await;
    let db = Db::connect_lazy(&bank.config(1)).unwrap();
    assert!(poll_at_most(1, insert(&db, 1)).await.is_none());
    insert(&db, 2).await.unwrap();
    // Had it been thrown away, its backend might be gone by now: the server's own count of sessions tells.
    let sessions: i64 = sqlx::query_scalar(
        "SELECT sessions FROM pg_stat_database WHERE datname = current_database()",
    )
    .fetch_one(&mut bank.outside)
    .await
    .unwrap();
    assert_eq!(sessions, 2, "one of the pool and this one");
}

#[test]
fn a_runtime_that_ends_closes_what_it_drained() {
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let mut outside = None;
    let first = runtime();
    let db = first.block_on(async {
        let bank = Bank::open().await;
        let db = bank.db(1).await;
        let slow = db.execute("SELECT pg_sleep(3)");
        assert!(tokio::time::timeout(5 * MS, slow).await.is_err());
        outside = Some(bank);
        db
    });
    drop(first); // while the connection is being drained
    assert_eq!(db.status().size, 0);
    drop(outside);
}

#[tokio::test]
async fn an_unreachable_server_is_named_and_the_password_is_not() {
    let options = PgConnectOptions::new_without_pgpass()
        .socket("/nowhere")
        .port(5499)
        .username("trader")
        .password("s3cret")
        .database("desk");
    let config = Config::from_options(options).connect_timeout(100 * MS);
    let error = Db::connect(&config).await.unwrap_err();
    let line = error.to_string();
    for part in ["desk", "trader", "/nowhere", "5499", "running"] {
        assert!(line.contains(part), "{line}");
    }
    assert_eq!(line.lines().count(), 1);
    assert_silent(&error, "s3cret");
    let db = Db::connect_lazy(&config).unwrap();
    assert!(!format!("{db:?} {config:?} {config:#?}").contains("s3cret"));
}

#[tokio::test]
async fn a_missing_database_is_named() {
    let bank = Bank::open().await;
    let options = bank.config(1).connect_options().database("nosuchdb");
    let start = Instant::now();
    let error = Db::connect(&Config::from_options(options))
        .await
        .unwrap_err();
    assert!(start.elapsed() < 4000 * MS, "no use in trying again");
    assert!(matches!(&error, Error::Connect { .. }), "{error:?}");
    assert!(error.to_string().contains("create it"), "{error}");
}

/// Has the server ask this user, and no other, for a password.
async fn ask_for_the_password_of(user: &str, bank: &mut Bank) {
    let rewrite = format!(
        r#"DO $$
        DECLARE
            file text := current_setting('hba_file');
            rules text := pg_read_file(file);
        BEGIN
            -- Two tests may rewrite the file at a time; each reads and writes it under this lock.
            PERFORM pg_advisory_xact_lock(4711);
            CREATE TEMP TABLE rule ON COMMIT DROP AS
            SELECT 'local all "{user}" scram-sha-256' AS line
            UNION ALL
            SELECT regexp_replace(line, '\s+', ' ', 'g')
            FROM string_to_table(rules, E'\n') AS line
            WHERE line !~ '^\s*(#|$)';
            EXECUTE format('COPY rule TO %L', file);
            PERFORM pg_reload_conf();
        END $$"#
    );
    bank.outside
        .execute(sqlx::AssertSqlSafe(rewrite))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_password_may_hold_any_character() {
    const PASSWORD: &str = r#"p@ss:w/o%rd#?&="' \ä€ "#;
    let mut bank = Bank::open().await;
    let user = format!("trader{}", std::process::id());
    ask_for_the_password_of(&user, &mut bank).await;
    let role = format!(
        "CREATE ROLE {user} LOGIN PASSWORD E'{}'",
        PASSWORD.replace('\\', r"\\").replace('\'', r"\'")
    );
    bank.outside
        .execute(sqlx::AssertSqlSafe(role))
        .await
        .unwrap();

    let server = bank.config(1).connect_options();
    let folder = socket_folder(&server).display().to_string();
    let config = |password: &str| {
        Config::from_vars(|name| match name {
            "DATABASE_HOST" => Some(folder.clone()),
            "DATABASE_PORT" => Some(server.get_port().to_string()),
            "DATABASE_NAME" => server.get_database().map(str::to_owned),
            "DATABASE_USER" => Some(user.clone()),
            "DATABASE_PASSWORD" => Some(password.to_owned()),
            _ => None,
        })
        .unwrap()
    };
    let wrong = config("a wr0ng one");
    // The server reloads its rules a moment after it was asked to.
    let start = Instant::now();
    let error = loop {
        match Db::connect(&wrong).await {
            Err(error) => break error,
            Ok(_) => assert!(start.elapsed() < 20_000 * MS, "the rules are not in force"),
        }
        tokio::time::sleep(10 * MS).await;
    };
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    assert!(
        error.to_string().contains("check user and password"),
        "{error}"
    );
    assert_silent(&error, "wr0ng");
    Db::connect(&config(PASSWORD)).await.unwrap();
}

#[tokio::test]
async fn health_tells_version_latency_and_pool() {
    let mut bank = Bank::open().await;
    // The desk's own tables take their place.
    bank.outside
        .execute("DROP TABLE accounts, ledger")
        .await
        .unwrap();
    let db = bank.db(2).await;
    db.migrate(&llm_trading_db::SCHEMA).await.unwrap();
    let health = db.health(&[&llm_trading_db::SCHEMA]).await;
    assert_eq!(health.status, HealthStatus::Healthy, "{health:?}");
    let server = health.server.clone().unwrap();
    let version: String = sqlx::query_scalar("SHOW server_version")
        .fetch_one(&mut bank.outside)
        .await
        .unwrap();
    assert!(version.starts_with(&server.version), "{health:?}");
    assert!(Duration::ZERO < server.latency && server.latency < 4000 * MS);
    assert_eq!(
        (server.role, server.read_only),
        (ServerRole::Primary, false)
    );
    assert_eq!((health.pool.max_size, health.pool.idle), (2, 0));
    let mut json = serde_json::to_value(&health).unwrap();
    assert!(json["server"]["latency"].is_f64(), "{json}");
    json["server"]["latency"] = 0.into();
    let expected = serde_json::json!({
        "status": "healthy",
        "findings": [],
        "pool": { "max_size": 2, "size": 1, "idle": 0, "waiting": 0 },
        "server": {
            "version": server.version,
            "latency": 0,
            "role": "primary",
            "read_only": false,
            "pending_migrations": {},
        },
    });
    assert_eq!(json, expected);
}

#[tokio::test]
async fn health_tells_the_missing_migrations_of_every_schema() {
    let mut bank = Bank::open().await;
    bank.outside
        .execute("DROP TABLE accounts, ledger")
        .await
        .unwrap();
    let db = bank.db(2).await;
    db.migrate(&llm_trading_db::SCHEMA).await.unwrap();
    let newest =
        "DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)";
    bank.outside.execute(newest).await.unwrap();
    let last = llm_trading_db::SCHEMA.migrator().iter().last().unwrap();
    let mut other = Migrator::with_migrations(vec![
        Migration::new(
            3,
            "x".into(),
            MigrationType::Simple,
            "SELECT 1".into_sql_str(),
            false,
        ),
        Migration::new(
            7,
            "y".into(),
            MigrationType::Simple,
            "SELECT 2".into_sql_str(),
            false,
        ),
    ]);
    other.dangerous_set_table_name("other_migrations");
    let other = Schema::new(other, &[], "", "");
    let health = db.health(&[&llm_trading_db::SCHEMA, &other]).await;
    assert_eq!(health.status, HealthStatus::Degraded);
    assert_eq!(
        health.findings,
        [
            format!(
                "the database lacks migrations ({}) of _sqlx_migrations: run `migrate`",
                last.version
            ),
            "the database lacks migrations (3, 7) of other_migrations: run `migrate`".to_owned(),
        ]
    );
    let pending = health.server.unwrap().pending_migrations;
    assert_eq!(pending["_sqlx_migrations"], [last.version]);
    assert_eq!(pending["other_migrations"], [3, 7]);
}

#[tokio::test]
async fn health_tells_a_database_of_a_newer_program_and_one_that_takes_no_writes() {
    let mut bank = Bank::open().await;
    bank.outside
        .execute("DROP TABLE accounts, ledger")
        .await
        .unwrap();
    bank.db(1)
        .await
        .migrate(&llm_trading_db::SCHEMA)
        .await
        .unwrap();
    bank.outside
        .execute("INSERT INTO _sqlx_migrations VALUES (90000, 'later', now(), true, 'x', 0)")
        .await
        .unwrap();
    let options = bank.config(1).connect_options();
    let options = options.options([("default_transaction_read_only", "on")]);
    let config = Config::from_options(options);
    let db = Db::connect(&config).await.unwrap();
    let health = db.health(&[&llm_trading_db::SCHEMA]).await;
    assert_eq!(health.status, HealthStatus::Degraded);
    assert!(
        health.findings[0].starts_with("default_transaction_read_only is on: set it off")
            && health.findings[1].starts_with("the database has migration 90000"),
        "{health:?}"
    );
    assert!(health.server.unwrap().read_only);
    // Whoever wants to read alone is content with it.
    let reader = config.target_session_attrs(TargetSessionAttrs::ReadOnly);
    let health = Db::connect(&reader).await.unwrap().health(&[]).await;
    assert_eq!(health.status, HealthStatus::Healthy, "{health:?}");
}

/// The idle connections are the pool's own, and do not keep it alive.
#[tokio::test]
async fn a_pool_that_nobody_has_any_more_closes_its_connections() {
    let mut bank = Bank::open().await;
    let db = bank.db(3).await;
    warm_up(&db).await;
    assert!(bank.backends().await > 0);
    drop(db);
    let start = Instant::now();
    while bank.backends().await > 0 {
        assert!(start.elapsed() < 10_000 * MS, "a connection stays open");
        tokio::time::sleep(2 * MS).await;
    }
}
