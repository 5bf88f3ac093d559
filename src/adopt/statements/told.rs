//! What the schema `adoption` tells.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{from_json, texts};
use crate::{
    adopt::{Edit, Refusal},
    db::Tx,
    error::{Error, Result},
    types::Timestamp,
};

/// Whether there is a place for runs.
async fn has_runs(tx: &mut Tx) -> Result<bool> {
    let there = texts(
        tx,
        "SELECT 'yes' FROM pg_attribute WHERE attrelid = to_regclass('adoption.run') AND attname = 'report'",
    )
    .await?;
    Ok(!there.is_empty())
}

/// Time, version and report of each run, the first one first.
pub(in crate::adopt) async fn stored_runs(tx: &mut Tx) -> Result<Vec<(Timestamp, String, String)>> {
    if !has_runs(tx).await? {
        return Ok(Vec::new());
    }
    let runs = "SELECT at, program_version, report::text FROM adoption.run ORDER BY at, id";
    Ok(sqlx::query_as(runs).persistent(false).fetch_all(tx).await?)
}

/// The newest run's report, if the database was adopted.
pub(in crate::adopt) async fn stored_report(tx: &mut Tx) -> Result<Option<String>> {
    if !has_runs(tx).await? {
        return Ok(None);
    }
    let newest = "SELECT report::text FROM adoption.run ORDER BY at DESC LIMIT 1";
    Ok(texts(tx, newest).await?.pop())
}

/// The schema that the old tables moved to.
pub(in crate::adopt) async fn legacy_schema(tx: &mut Tx) -> Result<String> {
    let oldest = "SELECT legacy_schema FROM adoption.run ORDER BY at LIMIT 1";
    let mut found = texts(tx, oldest).await?;
    found
        .pop()
        .ok_or(Error::Driver("the database was adopted before"))
}

/// Stores the report of this run.
pub(in crate::adopt) async fn store(
    tx: &mut Tx,
    id: Uuid,
    at: Timestamp,
    options: &BTreeMap<&str, String>,
    report: &str,
) -> Result<()> {
    let options = serde_json::to_string(options).map_err(|_| Error::Driver("options are JSON"))?;
    let insert = sqlx::query(
        "INSERT INTO adoption.run (id, at, program_version, legacy_schema, legacy_tables, options, proofs, report)
         SELECT $1, $2, $3, current_setting('adopt.legacy'),
                (SELECT jsonb_agg(name ORDER BY place) FROM pg_temp.moved), $4::text::jsonb, $5::text::jsonb -> 'proofs', $5::text::jsonb",
    );
    let insert = insert.bind(id).bind(at).bind(env!("CARGO_PKG_VERSION"));
    let insert = insert.bind(options).bind(report).persistent(false);
    insert.execute(tx).await?;
    Ok(())
}

/// The old tables of an adopted database, with their rows.
pub(in crate::adopt) async fn old_tables(tx: &mut Tx) -> Result<Vec<(String, u64)>> {
    let tables = texts(
        tx,
        "SELECT jsonb_build_array(line ->> 'name', line -> 'legacy')::text
         FROM jsonb_array_elements((SELECT report -> 'tables' FROM adoption.run ORDER BY at LIMIT 1)) AS line",
    )
    .await?;
    tables.iter().map(|json| from_json(json)).collect()
}

/// What hangs on the old tables and is no part of them.
pub(in crate::adopt) async fn on_old_tables(tx: &mut Tx) -> Result<Vec<String>> {
    texts(tx, include_str!("../sql/on_old_tables.sql")).await
}

/// Rows that were refused, and are in no table of ours.
pub(in crate::adopt) async fn count_refused(tx: &mut Tx) -> Result<u64> {
    let rows = "SELECT count(*)::text FROM adoption.refused WHERE code NOT IN ('recomputed', 'no_longer_derivable')";
    let rows = texts(tx, rows).await?.pop();
    Ok(rows.and_then(|rows| rows.parse().ok()).unwrap_or_default())
}

/// The rows that were refused, of one table or of all.
pub(in crate::adopt) async fn refusals(tx: &mut Tx, table: Option<&str>) -> Result<Vec<Refusal>> {
    let rows = "SELECT jsonb_build_object('table', table_name, 'key', legacy_key, 'code', code, 'field', field, 'reason', reason, 'row', \"row\")::text
                FROM adoption.refused WHERE $1 = table_name OR $1 IS NULL ORDER BY table_name, id";
    of_table(tx, rows, table).await
}

/// What was changed, of one table or of all.
pub(in crate::adopt) async fn edits(tx: &mut Tx, table: Option<&str>) -> Result<Vec<Edit>> {
    let rows = "SELECT jsonb_build_object('table', table_name, 'key', legacy_key, 'code', code, 'field', field, 'was', was, 'is_now', is_now)::text
                FROM adoption.changed WHERE $1 = table_name OR $1 IS NULL ORDER BY table_name, id";
    of_table(tx, rows, table).await
}

async fn of_table<T: serde::de::DeserializeOwned>(
    tx: &mut Tx,
    rows: &'static str,
    table: Option<&str>,
) -> Result<Vec<T>> {
    let rows = sqlx::query_scalar(rows).bind(table).persistent(false);
    let found: Vec<String> = rows.fetch_all(tx).await?;
    found.iter().map(|json| from_json(json)).collect()
}
