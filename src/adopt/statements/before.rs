//! What is asked before anything moves.

use super::{Script, run, texts};
use crate::{db::Tx, error::Result};

/// Others who are connected, a line each. One who has just said goodbye gets a moment to go.
pub(in crate::adopt) async fn sessions(tx: &mut Tx) -> Result<Vec<String>> {
    const LOOKS: usize = 10;
    let mut found = Vec::new();
    for _ in 0..LOOKS {
        found = texts(tx, include_str!("../sql/sessions.sql")).await?;
        if found.is_empty() {
            break;
        }
        run(tx, Script::Pause).await?;
    }
    Ok(found)
}

/// Others who are in a transaction, a line each.
pub(in crate::adopt) async fn in_transactions(tx: &mut Tx) -> Result<Vec<String>> {
    let found = texts(tx, include_str!("../sql/sessions.sql")).await?;
    let found = found.into_iter().filter(|line| !line.ends_with(", idle)"));
    Ok(found.collect())
}

/// What stands in the way before anything has moved: a table of neither program, or none of the Python layer.
pub(in crate::adopt) async fn objection(tx: &mut Tx) -> Result<Option<String>> {
    let mut odd = texts(
        tx,
        "SELECT 'the table ' || name || ' (column ' || unexpected || ') is neither of this program nor of the Python layer: \
         rename it, or use another database' FROM pg_temp.relation WHERE whose = 'neither' ORDER BY place",
    )
    .await?;
    if !odd.is_empty() {
        return Ok(Some(odd.remove(0)));
    }
    let old = texts(
        tx,
        "SELECT name FROM pg_temp.relation WHERE whose = 'python' LIMIT 1",
    )
    .await?;
    if !old.is_empty() {
        return Ok(None);
    }
    let elsewhere = texts(
        tx,
        "SELECT nspname || ' has ' || string_agg(relname, ', ' ORDER BY relname)
         FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
         JOIN pg_attribute ON attrelid = pg_class.oid AND NOT attisdropped
         WHERE relkind = 'r' AND nspname <> current_schema() AND nspname NOT IN ('pg_catalog', 'information_schema', 'compat')
           AND (relname IN ('daily_bars', 'hourly_snapshots', 'fetch_log') AND attname = 'id'
                OR relname IN ('research_reports', 'pm_pitches', 'peer_reviews', 'execution_events') AND attname = 'week_id')
           AND atttypid IN ('int4'::regtype, 'text'::regtype, 'varchar'::regtype)
         GROUP BY nspname ORDER BY nspname",
    )
    .await?;
    let nothing = "there is no table of the Python layer in this database: nothing to adopt";
    Ok(Some(match elsewhere.first() {
        None => nothing.to_owned(),
        Some(schema) => format!(
            "there is no table of the Python layer in the schema that comes first in search_path; the schema {schema}: put it first, as in \
             ?options=-csearch_path%3DNAME"
        ),
    }))
}

/// Whether a schema has that name already.
pub(in crate::adopt) async fn schema_is_there(tx: &mut Tx, name: &str) -> Result<bool> {
    let there = sqlx::query_scalar("SELECT to_regnamespace(quote_ident($1)) IS NOT NULL");
    Ok(there.bind(name).persistent(false).fetch_one(tx).await?)
}

/// Whether the schema that our migrations make is there without them.
pub(in crate::adopt) async fn adoption_is_taken(tx: &mut Tx) -> Result<bool> {
    let taken = "SELECT 'yes' WHERE to_regnamespace('adoption') IS NOT NULL AND to_regclass('_sqlx_migrations') IS NULL";
    Ok(!texts(tx, taken).await?.is_empty())
}

/// Publications that send a table which would move, by name.
pub(in crate::adopt) async fn published(tx: &mut Tx) -> Result<Vec<String>> {
    texts(
        tx,
        "SELECT DISTINCT pubname::text || ' of ' || name
         FROM pg_temp.relation
         JOIN pg_publication_tables ON schemaname = current_schema() AND tablename = name
         WHERE whose = 'python'
         ORDER BY 1",
    )
    .await
}

/// Why the server takes no writes, if so, and what to do.
pub(in crate::adopt) async fn not_writable(tx: &mut Tx) -> Result<Option<String>> {
    Ok(texts(tx, include_str!("../sql/writable.sql")).await?.pop())
}

/// What the role may not do here that every adoption does, a line each.
pub(in crate::adopt) async fn missing_rights(tx: &mut Tx) -> Result<Vec<String>> {
    texts(tx, include_str!("../sql/rights.sql")).await
}

/// What it may not do with the old tables, a line each.
pub(in crate::adopt) async fn missing_ownership(tx: &mut Tx) -> Result<Vec<String>> {
    texts(tx, include_str!("../sql/ownership.sql")).await
}
