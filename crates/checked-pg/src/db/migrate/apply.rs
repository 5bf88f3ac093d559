//! Runs one migration, without keeping others waiting for what it waits for.

use super::{
    attempt::{Failure, Sent, Waits, failed, kept, name, server},
    blockers::Observer,
    history::{SINCE, checksum_of},
    script,
};
use crate::{config::Config, error::Result};
use sqlx::{
    AssertSqlSafe, Executor, PgConnection, SqlSafeStr,
    migrate::{Migration, Migrator},
};
use std::{borrow::Cow, time::Duration};
use tokio::time::Instant;

/// How long a migration stands in the queue for a lock: so long everybody waits who comes after it.
const LOCK_TIMEOUT: &str = "1s";
/// The session that migrates.
#[derive(Debug)]
pub(super) struct Session<'a> {
    conn: &'a mut PgConnection,
    observer: Observer<'a>,
    table: &'a str,
    schemas: &'a [Cow<'static, str>],
    patience: Duration,
}

impl<'a> Session<'a> {
    pub(super) async fn new(
        config: &'a Config,
        conn: &'a mut PgConnection,
        migrator: &'a Migrator,
    ) -> Result<Self> {
        let pid = sqlx::query_scalar!(r#"SELECT pg_backend_pid() AS "pid!""#)
            .fetch_one(&mut *conn)
            .await?;
        Ok(Self {
            conn,
            observer: Observer::new(config, pid),
            table: &migrator.table_name,
            schemas: &migrator.create_schemas,
            patience: config.migration_patience,
        })
    }

    pub(super) async fn close(self) {
        self.observer.close().await;
    }

    /// Makes the table of migrations, if there is none.
    pub(super) async fn prepare(&mut self) -> Result<()> {
        let statement = create_table(self.table);
        for schema in self.schemas {
            let there = sqlx::query_scalar!(
                r#"SELECT to_regnamespace($1) IS NOT NULL AS "there!""#,
                &**schema
            );
            if !there.fetch_one(&mut *self.conn).await? {
                self.send(&format!("CREATE SCHEMA IF NOT EXISTS {schema}"))
                    .await?;
            }
        }
        // Asked first, since a role may be allowed to add rows to a table and not to make one.
        let there = sqlx::query_scalar!(
            r#"SELECT to_regclass($1) IS NOT NULL AS "there!""#,
            self.table
        );
        if !there.fetch_one(&mut *self.conn).await? {
            self.send(&statement).await?;
        }
        Ok(())
    }

    pub(super) async fn apply(&mut self, migration: &Migration) -> Result<()> {
        let sql = script::plain(migration.sql.as_str());
        match script::is_without_transaction(&sql) {
            true => self.one_by_one(migration, &sql).await,
            false => self.as_a_whole(migration, &sql).await,
        }
    }

    /// In one transaction, with the record that it was applied.
    async fn as_a_whole(&mut self, migration: &Migration, sql: &str) -> Result<()> {
        let mut waits = Waits::new(self.patience);
        loop {
            let begun = Instant::now();
            let attempt = async {
                self.conn
                    .execute(AssertSqlSafe(format!(
                        "BEGIN; SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"
                    )))
                    .await?;
                let sent = self.conn.execute(AssertSqlSafe(sql.to_owned())).await;
                sent.map_err(|error| Failure::new(error, Sent::Whole))?;
                record(self.conn, self.table, migration, sql, begun).await?;
                self.conn.execute("COMMIT").await?;
                Ok(())
            };
            let what = name(migration);
            let (outcome, blocker) = self.observer.watch(&what, attempt).await;
            let Err(failure): Result<(), Failure> = outcome else {
                return Ok(());
            };
            if server(&failure.error).is_some() {
                self.conn.execute("ROLLBACK").await?;
            }
            waits.next(migration, sql, failure, blocker).await?;
        }
    }

    /// Each statement by itself, since some refuse to be in a transaction.
    async fn one_by_one(&mut self, migration: &Migration, sql: &str) -> Result<()> {
        let begun = Instant::now();
        let statements = script::statements(sql);
        // What a crash or an error leaves of several is known by this mark; of one it is nothing, or an index that is not valid.
        let marked = statements.len() > 1;
        if marked {
            self.mark(migration).await?;
        }
        for (done, statement) in statements.iter().enumerate() {
            if let Err(error) = self.alone(migration, sql, statement).await {
                if marked
                    && done == 0
                    && let Err(error) = self.unmark(migration).await
                {
                    tracing::warn!(error = %error, "migration {} stays marked as half applied", migration.version);
                }
                return Err(kept(error, done));
            }
        }
        if marked {
            self.unmark(migration).await?;
        }
        let recorded = record(self.conn, self.table, migration, sql, begun).await;
        recorded.map_err(|failure| failed(migration, sql, failure))
    }

    async fn alone(
        &mut self,
        migration: &Migration,
        sql: &str,
        statement: &script::Statement<'_>,
    ) -> Result<()> {
        let mut waits = Waits::new(self.patience);
        // It waits for others in a way that lets everybody pass, and for longer than they may take.
        let concurrent = statement.has("CONCURRENTLY");
        let limit = if concurrent { "0" } else { LOCK_TIMEOUT };
        loop {
            if concurrent {
                self.drop_invalid(statement).await?;
            }
            let attempt = async {
                let set = format!("SET lock_timeout = '{limit}'");
                self.conn.execute(AssertSqlSafe(set)).await?;
                let sent = self.conn.execute(AssertSqlSafe(statement.text.to_owned()));
                sent.await.map(drop)
            };
            let what = name(migration);
            let (outcome, blocker) = self.observer.watch(&what, attempt).await;
            let Err(error) = outcome else { return Ok(()) };
            let broken = server(&error).is_none();
            let failure = Failure::new(error, Sent::Statement(statement.start));
            let next = waits.next(migration, sql, failure, blocker).await;
            if next.is_err() && concurrent && !broken {
                self.drop_invalid(statement).await?;
            }
            next?;
        }
    }

    /// Drops the indexes that an earlier attempt left behind: they are kept up to date, and nobody may read them.
    async fn drop_invalid(&mut self, statement: &script::Statement<'_>) -> Result<()> {
        let Some(named) = creates_index(statement) else {
            return Ok(());
        };
        let names: Vec<String> = statement.tokens.iter().filter_map(|t| t.name()).collect();
        // Not one that another session is building just now. One without a name got a name after its table.
        let left = sqlx::query!(
            r#"
            SELECT format('%I.%I', nspname, index.relname) AS "index!", indrelid::regclass::text AS "table!"
            FROM pg_index
            JOIN pg_class AS index ON index.oid = indexrelid
            JOIN pg_class AS indexed ON indexed.oid = indrelid
            JOIN pg_namespace ON pg_namespace.oid = index.relnamespace
            WHERE NOT indisvalid AND index.relkind = 'i' AND indexed.relname = ANY($1)
              AND CASE WHEN $2 THEN index.relname = ANY($1) ELSE starts_with(index.relname, indexed.relname || '_') END
              AND (pg_table_is_visible(indrelid) OR nspname = ANY($1))
              AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index WHERE index_relid = indexrelid)
            "#,
            &names as &[String],
            named
        )
        .fetch_all(&mut *self.conn)
        .await?;
        for found in left {
            tracing::warn!(
                "drops index {} of {}, which an interrupted CREATE INDEX CONCURRENTLY left behind",
                found.index,
                found.table
            );
            let sql = format!("DROP INDEX CONCURRENTLY IF EXISTS {}", found.index);
            self.send("SET lock_timeout = '0'").await?;
            self.send(&sql).await?;
        }
        Ok(())
    }

    async fn mark(&mut self, migration: &Migration) -> Result<()> {
        let statement = format!(
            "INSERT INTO {} (version, description, success, checksum, execution_time) VALUES ($1, $2, false, $3, -1)",
            self.table
        );
        sqlx::query(AssertSqlSafe(statement))
            .bind(migration.version)
            .bind(&*migration.description)
            .bind(&*checksum_of(migration))
            .execute(&mut *self.conn)
            .await?;
        Ok(())
    }

    async fn unmark(&mut self, migration: &Migration) -> Result<()> {
        let statement = format!("DELETE FROM {} WHERE version = $1", self.table);
        sqlx::query(AssertSqlSafe(statement))
            .bind(migration.version)
            .execute(&mut *self.conn)
            .await?;
        Ok(())
    }

    async fn send(&mut self, sql: &str) -> Result<()> {
        let sql = AssertSqlSafe(sql.to_owned()).into_sql_str();
        let sent = self.conn.execute(sql);
        let what = "the table of migrations";
        let (done, _) = self.observer.watch(what, sent).await;
        done?;
        Ok(())
    }
}

/// Makes the table of migrations.
pub(super) fn create_table(name: &str) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {name} (
             version bigint PRIMARY KEY,
             description text NOT NULL,
             installed_on timestamptz NOT NULL DEFAULT now(),
             success boolean NOT NULL,
             checksum bytea NOT NULL,
             execution_time bigint NOT NULL
         )"
    )
}

/// None if it creates no index, else whether it says which name.
fn creates_index(statement: &script::Statement<'_>) -> Option<bool> {
    let mut words = statement.tokens.iter();
    words.next().filter(|word| word.is("CREATE"))?;
    let index = words.next()?;
    let index = if index.is("UNIQUE") {
        words.next()?
    } else {
        index
    };
    let rest = words.skip_while(|word| {
        ["CONCURRENTLY", "IF", "NOT", "EXISTS"]
            .iter()
            .any(|skipped| word.is(skipped))
    });
    let first = rest.into_iter().next()?;
    index.is("INDEX").then(|| !first.is("ON"))
}

/// Writes down that a migration was applied, and with which programs it goes.
pub(super) async fn record(
    conn: &mut PgConnection,
    table: &str,
    migration: &Migration,
    sql: &str,
    begun: Instant,
) -> Result<(), Failure> {
    let since = script::compatible_since(sql).ok().flatten();
    let (column, parameter) = match since {
        None => (String::new(), ""),
        Some(_) => (format!(", {SINCE}"), ", $5"),
    };
    if since.is_some() {
        let add = format!("ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {SINCE} bigint");
        conn.execute(AssertSqlSafe(add)).await?;
    }
    let statement = format!(
        "INSERT INTO {table} (version, description, success, checksum, execution_time{column}) \
         VALUES ($1, $2, true, $3, $4{parameter})"
    );
    let nanoseconds = i64::try_from(begun.elapsed().as_nanos()).unwrap_or(i64::MAX);
    let insert = sqlx::query(AssertSqlSafe(statement))
        .bind(migration.version)
        .bind(&*migration.description)
        .bind(&*checksum_of(migration))
        .bind(nanoseconds);
    let insert = match since {
        Some(since) => insert.bind(since),
        None => insert,
    };
    insert.persistent(false).execute(conn).await?;
    Ok(())
}
