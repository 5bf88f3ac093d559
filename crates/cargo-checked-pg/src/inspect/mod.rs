//! What a statement does, read off PostgreSQL's own parse tree of it.
//!
//! A function with a body of SQL keeps the analysed tree of each statement in the catalog (`pg_proc.prosqlbody`, since PostgreSQL
//! 14): names are resolved, types are known, each cast is there with who asked for it. So nothing here parses SQL.

pub mod catalog;
mod describe;
pub mod domains;
mod kind;
pub mod node;
pub mod nulls;
pub mod report;
mod scope;
mod statements;
mod words;
mod writes;

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, Column, Connection, Executor, PgConnection, SqlSafeStr};

use self::{catalog::Catalog, node::Node, nulls::Output};
use crate::project::Compatible;

/// Reads statements on a migrated database.
pub struct Inspector {
    db: PgConnection,
    pub catalog: Catalog,
    pub compatible: Vec<Compatible>,
    prepared: usize,
}

impl Inspector {
    pub async fn open(mut db: PgConnection, compatible: Vec<Compatible>) -> Result<Self> {
        let catalog = Catalog::read(&mut db).await?;
        Ok(Self {
            db,
            catalog,
            compatible,
            prepared: 0,
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
        // One that fails later stays prepared.
        self.prepared += 1;
        let name = format!("inspected_{}", self.prepared);
        let mut transaction = self.db.begin().await?;
        let db = &mut *transaction;
        run(db, format!("PREPARE {name} AS {sql}")).await?;
        let types: Vec<String> = sqlx::query_scalar(
            "SELECT format_type(oid, NULL)
             FROM pg_prepared_statements, UNNEST(parameter_types::oid[]) WITH ORDINALITY AS types (oid, at)
             WHERE name = $1
             ORDER BY at",
        )
        .bind(&name)
        .fetch_all(&mut *db)
        .await?;
        let parameters = types.join(", ");
        let function = format!(
            "CREATE FUNCTION pg_temp.inspected({parameters}) RETURNS void LANGUAGE sql BEGIN ATOMIC {sql}\n; END"
        );
        run(db, function).await?;
        let text: String = sqlx::query_scalar(
            "SELECT prosqlbody::text FROM pg_proc
             WHERE proname = 'inspected' AND pronamespace = pg_my_temp_schema()",
        )
        .fetch_one(&mut *db)
        .await?;
        let body = Node::parse(&text)?;
        let query = body.items().first().and_then(|list| list.items().first());
        let query = query.cloned().context("an empty parse tree")?;
        if text.contains("{ONCONFLICTEXPR ") {
            plan(db, &name, types.len()).await?;
        }
        transaction.rollback().await?;
        run(&mut self.db, format!("DEALLOCATE {name}")).await?;
        Ok(Some(query))
    }

    /// What is wrong with a statement, a line each. A `Err` is PostgreSQL's.
    pub async fn examine(&mut self, sql: &str) -> Result<Vec<String>> {
        let Some(query) = self.tree(sql).await? else {
            return Ok(Vec::new());
        };
        let columns = self.outputs(sql).await?;
        Ok(self.findings(sql, &query, &columns))
    }

    /// The columns of a statement as the macros see them.
    pub async fn outputs(&mut self, sql: &str) -> Result<Vec<Output>> {
        let sql = AssertSqlSafe(sql.to_owned()).into_sql_str();
        let described = self.db.describe(sql).await?;
        let columns = described.columns().iter().enumerate();
        let outputs = columns.map(|(at, column)| Output {
            name: column.name().to_owned(),
            nullable: described.nullable(at),
        });
        Ok(outputs.collect())
    }

    /// What is wrong with a statement and with what the macros make of its columns, a line each.
    pub fn findings(&self, sql: &str, query: &Node, columns: &[Output]) -> Vec<String> {
        let mut findings = self.mixed_domains(query);
        findings.extend(nulls::findings(&self.catalog, query, columns));
        findings.extend(statements::findings(&self.catalog, query));
        findings.extend(statements::time_in_words(sql, query));
        findings
    }

    /// Where a statement or a view takes values of two domains for one another, a line each.
    pub fn mixed_domains(&self, query: &Node) -> Vec<String> {
        domains::findings(&self.catalog, &self.compatible, query)
    }
}

async fn run(db: &mut PgConnection, sql: String) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(db).await?;
    Ok(())
}

/// Whether there is an index for a conflict's columns shows only when the statement is planned.
async fn plan(db: &mut PgConnection, name: &str, parameters: usize) -> Result<()> {
    const NO_SUCH_INDEX: &str = "42P10";
    let arguments = match parameters {
        0 => String::new(),
        n => format!("({})", vec!["NULL"; n].join(", ")),
    };
    // Generic, so that nothing is computed with the NULLs.
    let explain = format!(
        "SET LOCAL plan_cache_mode = force_generic_plan; EXPLAIN EXECUTE {name}{arguments}"
    );
    match sqlx::raw_sql(AssertSqlSafe(explain)).execute(db).await {
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(NO_SUCH_INDEX) => {
            Err(sqlx::Error::Database(error).into())
        }
        // A domain that takes no NULL, for instance: that is not what was asked.
        Err(sqlx::Error::Database(_)) | Ok(_) => Ok(()),
        Err(error) => Err(error.into()),
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
