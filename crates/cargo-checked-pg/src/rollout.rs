//! What is asked before a deploy, on a throwaway server: which rights a program needs, and what it would make of the next schema.

use std::{collections::BTreeSet, path::Path, time::Duration};

use anyhow::{Context, Result};
use checked_pg::{
    Config, Db, Schema,
    db::{Finding, Right, Rights, script},
};
use checked_pg_server::EmbeddedServer;
use sqlx::migrate::Migrator;

/// How long the goodbye to a server may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// What to do about a program that does not go with the next schema.
const GO_WITH: &str = "let the next schema hold what this program uses, and take it away in the release after \
                       (docs/changing-the-schema.md); or stop this program before you migrate";

/// What a role is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// To run the statements that only read.
    Read,
    /// To run all statements.
    Write,
    /// To run the migrations.
    Migrate,
}

/// The least rights with which a role does its work with a schema, as SQL.
///
/// Of a `serial` column's sequence nothing is known: let the column be an identity, which needs no right of its own.
pub async fn grants(schema: &Schema, role: &str, work: Work) -> Result<String> {
    let role = quoted(role);
    if work == Work::Migrate {
        return Ok(for_migrations(schema, &role));
    }
    let server = EmbeddedServer::temporary()?;
    let db = Db::connect(&Config::from_options(server.options())).await?;
    db.migrate(schema).await?;
    let statements = db.rights(schema).await?;
    db.close(GOODBYE).await;
    server.stop()?;
    let mut rights = Rights::new();
    for statement in statements {
        let reads = |rights: &BTreeSet<Right>| rights.iter().all(|right| *right == Right::Select);
        if work == Work::Write || statement.rights.values().all(reads) {
            for (table, more) in statement.rights {
                rights.entry(table).or_default().extend(more);
            }
        }
    }
    // To see which migrations the database has.
    let migrations = schema.migrator().table_name.clone().into_owned();
    rights.entry(migrations).or_default().insert(Right::Select);
    let mut schemas = BTreeSet::from(["public"]);
    schemas.extend(
        rights
            .keys()
            .filter_map(|table| Some(table.split_once('.')?.0)),
    );
    let usage = |schema| format!("GRANT USAGE ON SCHEMA {schema} TO {role};\n");
    let mut sql: String = schemas.into_iter().map(usage).collect();
    for (table, rights) in &rights {
        let rights: Vec<String> = rights.iter().map(Right::to_string).collect();
        sql += &format!("GRANT {} ON {table} TO {role};\n", rights.join(", "));
    }
    Ok(sql)
}

fn for_migrations(schema: &Schema, role: &str) -> String {
    let mut sql = format!(
        "-- Migrations change what their role owns: let it run the first one, or make it a member of the owner.\n\
         GRANT USAGE, CREATE ON SCHEMA public TO {role};\n"
    );
    let makes_schemas = schema.migrator().iter().any(|migration| {
        script::statements(migration.sql.as_str())
            .iter()
            .any(|statement| statement.has("SCHEMA") && statement.tokens[0].is("CREATE"))
    });
    if makes_schemas {
        sql += &format!(
            "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO %I', current_database(), {}); END $$;\n",
            literal(role)
        );
    }
    sql
}

/// A quoted name as the text that it stands for, in quotes.
fn literal(role: &str) -> String {
    let name = match role
        .strip_prefix('"')
        .and_then(|role| role.strip_suffix('"'))
    {
        Some(name) => name.replace("\"\"", "\""),
        None => role.to_owned(),
    };
    format!("'{}'", name.replace('\'', "''"))
}

/// A name as SQL has it.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    match name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// What would break in a program that is compiled for `schema` when the database has the migrations in `folder`: the statements
/// that would not fit, the constraints that would be new to it, and a migration that it would not go with.
pub async fn against(schema: &Schema, folder: &Path) -> Result<Vec<Finding>> {
    let mut next = Migrator::new(folder)
        .await
        .with_context(|| format!("no migrations in {}", folder.display()))?;
    next.dangerous_set_table_name(schema.migrator().table_name.clone());
    let server = EmbeddedServer::temporary()?;
    let db = Db::connect(&Config::from_options(server.options())).await?;
    db.migrate(schema).await?;
    db.migrate_with(&next).await.with_context(|| {
        format!(
            "the migrations in {} do not follow those of this program",
            folder.display()
        )
    })?;
    let mut findings = db.verify(schema).await?.findings;
    for finding in &mut findings {
        finding.advice = GO_WITH.into();
    }
    db.close(GOODBYE).await;
    server.stop()?;
    Ok(findings)
}

#[test]
fn names_are_quoted_where_they_must_be() {
    for (name, expected) in [
        ("desk_app2", "desk_app2"),
        ("2desk", "\"2desk\""),
        ("Desk", "\"Desk\""),
        ("a\"b", "\"a\"\"b\""),
    ] {
        assert_eq!(quoted(name), expected);
    }
}
