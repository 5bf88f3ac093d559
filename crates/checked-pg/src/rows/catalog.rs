//! The tables of a schema, as far as their rows are read one by one.

use sqlx::{PgConnection, Row};
use std::collections::BTreeMap;

use crate::error::Result;

/// A table.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
}

/// A column, under its name as SQL writes it.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) quoted: String,
    /// The domain, if it has one.
    pub(super) domain: Option<String>,
    /// The type below.
    pub(super) base: String,
    pub(super) is_key: bool,
}

/// The tables, by their names as SQL writes them. That of the migrations is sqlx's own.
pub(super) async fn tables(conn: &mut PgConnection) -> Result<BTreeMap<String, Table>> {
    const TABLES: &str = "
        SELECT quote_ident(relname), attname::text, quote_ident(attname),
               CASE WHEN typtype = 'd' THEN typname::text END,
               format_type(CASE WHEN typtype = 'd' THEN typbasetype ELSE pg_type.oid END, NULL),
               EXISTS (
                   SELECT
                   FROM pg_catalog.pg_index
                   WHERE indrelid = pg_class.oid AND indisprimary AND attnum = ANY (indkey)
               )
        FROM pg_catalog.pg_class
        JOIN pg_catalog.pg_attribute ON attrelid = pg_class.oid
        JOIN pg_catalog.pg_type ON pg_type.oid = atttypid
        WHERE relnamespace = current_schema()::regnamespace
          AND relkind IN ('r', 'p') AND NOT relispartition
          AND relname <> '_sqlx_migrations'
          AND attnum > 0 AND NOT attisdropped
        ORDER BY relname, attnum";
    let rows = sqlx::query(TABLES)
        .persistent(false)
        .fetch_all(conn)
        .await?;
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for row in rows {
        let table: String = row.try_get(0)?;
        tables.entry(table).or_default().columns.push(Column {
            name: row.try_get(1)?,
            quoted: row.try_get(2)?,
            domain: row.try_get(3)?,
            base: row.try_get(4)?,
            is_key: row.try_get(5)?,
        });
    }
    Ok(tables)
}
