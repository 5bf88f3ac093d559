//! What the tables of the schema hold.

use std::collections::BTreeMap;

use anyhow::Result;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

/// The columns of each table, and whether a row must be given a value there.
#[derive(Debug, Clone, Default)]
pub struct Schema(pub BTreeMap<String, BTreeMap<String, bool>>);

impl Schema {
    pub async fn of(options: &PgConnectOptions) -> Result<Self> {
        let mut connection = PgConnection::connect_with(options).await?;
        let rows: Vec<(String, String, bool)> = sqlx::query_as(
            "SELECT relname, attname, attnotnull AND NOT atthasdef
             FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
             WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped",
        )
        .fetch_all(&mut connection)
        .await?;
        connection.close().await?;
        let mut schema = Self::default();
        for (table, column, needed) in rows {
            schema.0.entry(table).or_default().insert(column, needed);
        }
        Ok(schema)
    }
}
