//! Which rights the statements of a crate need: the server's own judgement of each.

use super::{
    goodbye,
    statements::{self, Statement, describe_in_savepoint, planned},
};
use crate::{
    Schema,
    db::{Db, script},
    error::{Error, Result},
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// The role that is tried on, gone when the transaction is rolled back.
const TRIED: &str = "checked_pg_tried_on";

/// What a role may do with a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Right {
    /// Read rows.
    Select,
    /// Add rows.
    Insert,
    /// Change rows, or lock them.
    Update,
    /// Remove rows.
    Delete,
}

impl Right {
    pub(super) const ALL: [Self; 4] = [Self::Select, Self::Insert, Self::Update, Self::Delete];
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Select => "SELECT",
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        })
    }
}

/// The rights on tables, by their names as SQL has them.
pub type Rights = BTreeMap<String, BTreeSet<Right>>;

/// What one statement needs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatementRights {
    /// What it is reported by: the beginning of its hash, and its places.
    pub statement: String,
    /// The rights without which the server refuses it.
    pub rights: Rights,
}

impl Db {
    /// The rights on tables that each statement of `schema` needs.
    ///
    /// The database must have the migrations, and the role must be a superuser: a throwaway server is meant. A role is made, and
    /// each right is taken from it in turn, to see which statements the server refuses then. All of that is one transaction, which is
    /// rolled back.
    ///
    /// # Errors
    /// No connection, no right to make roles, or a statement that the server refuses for another reason.
    pub async fn rights(&self, schema: &Schema) -> Result<Vec<StatementRights>> {
        let mut conn = self.connect_aside().await?;
        let mut tx = conn.begin().await?;
        let rights = rights(&mut tx, schema).await;
        tx.rollback().await?;
        goodbye(conn).await;
        rights
    }
}

async fn rights(conn: &mut PgConnection, schema: &Schema) -> Result<Vec<StatementRights>> {
    let tables = tables(conn).await?;
    run(conn, format!("CREATE ROLE {TRIED}")).await?;
    for of in &tables.schemas {
        run(conn, format!("GRANT USAGE ON SCHEMA {of} TO {TRIED}")).await?;
    }
    for table in tables.names.values().flatten() {
        grant(conn, Right::ALL, table).await?;
    }
    let statements = statements::of(schema)?;
    for statement in &statements {
        // From then on the driver knows all types. To ask for one, it would use the name of the statement that is being planned.
        describe_in_savepoint(conn, statement.sql()).await?;
    }
    let mentioned: Vec<BTreeSet<&String>> = statements
        .iter()
        .map(|statement| tables.mentioned(statement))
        .collect();
    let mut needed = vec![Rights::new(); statements.len()];
    for table in tables.names.values().flatten() {
        for right in Right::ALL {
            run(conn, format!("REVOKE {right} ON {table} FROM {TRIED}")).await?;
            for (at, statement) in statements.iter().enumerate() {
                if mentioned[at].contains(table) && !passes(conn, statement).await? {
                    needed[at].entry(table.clone()).or_default().insert(right);
                }
            }
            grant(conn, [right], table).await?;
        }
    }
    // LOCK is content with one right of several, so that none of them is needed alone.
    for table in tables.names.values().flatten() {
        run(conn, format!("REVOKE ALL ON {table} FROM {TRIED}")).await?;
    }
    let mut list = Vec::new();
    for (at, statement) in statements.iter().enumerate() {
        let rights = complete(conn, statement, &mentioned[at], &needed[at]).await?;
        list.push(StatementRights {
            statement: statement.label.clone(),
            rights,
        });
    }
    Ok(list)
}

/// The rights with which the statement does pass.
async fn complete(
    conn: &mut PgConnection,
    statement: &Statement,
    mentioned: &BTreeSet<&String>,
    needed: &Rights,
) -> Result<Rights> {
    let mut rights = needed.clone();
    let mut more = [Right::Update, Right::Select].into_iter();
    loop {
        run(conn, "SAVEPOINT complete".to_owned()).await?;
        for (table, rights) in &rights {
            grant(conn, rights.iter().copied(), table).await?;
        }
        let passes = passes(conn, statement).await?;
        run(conn, "ROLLBACK TO SAVEPOINT complete".to_owned()).await?;
        if passes {
            return Ok(rights);
        }
        let Some(right) = more.next() else {
            return Err(Error::invalid(
                statement.label.clone(),
                "needs a right that is none on a table: such a one cannot be found out",
            ));
        };
        for table in mentioned {
            rights.entry((*table).clone()).or_default().insert(right);
        }
    }
}

async fn run(conn: &mut PgConnection, sql: String) -> Result<()> {
    conn.execute(AssertSqlSafe(sql)).await?;
    Ok(())
}

async fn grant(
    conn: &mut PgConnection,
    rights: impl IntoIterator<Item = Right>,
    table: &str,
) -> Result<()> {
    let rights: Vec<String> = rights.into_iter().map(|right| right.to_string()).collect();
    run(
        conn,
        format!("GRANT {} ON {table} TO {TRIED}", rights.join(", ")),
    )
    .await
}

/// Whether the role may run the statement, as far as planning it shows; one that has no plan is run.
async fn passes(conn: &mut PgConnection, statement: &Statement) -> Result<bool> {
    let begin = format!("SAVEPOINT tried; SET LOCAL ROLE {TRIED}");
    run(conn, begin).await?;
    let sql = statement.sql();
    let outcome = match planned(conn, sql, statement.parameters()).await {
        Ok(true) => Ok(()),
        Ok(false) => {
            run(
                conn,
                format!("ROLLBACK TO SAVEPOINT tried; SET LOCAL ROLE {TRIED}"),
            )
            .await?;
            conn.execute(AssertSqlSafe(sql.to_owned())).await.map(drop)
        }
        Err(error) => Err(error),
    };
    run(conn, "ROLLBACK TO SAVEPOINT tried".to_owned()).await?;
    match outcome {
        Ok(()) => Ok(true),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(DENIED) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

const DENIED: &str = "42501";

/// The tables of a database that are not the server's own.
struct Tables {
    /// By the bare name, with the schema where the search path needs it.
    names: BTreeMap<String, Vec<String>>,
    schemas: BTreeSet<String>,
}

impl Tables {
    /// One outside of the search path is meant only by a statement that names its schema, too.
    fn mentioned(&self, statement: &Statement) -> BTreeSet<&String> {
        let words = script::tokens(statement.sql());
        let names: BTreeSet<String> = words.iter().filter_map(script::Token::name).collect();
        let meant = |table: &&String| match table.split_once('.') {
            Some((schema, _)) => names.contains(schema.trim_matches('"')),
            None => true,
        };
        let tables = names.iter().filter_map(|name| self.names.get(name));
        tables.flatten().filter(meant).collect()
    }
}

async fn tables(conn: &mut PgConnection) -> Result<Tables> {
    let rows = sqlx::query!(
        r#"
        SELECT relname::text AS "name!", pg_class.oid::regclass::text AS "table!", quote_ident(nspname) AS "schema!"
        FROM pg_class
        JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND nspname <> 'information_schema' AND NOT starts_with(nspname, 'pg_')
        ORDER BY nspname, relname
        "#
    )
    .fetch_all(conn)
    .await?;
    let mut tables = Tables {
        names: BTreeMap::new(),
        schemas: BTreeSet::new(),
    };
    for row in rows {
        tables.names.entry(row.name).or_default().push(row.table);
        tables.schemas.insert(row.schema);
    }
    Ok(tables)
}

/// The rights that a statement asks for by its words, which is enough to say what to grant.
fn named(sql: &str) -> Rights {
    let tokens = script::tokens(sql);
    let has = |words: &[&str]| {
        let follow =
            |at: &[script::Token<'_>]| words.iter().zip(at).all(|(word, token)| token.is(word));
        tokens.windows(words.len()).any(follow)
    };
    let locks = has(&["FOR", "UPDATE"]) || has(&["FOR", "SHARE"]) || has(&["FOR", "NO", "KEY"]);
    let mut rights = Rights::new();
    let mut add = |at: usize, of: &[Right]| {
        let mut name = String::new();
        for (offset, token) in tokens.iter().skip(at).enumerate() {
            match (offset % 2, token.text) {
                (0, text) if token.name().is_some() => name.push_str(text),
                (1, ".") => name.push('.'),
                _ => break,
            }
        }
        if !name.is_empty() {
            rights.entry(name).or_default().extend(of);
        }
    };
    for (at, token) in tokens.iter().enumerate() {
        let before = |word: &str| at > 0 && tokens[at - 1].is(word);
        if token.is("INTO") && before("INSERT") {
            add(at + 1, &[Right::Insert]);
            if has(&["DO", "UPDATE"]) {
                add(at + 1, &[Right::Select, Right::Update]);
            }
            if has(&["RETURNING"]) || has(&["ON", "CONFLICT"]) {
                add(at + 1, &[Right::Select]);
            }
        } else if token.is("UPDATE") && !(before("FOR") || before("DO") || before("KEY")) {
            add(at + 1, &[Right::Select, Right::Update]);
        } else if token.is("FROM") && before("DELETE") {
            add(at + 1, &[Right::Select, Right::Delete]);
        } else if token.is("TABLE") && before("LOCK") {
            add(at + 1, &[Right::Update]);
        } else if token.is("FROM") || token.is("JOIN") {
            add(
                at + 1,
                if locks {
                    &[Right::Select, Right::Update]
                } else {
                    &[Right::Select]
                },
            );
        }
    }
    rights
}

/// The GRANT that a refused statement lacks, if its words say which.
pub(super) async fn lacking(
    conn: &mut PgConnection,
    statement: &Statement,
) -> Result<Option<String>> {
    for (table, rights) in named(statement.sql()) {
        let rights: Vec<String> = rights.iter().map(Right::to_string).collect();
        // NULL for what is no table, such as the name of a subquery.
        let grant = sqlx::query_scalar!(
            r#"
            SELECT format('GRANT %s ON %s TO %I', string_agg(wanted, ', ' ORDER BY at), $1::text, current_user) AS "grant"
            FROM unnest($2::text[]) WITH ORDINALITY AS asked (wanted, at)
            WHERE NOT has_table_privilege(to_regclass($1), wanted)
            HAVING count(*) > 0
            "#,
            table,
            &rights
        );
        if let Some(grant) = grant.fetch_optional(&mut *conn).await?.flatten() {
            return Ok(Some(grant));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_which_rights_are_asked_for() {
        use Right::{Delete, Insert, Select, Update};
        for (sql, table, rights) in [
            ("SELECT a FROM desk.notes", "desk.notes", vec![Select]),
            (
                "SELECT a FROM x JOIN \"Notes\" USING (a) FOR UPDATE",
                "\"Notes\"",
                vec![Select, Update],
            ),
            ("INSERT INTO notes (a) VALUES ($1)", "notes", vec![Insert]),
            (
                "INSERT INTO notes (a) VALUES ($1) RETURNING a",
                "notes",
                vec![Select, Insert],
            ),
            (
                "INSERT INTO notes (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET b = 1",
                "notes",
                vec![Select, Insert, Update],
            ),
            ("UPDATE notes SET a = 1", "notes", vec![Select, Update]),
            (
                "WITH d AS (DELETE FROM notes RETURNING a) SELECT a FROM d",
                "notes",
                vec![Select, Delete],
            ),
            ("LOCK TABLE notes IN SHARE MODE", "notes", vec![Update]),
        ] {
            let found = named(sql).remove(table);
            assert_eq!(found, Some(rights.into_iter().collect()), "{sql}");
        }
    }
}
