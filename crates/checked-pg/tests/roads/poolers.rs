//! Connection poolers: noticed, refused if they were not declared, and right if they were.

use crate::support::{ask, refusal, server};
use checked_pg::{
    config::{Config, Pooler},
    db::Db,
};
use std::time::Duration;
use test_servers::{PgBouncer, PoolMode};

/// What operators set so that clients which send start options can connect at all.
const IGNORE: &str = "ignore_startup_parameters = extra_float_digits,options";

fn config(pooler: &PgBouncer) -> Config {
    Config::from_url(&pooler.url())
        .unwrap()
        .connect_timeout(Duration::from_secs(10))
}

#[tokio::test]
async fn a_pooler_that_was_not_declared_is_refused() {
    for mode in [PoolMode::Session, PoolMode::Transaction] {
        for settings in ["", IGNORE] {
            let Some(pooler) = PgBouncer::start(server(), mode, settings) else {
                return;
            };
            let line = refusal(&config(&pooler)).await;
            assert!(
                line.contains("a connection pooler stands between")
                    && line.contains("set Config::pooler to session or transaction"),
                "{mode:?} {settings}: {line}"
            );
            assert!(!line.contains('\n'), "{line}");
        }
    }
}

const SETTINGS: &str = "SELECT concat_ws(' ', current_setting('statement_timeout'), current_setting('lock_timeout'), \
     current_setting('idle_in_transaction_session_timeout'), current_setting('client_connection_check_interval'), \
     current_setting('search_path'), current_setting('row_security'), current_setting('application_name'), \
     current_setting('TimeZone'), current_setting('DateStyle'))";

#[tokio::test]
async fn behind_a_pooler_in_session_mode_every_setting_is_in_force() {
    for statement in [
        "CREATE DATABASE tokyo",
        "ALTER DATABASE tokyo SET timezone = 'Asia/Tokyo'",
        "ALTER DATABASE tokyo SET DateStyle = 'German'",
        "ALTER DATABASE tokyo SET statement_timeout = '1h'",
    ] {
        server().psql(statement);
    }
    for settings in ["", IGNORE] {
        let Some(pooler) = PgBouncer::start(server(), PoolMode::Session, settings) else {
            return;
        };
        // Settings of the server's own, to which a RESET goes back.
        let elsewhere = pooler.url().replace("/postgres", "/tokyo");
        let url =
            format!("{elsewhere}?options=-csearch_path%3D\"it's%5C\\x\"&application_name=desk");
        let config = Config::from_url(&url)
            .unwrap()
            .pooler(Pooler::Session)
            .command_timeout(Duration::from_millis(7500))
            .lock_timeout(Duration::from_secs(3))
            .max_pool_size(2);
        let db = Db::connect(&config).await.unwrap();
        let wanted = "7500ms 3s 30s 100ms \"it's\\x\" off desk UTC ISO, MDY";
        assert_eq!(ask(&db, SETTINGS).await, wanted);
        // What a borrower changes is set back, and not to what the server's session began with.
        let changed = db
            .transaction(async |tx| {
                sqlx::query("SET statement_timeout = 0")
                    .execute(&mut *tx)
                    .await?;
                sqlx::query("SET search_path = elsewhere")
                    .execute(&mut *tx)
                    .await?;
                Ok::<_, checked_pg::Error>(())
            })
            .await;
        changed.unwrap();
        for _ in 0..2 {
            assert_eq!(ask(&db, SETTINGS).await, wanted);
        }
        // The pooler hands its few sessions to pools that come and go.
        for _ in 0..6 {
            let db = Db::connect(&config).await.unwrap();
            assert_eq!(ask(&db, SETTINGS).await, wanted);
            db.close(Duration::from_secs(1)).await;
        }
    }
}

#[tokio::test]
async fn a_pooler_that_does_not_keep_sessions_is_noticed_though_it_was_declared_to() {
    for settings in [IGNORE, "server_round_robin = 1\nmin_pool_size = 3"] {
        let Some(pooler) = PgBouncer::start(server(), PoolMode::Transaction, settings) else {
            return;
        };
        let line = refusal(&config(&pooler).pooler(Pooler::Session)).await;
        assert!(
            line.contains("pool_mode = transaction set Config::pooler"),
            "{settings}: {line}"
        );
    }
}

#[tokio::test]
async fn behind_a_pooler_in_transaction_mode_connecting_asks_for_nothing_that_it_refuses() {
    for settings in ["", IGNORE] {
        let Some(pooler) = PgBouncer::start(server(), PoolMode::Transaction, settings) else {
            return;
        };
        let config = config(&pooler).pooler(Pooler::Transaction);
        let db = Db::connect(&config).await.unwrap();
        assert_eq!(ask(&db, "SELECT current_setting('TimeZone')").await, "UTC");
    }
}

#[tokio::test]
async fn a_pooler_without_a_free_session_is_no_riddle() {
    let Some(pooler) = PgBouncer::start(server(), PoolMode::Session, "default_pool_size = 1")
    else {
        return;
    };
    let config = config(&pooler)
        .pooler(Pooler::Session)
        .connect_timeout(Duration::from_millis(500));
    // The proof that sessions are kept needs two.
    let line = refusal(&config).await;
    assert!(line.contains("default_pool_size"), "{line}");
}

#[tokio::test]
async fn declared_poolers_that_are_not_there_do_no_harm() {
    for pooler in [Pooler::Session, Pooler::Transaction] {
        let config = Config::from_url(&server().url()).unwrap().pooler(pooler);
        let db = Db::connect(&config).await.unwrap();
        assert_eq!(ask(&db, "SELECT 'here'").await, "here");
    }
}

#[tokio::test]
async fn what_needs_a_session_of_its_own_says_so() {
    let config = Config::from_url(&server().url())
        .unwrap()
        .pooler(Pooler::Transaction);
    let db = Db::connect(&config).await.unwrap();
    let error = db
        .verify_statements(&[] as &[(&str, &str)])
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("at the server's own address"),
        "{error}"
    );
}
