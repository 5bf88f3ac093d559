//! `docs/schema.md`, from the catalog of a migrated database.

use std::{fmt::Write as _, fs};

use anyhow::{Context, Result, ensure};
use sqlx::{Connection, PgConnection};

use crate::{Project, migrations::migrated_server};

const PAGE: &str = "docs/schema.md";

/// Those of the schema itself come first, then those of other schemas, with the names of these.
const TABLES: &str = "
    SELECT c.oid::regclass::text, COALESCE(obj_description(c.oid), '')
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%' AND c.relname <> '_sqlx_migrations'
    ORDER BY n.nspname <> 'public', n.nspname, c.relname";

const COLUMNS: &str = "
    SELECT a.attname::text,
           format_type(a.atttypid, a.atttypmod),
           a.attnotnull,
           COALESCE(CASE a.attgenerated WHEN 's' THEN 'generated' ELSE pg_get_expr(d.adbin, d.adrelid) END, ''),
           COALESCE(col_description(a.attrelid, a.attnum), ''),
           COALESCE(k.roles, '')
    FROM pg_attribute a
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    LEFT JOIN LATERAL (
        SELECT string_agg(DISTINCT CASE contype WHEN 'p' THEN 'PK' WHEN 'f' THEN 'FK' END, ', ') AS roles
        FROM pg_constraint
        WHERE conrelid = a.attrelid AND a.attnum = ANY(conkey)
    ) k ON TRUE
    WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum";

const CONSTRAINTS: &str = "
    SELECT conname::text, pg_get_constraintdef(oid, true)
    FROM pg_constraint
    -- From PostgreSQL 18 on, NOT NULL is a constraint too; the columns say it already.
    WHERE conrelid = $1::regclass AND contype <> 'n'
    ORDER BY contype <> 'p', contype, conname";

const INDEXES: &str = "
    SELECT i.relname::text, regexp_replace(pg_get_indexdef(i.oid), '^.* USING ', '')
    FROM pg_index x
    JOIN pg_class i ON i.oid = x.indexrelid
    LEFT JOIN pg_constraint k ON k.conindid = x.indexrelid AND k.contype IN ('p', 'u')
    WHERE x.indrelid = $1::regclass AND k.oid IS NULL
    ORDER BY i.relname";

const DOMAINS: &str = "
    SELECT t.typname::text,
           format_type(t.typbasetype, t.typtypmod),
           COALESCE(string_agg(pg_get_constraintdef(k.oid, true), '; ' ORDER BY k.conname), ''),
           COALESCE(obj_description(t.oid, 'pg_type'), '')
    FROM pg_type t
    LEFT JOIN pg_constraint k ON k.contypid = t.oid
    WHERE t.typtype = 'd' AND t.typnamespace = 'public'::regnamespace
    GROUP BY t.oid
    ORDER BY t.typname";

const REFERENCES: &str = "
    SELECT f.conrelid::regclass::text,
           f.confrelid::regclass::text,
           string_agg(a.attname, ', ' ORDER BY array_position(f.conkey, a.attnum)),
           bool_and(a.attnotnull)
    FROM pg_constraint f
    JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = ANY(f.conkey)
    WHERE f.contype = 'f' AND f.connamespace = 'public'::regnamespace
    GROUP BY f.oid
    ORDER BY 1, 2, 3";

/// Writes the page, or fails if it is not the one that would be written.
pub async fn run(project: &Project, check: bool) -> Result<()> {
    let server = migrated_server(project).await?;
    let mut db = PgConnection::connect_with(&server.options()).await?;
    let fresh = page(&mut db).await?;
    db.close().await?;
    server.stop()?;
    let path = project.path(PAGE);
    if check {
        let stored = fs::read_to_string(&path)
            .with_context(|| format!("{PAGE} is unreadable; run `cargo checked-pg schema`"))?;
        ensure!(
            stored == fresh,
            "{PAGE} is stale; run `cargo checked-pg schema`"
        );
    } else {
        fs::write(&path, fresh)?;
    }
    Ok(())
}

async fn page(db: &mut PgConnection) -> Result<String> {
    let tables: Vec<(String, String)> = sqlx::query_as(TABLES).fetch_all(&mut *db).await?;
    let mut page = String::from(
        "# Schema\n\nMade by `just schema` from the catalog of a migrated database; CI fails when it is stale.\n\n",
    );
    page += &diagram(db, &tables).await?;
    for (table, comment) in &tables {
        write!(page, "\n## {table}\n\n{comment}\n\n")?;
        page += &columns(db, table).await?;
        page += &list(db, "Constraints", CONSTRAINTS, table).await?;
        page += &list(db, "Indexes besides", INDEXES, table).await?;
    }
    page += &domains(db).await?;
    Ok(page)
}

async fn diagram(db: &mut PgConnection, tables: &[(String, String)]) -> Result<String> {
    let mut diagram = String::from("```mermaid\nerDiagram\n");
    // Mermaid takes no dot in a name.
    for (table, _) in tables.iter().filter(|(table, _)| !table.contains('.')) {
        writeln!(diagram, "    {table} {{")?;
        for (column, kind, .., roles) in describe(db, table).await? {
            // Mermaid takes one word for a type, without commas.
            let kind = kind.replace([' ', ','], "_");
            let line = format!("        {kind} {column} {roles}");
            writeln!(diagram, "{}", line.trim_end())?;
        }
        writeln!(diagram, "    }}")?;
    }
    let references: Vec<(String, String, String, bool)> =
        sqlx::query_as(REFERENCES).fetch_all(db).await?;
    for (from, to, columns, required) in references {
        let one = if required { "||" } else { "|o" };
        writeln!(diagram, "    {to} {one}--o{{ {from} : \"{columns}\"")?;
    }
    Ok(diagram + "```\n")
}

/// Name, type, whether it is NOT NULL, default, comment, and its part in keys.
type Column = (String, String, bool, String, String, String);

async fn describe(db: &mut PgConnection, table: &str) -> Result<Vec<Column>> {
    Ok(sqlx::query_as(COLUMNS).bind(table).fetch_all(db).await?)
}

async fn columns(db: &mut PgConnection, table: &str) -> Result<String> {
    let mut text =
        String::from("| column | type | null | default | meaning |\n|---|---|---|---|---|\n");
    for (column, kind, required, default, comment, _) in describe(db, table).await? {
        let null = if required { "" } else { "NULL" };
        writeln!(
            text,
            "| `{column}` | `{kind}` | {null} | {} | {} |",
            code(&default),
            cell(&comment)
        )?;
    }
    Ok(text)
}

async fn list(
    db: &mut PgConnection,
    title: &str,
    query: &'static str,
    table: &str,
) -> Result<String> {
    let rows: Vec<(String, String)> = sqlx::query_as(query).bind(table).fetch_all(db).await?;
    let mut text = String::new();
    if !rows.is_empty() {
        write!(text, "\n{title}:\n\n")?;
    }
    for (name, definition) in rows {
        writeln!(text, "* `{name}`: {}", code(&definition))?;
    }
    Ok(text)
}

async fn domains(db: &mut PgConnection) -> Result<String> {
    let rows: Vec<(String, String, String, String)> = sqlx::query_as(DOMAINS).fetch_all(db).await?;
    let mut text =
        String::from("\n## Domains\n\n| domain | over | check | meaning |\n|---|---|---|---|\n");
    for (name, base, check, comment) in rows {
        // The check of a document runs over many lines; its migration shows it better.
        let check = if base == "jsonb" {
            "in its migration".to_owned()
        } else {
            code(&check)
        };
        writeln!(
            text,
            "| `{name}` | `{base}` | {check} | {} |",
            cell(&comment)
        )?;
    }
    Ok(text)
}

/// Code that fits into a cell; nothing for nothing.
fn code(sql: &str) -> String {
    match cell(sql) {
        sql if sql.is_empty() => sql,
        sql => format!("`{sql}`"),
    }
}

/// One line without the sign that would end a table's cell.
fn cell(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").replace('|', "\\|")
}
