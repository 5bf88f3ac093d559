//! A private server for this test process, and a freshly migrated database for whoever asks.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "databases are created by unchecked statements on connections of their own"
)]

use std::{
    path::Path,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use llm_trading_db::embedded::{EmbeddedServer, ServerSettings};
use sqlx::{
    AssertSqlSafe, Connection, Executor, PgConnection, migrate::Migrator,
    postgres::PgConnectOptions,
};
use tokio::sync::OnceCell;

/// The migrated database that every test's own is a copy of.
const TEMPLATE: &str = "template_desk";

/// The server of this test process; its guard stops it when the process ends.
pub fn server() -> &'static EmbeddedServer {
    static SERVER: OnceLock<EmbeddedServer> = OnceLock::new();
    SERVER.get_or_init(|| {
        EmbeddedServer::temporary_with(ServerSettings::default().max_connections(400)).unwrap()
    })
}

/// Migrates the template database, once per process.
pub async fn template() {
    static MIGRATED: OnceCell<()> = OnceCell::const_new();
    let migrate = || async {
        // The drop is for a second try, after a migration that failed.
        administrate(format!("DROP DATABASE IF EXISTS {TEMPLATE}")).await;
        administrate(format!("CREATE DATABASE {TEMPLATE}")).await;
        let migrator = Migrator::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations"))
            .await
            .unwrap();
        let mut connection = PgConnection::connect_with(&server().options_for(TEMPLATE))
            .await
            .unwrap();
        migrator.run(&mut connection).await.unwrap();
        // A template must have no session left, and close() waits for the server to have seen the end of this one.
        connection.close().await.unwrap();
    };
    MIGRATED.get_or_init(migrate).await;
}

/// How to connect to a fresh, migrated, empty database.
pub async fn database_options() -> PgConnectOptions {
    template().await;
    new_database(TEMPLATE).await
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
