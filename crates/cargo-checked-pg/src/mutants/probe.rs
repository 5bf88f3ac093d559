//! What refuses a mutant before any test: PostgreSQL, or the rules of `prepare`.

use std::collections::BTreeMap;

use anyhow::Result;
use checked_pg_server::EmbeddedServer;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::{Fate, Mutant, migration_texts};
use crate::{
    Project,
    inspect::Inspector,
    migrations::{apply, server_below},
};

/// What two schemas differ in, if they do.
const SCHEMA: &str = "
    SELECT string_agg(line, E'\\n' ORDER BY line) FROM (
        SELECT conrelid::regclass || ' ' || contypid::regtype || ' ' || conname || ' ' || pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE relnamespace = 'public'::regnamespace
        UNION ALL SELECT attrelid::regclass || ' ' || attname || ' ' || attnotnull
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND attnum > 0
    ) AS lines (line)";

pub struct Probe {
    server: EmbeddedServer,
    inspector: Inspector,
    admin: PgConnection,
    migrations: Vec<(String, String)>,
    schema: Option<String>,
    /// What the rules say of the original.
    found: BTreeMap<String, usize>,
    databases: usize,
}

impl Probe {
    pub async fn open(project: &Project) -> Result<Self> {
        let server = server_below(project).await?;
        let mut admin = PgConnection::connect_with(&server.options_for("template1")).await?;
        // What the crates below make, as the template of each trial.
        admin
            .execute("CREATE DATABASE below TEMPLATE postgres")
            .await?;
        apply(&server, project).await?;
        let mut migrated = PgConnection::connect_with(&server.options()).await?;
        let db = PgConnection::connect_with(&server.options()).await?;
        let migrations = migration_texts(project)?;
        let mut probe = Self {
            inspector: Inspector::open(db, project.compatible.clone()).await?,
            schema: None,
            server,
            admin,
            migrations,
            found: BTreeMap::new(),
            databases: 0,
        };
        migrated.close().await.ok();
        migrated = probe
            .trial(None)
            .await?
            .ok_or_else(|| anyhow::anyhow!("the migrations do not apply"))?;
        probe.schema = Some(schema(&mut migrated).await?);
        Ok(probe)
    }

    pub async fn close(self) -> Result<()> {
        self.inspector.close().await?;
        self.admin.close().await?;
        Ok(self.server.stop()?)
    }

    pub async fn fate(&mut self, mutant: &Mutant) -> Result<Fate> {
        match mutant.kind.is_of_schema() {
            true => self.fate_of_schema(mutant).await,
            false => self.fate_of_statement(mutant).await,
        }
    }

    async fn fate_of_statement(&mut self, mutant: &Mutant) -> Result<Fate> {
        let before = match self.found.get(&mutant.from) {
            Some(before) => *before,
            None => {
                let before = self
                    .inspector
                    .examine(&mutant.from)
                    .await
                    .map_or(0, |found| found.len());
                self.found.insert(mutant.from.clone(), before);
                before
            }
        };
        Ok(match self.inspector.examine(&mutant.to).await {
            Err(_) => Fate::Refused,
            Ok(found) if found.len() > before => Fate::Prepare,
            Ok(_) => Fate::Survived,
        })
    }

    async fn fate_of_schema(&mut self, mutant: &Mutant) -> Result<Fate> {
        let Some(mut trial) = self.trial(Some(mutant)).await? else {
            return Ok(Fate::Refused);
        };
        let schema = schema(&mut trial).await?;
        trial.close().await?;
        Ok(match Some(&schema) == self.schema.as_ref() {
            true => Fate::Same,
            false => Fate::Survived,
        })
    }

    /// A database with the migrations, if they apply.
    async fn trial(&mut self, mutant: Option<&Mutant>) -> Result<Option<PgConnection>> {
        let name = format!("trial_{}", self.databases);
        self.databases += 1;
        let create = format!("CREATE DATABASE {name} TEMPLATE below STRATEGY FILE_COPY");
        self.admin.execute(AssertSqlSafe(create)).await?;
        let mut db = PgConnection::connect_with(&self.server.options_for(&name)).await?;
        for (_, sql) in &self.migrations {
            let sql = mutant
                .filter(|mutant| mutant.from == *sql)
                .map_or(sql, |mutant| &mutant.to);
            if sqlx::raw_sql(AssertSqlSafe(sql.as_str()))
                .execute(&mut db)
                .await
                .is_err()
            {
                db.close().await?;
                return Ok(None);
            }
        }
        Ok(Some(db))
    }
}

async fn schema(db: &mut PgConnection) -> Result<String> {
    Ok(sqlx::query_scalar(SCHEMA).fetch_one(db).await?)
}
