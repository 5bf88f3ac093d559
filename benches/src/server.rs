//! The private server that all peers measure on, and what has to be put right before each measurement.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "what is put right around a measurement is no part of the crate"
)]

use std::{net::TcpListener, path::PathBuf};

use anyhow::{Context, Result};
use llm_trading_db::{
    config::Config,
    db::Db,
    embedded::{EmbeddedServer, ServerSettings},
    repo::bars,
    service::metrics::{self, Scope, Window},
};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions, PgSslMode},
};

use crate::{
    fixture::{self, Fixture},
    workload::Op,
};

pub const HOST: &str = "127.0.0.1";
pub const USER: &str = "postgres";
/// The server asks for it as PostgreSQL does unless told otherwise (SCRAM), so that a new connection costs what it costs elsewhere.
pub const PASSWORD: &str = "measured";
pub const DATABASE: &str = "desk";

/// Who may connect: by the socket, which is private, this process; by TCP who knows the password.
const ACCESS: &str = "local all all trust\nhost all all samehost scram-sha-256\n";

/// A connection string as every driver takes it.
pub fn url(port: u16) -> String {
    format!("postgres://{USER}:{PASSWORD}@{HOST}:{port}/{DATABASE}?sslmode=disable")
}

/// The same for sqlx.
pub fn options(port: u16) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host(HOST)
        .port(port)
        .username(USER)
        .password(PASSWORD)
        .database(DATABASE)
        .ssl_mode(PgSslMode::Disable)
        .disable_statement_logging()
}

/// A migrated and filled database on a durable server of its own.
pub struct Server {
    pub port: u16,
    pub version: String,
    /// For what has to be done around the measurements.
    pub admin: PgPool,
    db: Db,
    server: EmbeddedServer,
    folder: PathBuf,
}

impl Server {
    pub async fn start(fixture: &Fixture) -> Result<Self> {
        let folder =
            std::env::temp_dir().join(format!("llm-trading-db-bench-{}", std::process::id()));
        let port = free_port()?;
        let settings = ServerSettings::default()
            .max_connections(200)
            .listen_tcp(port);
        let server = EmbeddedServer::persistent_with(&folder, settings)?;
        let mut first = sqlx::PgConnection::connect_with(&server.options()).await?;
        for statement in [
            format!("CREATE DATABASE {DATABASE}"),
            format!("ALTER DATABASE {DATABASE} SET synchronous_commit = off"),
            // As PostgreSQL's documentation advises for solid-state disks.
            format!("ALTER DATABASE {DATABASE} SET random_page_cost = 1.1"),
            format!("ALTER ROLE {USER} PASSWORD '{PASSWORD}'"),
        ] {
            sqlx::query(AssertSqlSafe(statement))
                .execute(&mut first)
                .await?;
        }
        let access: String = sqlx::query_scalar("SHOW hba_file")
            .fetch_one(&mut first)
            .await?;
        std::fs::write(access, ACCESS)?;
        sqlx::query("SELECT pg_reload_conf()")
            .execute(&mut first)
            .await?;
        first.close().await?;
        let admin = PgPoolOptions::new()
            .max_connections(1)
            .connect_with(options(port))
            .await?;
        let db = Db::connect(&Config::from_options(options(port)).max_pool_size(2)).await?;
        db.migrate(&llm_trading_db::SCHEMA).await?;
        fixture::fill(fixture, &db, &admin).await?;
        sqlx::query("VACUUM ANALYZE").execute(&admin).await?;
        Ok(Self {
            port,
            version: server.version().to_owned(),
            admin,
            db,
            server,
            folder,
        })
    }

    /// Undoes what the operation before has left, so that every phase starts alike.
    pub async fn prepare(&self, fixture: &Fixture, op: Op) -> Result<()> {
        match op {
            Op::Nothing | Op::Pitch | Op::Pitches | Op::Bars => {}
            Op::Returns(_) => self.execute("TRUNCATE daily_log_returns").await?,
            Op::Transfer => self.execute("VACUUM ANALYZE accounts").await?,
            Op::Save(_) => {
                self.execute("DELETE FROM pm_pitches WHERE research_date IS NOT NULL")
                    .await?;
                self.execute("VACUUM pm_pitches").await?;
            }
            Op::Metrics => {
                self.forget_next_day(fixture).await?;
                self.execute(
                    "TRUNCATE daily_log_returns, rolling_7day_log_returns, correlation_matrix",
                )
                .await?;
            }
            Op::NextDay => {
                self.forget_next_day(fixture).await?;
                // Does nothing if all is there.
                metrics::run(&self.db, Window::default(), Scope::Changed).await?;
                self.execute(
                    "VACUUM daily_log_returns, rolling_7day_log_returns, correlation_matrix",
                )
                .await?;
                bars::upsert_many(&self.db, &fixture::next_day(fixture)?).await?;
            }
        }
        Ok(())
    }

    async fn forget_next_day(&self, fixture: &Fixture) -> Result<()> {
        for table in [
            "daily_bars",
            "daily_log_returns",
            "rolling_7day_log_returns",
            "correlation_matrix",
        ] {
            sqlx::query(AssertSqlSafe(format!(
                "DELETE FROM {table} WHERE date > $1"
            )))
            .bind(fixture.until)
            .execute(&self.admin)
            .await?;
        }
        Ok(())
    }

    pub async fn execute(&self, statement: &'static str) -> Result<()> {
        sqlx::query(statement)
            .execute(&self.admin)
            .await
            .with_context(|| statement)?;
        Ok(())
    }

    /// A setting of the server.
    pub async fn setting(&self, name: &str) -> Result<String> {
        Ok(sqlx::query_scalar("SELECT current_setting($1)")
            .bind(name)
            .fetch_one(&self.admin)
            .await?)
    }

    pub fn stop(self) -> Result<()> {
        self.server.stop()?;
        Ok(std::fs::remove_dir_all(self.folder)?)
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((HOST, 0))?.local_addr()?.port())
}
