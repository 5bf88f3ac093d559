//! What a statement does, read off PostgreSQL's own parse tree of it.
//!
//! A function with a body of SQL keeps the analysed tree of each statement in the catalog (`pg_proc.prosqlbody`, since PostgreSQL
//! 14): names are resolved, types are known, each cast is there with who asked for it. So nothing here parses SQL.

pub mod catalog;
mod describe;
pub mod domains;
mod kind;
pub mod node;
pub mod report;
mod scope;
mod words;

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use self::{catalog::Catalog, node::Node};
use crate::project::Compatible;

/// Reads statements on a migrated database.
pub struct Inspector {
    db: PgConnection,
    pub catalog: Catalog,
    pub compatible: Vec<Compatible>,
}

impl Inspector {
    pub async fn open(mut db: PgConnection, compatible: Vec<Compatible>) -> Result<Self> {
        let catalog = Catalog::read(&mut db).await?;
        Ok(Self {
            db,
            catalog,
            compatible,
        })
    }

    pub async fn close(self) -> Result<()> {
        Ok(self.db.close().await?)
    }

    /// PostgreSQL's parse tree of a statement; none of one that it does not analyse, such as `LOCK TABLE`.
    pub async fn tree(&mut self, sql: &str) -> Result<Option<Node>> {
        if !is_analysed(sql) {
            return Ok(None);
        }
        let sql = sql.trim_end().trim_end_matches(';');
        let mut transaction = self.db.begin().await?;
        let db = &mut *transaction;
        sqlx::raw_sql(AssertSqlSafe(format!("PREPARE inspected AS {sql}")))
            .execute(&mut *db)
            .await?;
        let types: String = sqlx::query_scalar(
            "SELECT coalesce(string_agg(format_type(oid, NULL), ', ' ORDER BY at), '')
             FROM pg_prepared_statements, UNNEST(parameter_types::oid[]) WITH ORDINALITY AS types (oid, at)
             WHERE name = 'inspected'",
        )
        .fetch_one(&mut *db)
        .await?;
        let function = format!(
            "DEALLOCATE inspected;
             CREATE FUNCTION pg_temp.inspected({types}) RETURNS void LANGUAGE sql BEGIN ATOMIC {sql}\n; END"
        );
        sqlx::raw_sql(AssertSqlSafe(function))
            .execute(&mut *db)
            .await?;
        let row = sqlx::query("SELECT prosqlbody::text FROM pg_proc WHERE proname = 'inspected' AND pronamespace = pg_my_temp_schema()")
            .fetch_one(&mut *db)
            .await?;
        transaction.rollback().await?;
        let text: String = row.try_get(0)?;
        let body = Node::parse(&text)?;
        let query = body.items().first().and_then(|list| list.items().first());
        Ok(Some(query.cloned().context("an empty parse tree")?))
    }

    /// What is wrong with a statement, a line each.
    pub fn findings(&self, query: &Node) -> Vec<String> {
        domains::findings(&self.catalog, &self.compatible, query)
    }
}

/// Whether PostgreSQL analyses a statement before it runs it.
fn is_analysed(sql: &str) -> bool {
    let tokens = crate::check::sql::tokens(sql);
    let first = tokens.iter().find(|token| token.text != "(");
    [
        "SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "TABLE",
    ]
    .iter()
    .any(|word| first.is_some_and(|token| token.is(word)))
}
