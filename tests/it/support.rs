//! A migrated database for whoever asks, and a server of this process alone for databases that are not migrated.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "databases are created by unchecked statements on connections of their own"
)]

use std::sync::{
    OnceLock,
    atomic::{AtomicU32, Ordering},
};

use checked_pg::testing;
use llm_trading_db::embedded::{EmbeddedServer, ServerSettings};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, postgres::PgConnectOptions};

/// The server of this test process; its guard stops it when the process ends.
pub fn server() -> &'static EmbeddedServer {
    static SERVER: OnceLock<EmbeddedServer> = OnceLock::new();
    SERVER.get_or_init(|| {
        EmbeddedServer::temporary_with(ServerSettings::default().max_connections(400)).unwrap()
    })
}

/// How to connect to a fresh, migrated, empty database.
pub async fn database_options() -> PgConnectOptions {
    testing::options(&[&llm_trading_db::SCHEMA]).await
}

/// How to connect to a fresh database without any table.
pub async fn bare_database_options() -> PgConnectOptions {
    new_database("template0").await
}

/// The same in another encoding.
pub async fn database_of_encoding(encoding: &str) -> PgConnectOptions {
    new_database(&format!("template0 ENCODING '{encoding}' LOCALE 'C'")).await
}

async fn new_database(template: &str) -> PgConnectOptions {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let database = format!("desk_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    administrate(format!(
        "CREATE DATABASE {database} TEMPLATE {template} STRATEGY FILE_COPY"
    ))
    .await;
    server().options_for(&database)
}

async fn administrate(statement: String) {
    let mut connection = PgConnection::connect_with(&server().options())
        .await
        .unwrap();
    connection.execute(AssertSqlSafe(statement)).await.unwrap();
    connection.close().await.unwrap();
}
