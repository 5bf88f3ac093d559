//! What the tables of the schema hold.

use std::collections::BTreeMap;

use anyhow::Result;
use sqlx::{Connection, PgConnection};

use crate::{Project, migrations::migrated_server};

/// The columns of each table and view with their types.
#[derive(Debug, Clone, Default)]
pub struct Shape(pub BTreeMap<String, BTreeMap<String, String>>);

impl Shape {
    pub async fn of(project: &Project) -> Result<Self> {
        let server = migrated_server(project).await?;
        let mut connection = PgConnection::connect_with(&server.options()).await?;
        let rows: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT relname::text, attname::text, format_type(atttypid, atttypmod)
             FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
             WHERE relkind IN ('r', 'p', 'v', 'm') AND relnamespace = 'public'::regnamespace
               AND attnum > 0 AND NOT attisdropped",
        )
        .fetch_all(&mut connection)
        .await?;
        connection.close().await?;
        server.stop()?;
        let mut shape = Self::default();
        for (table, column, of) in rows {
            shape.0.entry(table).or_default().insert(column, of);
        }
        Ok(shape)
    }

    /// Other columns of the type that a column has in these tables.
    pub fn others(&self, tables: &[&str], column: &str) -> Vec<&str> {
        let mut others: Vec<&str> = tables
            .iter()
            .filter_map(|table| self.0.get(*table))
            .filter_map(|columns| Some((columns, columns.get(column)?)))
            .flat_map(|(columns, of)| {
                let same = columns
                    .iter()
                    .filter(move |(name, other)| *other == of && *name != column);
                same.map(|(name, _)| name.as_str())
            })
            .collect();
        others.sort_unstable();
        others.dedup();
        others
    }
}
