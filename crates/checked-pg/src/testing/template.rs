//! A database for each test, copied from a template that is migrated once per server.

use std::{
    collections::HashMap,
    error::Error,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use checked_pg_server::SharedServer;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqlStr, postgres::PgConnectOptions};
use tokio::sync::OnceCell;

use super::mutant;
use crate::{Config, Db, Schema};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The server of this and all other processes that run tests. It is never dropped: it ends with the last of these processes.
pub(super) fn server() -> &'static SharedServer {
    static SERVER: OnceLock<SharedServer> = OnceLock::new();
    SERVER.get_or_init(|| super::must(SharedServer::for_tests()))
}

/// A new database, to which the schemas were applied.
pub(super) async fn database(schemas: &[&Schema]) -> Result<PgConnectOptions> {
    static CLEARED: OnceCell<()> = OnceCell::const_new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    CLEARED.get_or_try_init(clear).await?;
    let template = template(schemas).await?;
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let database = format!("test_{}_{number}", server().member());
    let mut admin = PgConnection::connect_with(&server().options()).await?;
    create(&mut admin, &database, &template).await?;
    admin.close().await?;
    Ok(server().options_for(&database))
}

/// Removes the databases of processes that have ended: with cargo-nextest each test is one.
async fn clear() -> Result<()> {
    let mut admin = PgConnection::connect_with(&server().options()).await?;
    for gone in server().gone() {
        let databases = sqlx::query_scalar(
            "SELECT datname::text FROM pg_database WHERE starts_with(datname, $1)",
        )
        .bind(format!("test_{gone}_"));
        let databases: Vec<String> = databases.fetch_all(&mut admin).await?;
        for database in databases {
            run(
                &mut admin,
                format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"),
            )
            .await?;
        }
    }
    Ok(admin.close().await?)
}

/// The name of the template for these schemas, made if there is none.
async fn template(schemas: &[&Schema]) -> Result<String> {
    static MADE: OnceLock<Mutex<HashMap<String, Arc<OnceCell<()>>>>> = OnceLock::new();
    let name = name(schemas);
    let made = {
        let all = MADE.get_or_init(Mutex::default);
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(name.clone()).or_default())
    };
    made.get_or_try_init(|| make(&name, schemas)).await?;
    Ok(name)
}

/// Says which migrations of which crates a template has.
fn name(schemas: &[&Schema]) -> String {
    let mut hash = DefaultHasher::new();
    for schema in schemas {
        let migrator = schema.migrator();
        migrator.table_name.hash(&mut hash);
        for migration in migrator.iter() {
            (migration.version, &migration.checksum).hash(&mut hash);
            let mistaken = mutant::mutated(migration.sql.as_str());
            mistaken.as_ref().map(SqlStr::as_str).hash(&mut hash);
        }
    }
    format!("template_{:016x}", hash.finish())
}

async fn make(name: &str, schemas: &[&Schema]) -> Result<()> {
    let mut admin = PgConnection::connect_with(&server().options()).await?;
    // One process makes it, the others wait. The lock ends with the connection.
    sqlx::query("SELECT pg_advisory_lock(hashtext($1))")
        .bind(name)
        .execute(&mut admin)
        .await?;
    let there = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)");
    if !there.bind(name).fetch_one(&mut admin).await? {
        // It gets its name when it is whole.
        let half = format!("{name}_new");
        run(&mut admin, format!("DROP DATABASE IF EXISTS {half}")).await?;
        create(&mut admin, &half, "template0").await?;
        migrate(server().options_for(&half), schemas).await?;
        run(
            &mut admin,
            format!("ALTER DATABASE {half} RENAME TO {name}"),
        )
        .await?;
    }
    Ok(admin.close().await?)
}

async fn migrate(options: PgConnectOptions, schemas: &[&Schema]) -> Result<()> {
    let db = Db::connect(&Config::from_options(options)).await?;
    for schema in schemas {
        match mutant::with_mistake(schema.migrator()) {
            Some(mistaken) => db.migrate_with(&mistaken).await?,
            None => db.migrate(schema).await?,
        };
    }
    // A template must have no session left.
    if db.close(std::time::Duration::from_secs(10)).await {
        return Ok(());
    }
    Err("the template still has a session".into())
}

/// The copy of files is faster than that through the log, without fsync.
async fn create(admin: &mut PgConnection, name: &str, template: &str) -> Result<()> {
    run(
        admin,
        format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"),
    )
    .await
}

/// Runs a statement on names of ours.
async fn run(admin: &mut PgConnection, statement: String) -> Result<()> {
    admin.execute(AssertSqlSafe(statement)).await?;
    Ok(())
}
