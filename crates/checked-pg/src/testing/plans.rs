//! How the server finds the rows of each statement, on large tables.

use std::{collections::BTreeSet, fmt::Write as _};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::must;
use crate::{
    Schema,
    db::{Listed, listed},
};

/// A table of no more rows is read whole, whatever indexes it has.
const SMALL: f32 = 1_000.0;
/// How the statements begin that have a plan.
const PLANNED: [&str; 6] = ["SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE"];

/// Asserts that no statement of a crate reads a large table from one end to the other.
///
/// The plans are the generic ones, which a prepared statement ends up with, on a database with tables as large as you fill them:
///
/// ```no_run
/// # static SCHEMA: checked_pg::Schema = checked_pg::Schema::empty();
/// # async fn f() {
/// checked_pg::testing::Plans::new(&[&SCHEMA])
///     .fill("INSERT INTO notes (id, note) SELECT gen_random_uuid(), 'note ' || n FROM generate_series(1, 100000) AS n")
///     .allow("SELECT count(*)", "counts all notes, once a night")
///     .check()
///     .await;
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Plans<'a> {
    schemas: Vec<&'a Schema>,
    fill: Vec<&'a str>,
    allowed: Vec<(&'a str, &'a str)>,
    small: Vec<(&'a str, &'a str)>,
}

impl<'a> Plans<'a> {
    /// The statements of the last of these schemas, on a database to which all were applied.
    #[must_use]
    pub fn new(schemas: &[&'a Schema]) -> Self {
        Self {
            schemas: schemas.to_vec(),
            ..Self::default()
        }
    }

    /// Statements that fill the tables, with 100,000 rows, say, and with values as various as the real ones: the server plans for
    /// what it finds.
    #[must_use]
    pub fn fill(mut self, sql: &'a str) -> Self {
        self.fill.push(sql);
        self
    }

    /// The statement that contains `part` may read a whole table, for this reason.
    #[must_use]
    pub fn allow(mut self, part: &'a str, reason: &'a str) -> Self {
        self.allowed.push((part, reason));
        self
    }

    /// This table stays small, for this reason: it may be read whole.
    #[must_use]
    pub fn small(mut self, table: &'a str, reason: &'a str) -> Self {
        self.small.push((table, reason));
        self
    }

    /// Looks at every plan. Returns a connection to the filled database, for plans of your own.
    ///
    /// # Panics
    /// If a statement reads a whole table that it may not, or if something is allowed that no statement does.
    #[track_caller]
    pub fn check(self) -> impl Future<Output = PgConnection> {
        let place = std::panic::Location::caller();
        async move {
            let (connection, findings) = must(self.findings().await);
            assert!(findings.is_empty(), "{place}:\n\n{}", findings.join("\n\n"));
            connection
        }
    }

    async fn findings(&self) -> Result<(PgConnection, Vec<String>), Box<dyn std::error::Error>> {
        let options = super::options(&self.schemas).await;
        let mut connection = PgConnection::connect_with(&options).await?;
        for sql in &self.fill {
            connection.execute(AssertSqlSafe(*sql)).await?;
        }
        connection.execute("VACUUM ANALYZE").await?;
        connection
            .execute("SET plan_cache_mode = force_generic_plan")
            .await?;
        let large = large_tables(&mut connection).await?;
        let Some(schema) = self.schemas.last() else {
            return Err("no schema is given".into());
        };
        let statements = listed(schema)?;
        let statements = statements
            .iter()
            .filter(|statement| is_planned(&statement.sql));
        let mut used = BTreeSet::new();
        let mut findings = Vec::new();
        let mut seen = 0;
        for statement in statements {
            let plan = plan(&mut connection, statement).await?;
            seen += 1;
            findings.extend(self.finding(statement, &plan, &large, &mut used));
        }
        if seen == 0 {
            findings.push("the schema has no statement with a plan".to_owned());
        }
        let allowed = self.allowed.iter().chain(&self.small);
        let unused = allowed.filter(|(what, _)| !used.contains(what));
        findings.extend(unused.map(|(what, reason)| {
            format!("{what:?} ({reason}) is allowed, and no statement needs it: remove it")
        }));
        Ok((connection, findings))
    }

    fn finding(
        &self,
        statement: &Listed,
        plan: &Value,
        large: &BTreeSet<String>,
        used: &mut BTreeSet<&'a str>,
    ) -> Option<String> {
        let mut whole = BTreeSet::new();
        whole_tables(plan, &mut whole);
        whole.retain(
            |table| match self.small.iter().find(|(small, _)| small == table) {
                Some((small, _)) => {
                    used.insert(small);
                    false
                }
                None => true,
            },
        );
        if whole.is_empty() {
            return None;
        }
        let allowed = self
            .allowed
            .iter()
            .find(|(part, _)| statement.sql.contains(part));
        if let Some((part, _)) = allowed {
            used.insert(part);
            return None;
        }
        let mut finding = format!("{} reads whole tables:", statement.label);
        for table in &whole {
            let advice = match large.contains(table) {
                true => "add an index, or allow() it with the reason",
                false => {
                    "fill() it with more than 1,000 rows, or say with small() that it stays so"
                }
            };
            write!(finding, "\n  {table}: {advice}").ok();
        }
        write!(finding, "\n{}\n{plan:#}", statement.sql).ok();
        Some(finding)
    }
}

fn is_planned(sql: &str) -> bool {
    let first = sql.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    PLANNED.iter().any(|word| {
        let start = first.get(..word.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(word))
    })
}

async fn large_tables(connection: &mut PgConnection) -> Result<BTreeSet<String>, sqlx::Error> {
    let sql = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND reltuples > $1";
    let names: Vec<String> = sqlx::query_scalar(sql)
        .bind(SMALL)
        .fetch_all(connection)
        .await?;
    Ok(names.into_iter().collect())
}

async fn plan(connection: &mut PgConnection, statement: &Listed) -> Result<Value, sqlx::Error> {
    let arguments = match statement.parameters {
        0 => String::new(),
        n => format!("({})", vec!["NULL"; n].join(", ")),
    };
    let prepare = format!("PREPARE planned AS {}", statement.sql);
    connection.execute(AssertSqlSafe(prepare)).await?;
    let explain = format!("EXPLAIN (FORMAT JSON) EXECUTE planned{arguments}");
    let explain = sqlx::query_scalar(AssertSqlSafe(explain)).persistent(false);
    let plan = explain.fetch_one(&mut *connection).await?;
    connection.execute("DEALLOCATE planned").await?;
    Ok(plan)
}

/// The tables that a plan reads from one end to the other.
fn whole_tables(plan: &Value, found: &mut BTreeSet<String>) {
    match plan {
        Value::Array(parts) => parts.iter().for_each(|part| whole_tables(part, found)),
        Value::Object(node) => {
            if node.get("Node Type").is_some_and(|kind| kind == "Seq Scan") {
                found.extend(node["Relation Name"].as_str().map(str::to_owned));
            }
            node.values().for_each(|part| whole_tables(part, found));
        }
        _ => {}
    }
}
