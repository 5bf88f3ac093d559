//! The statements on the old tables. No macro can check them: they name tables of another program, in shapes that are known only
//! when they are seen, and temporary ones. They stand in `sql`, this module is the only one that sends them, and
//! each of them runs in the tests on databases of every shape.
#![allow(
    clippy::disallowed_methods,
    reason = "the old tables and the temporary ones are in no migration"
)]

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::{Edit, Refusal, Restated};
use crate::{
    db::Tx,
    error::{Error, Result},
};

const PREPARE: &str = concat!(
    include_str!("sql/functions.sql"),
    include_str!("sql/relations.sql"),
    include_str!("sql/old_tables.sql"),
);

/// A part of the work that is one script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    Settings,
    Prepare,
    Move,
    Reopen,
    Read,
    OnlyRefused,
    KnownPitches,
    ForgetPitches,
    Market,
    Returns,
    People,
    Council,
    Journal,
    JudgeForms,
    RenameEvents,
    GiveIds,
    Write,
    Orders,
    GiveTrades,
    WriteOrders,
    Reviews,
    JudgeReviews,
    GiveReviewIds,
    WriteReviews,
    Prove,
    Grant,
    Pause,
    CompareDerived,
    BeforePerformance,
    Forget,
}

impl Script {
    const fn text(self) -> &'static str {
        match self {
            // By itself: a script is parsed before its first statement runs.
            Self::Settings => include_str!("sql/settings.sql"),
            Self::Prepare => PREPARE,
            Self::Move => include_str!("sql/move.sql"),
            Self::Reopen => include_str!("sql/reopen.sql"),
            Self::OnlyRefused => include_str!("sql/again.sql"),
            Self::KnownPitches => include_str!("sql/known_pitches.sql"),
            Self::ForgetPitches => include_str!("sql/forget_pitches.sql"),
            Self::Read => concat!(include_str!("sql/load.sql"), include_str!("sql/read.sql")),
            Self::Market => include_str!("sql/market.sql"),
            Self::Returns => include_str!("sql/returns.sql"),
            Self::People => include_str!("sql/people.sql"),
            Self::Council => include_str!("sql/council.sql"),
            Self::Journal => include_str!("sql/journal.sql"),
            Self::JudgeForms => include_str!("sql/judge.sql"),
            Self::RenameEvents => include_str!("sql/rename_events.sql"),
            Self::GiveIds => include_str!("sql/ids.sql"),
            Self::Write => include_str!("sql/write.sql"),
            Self::Orders => include_str!("sql/orders.sql"),
            Self::GiveTrades => include_str!("sql/attempts.sql"),
            Self::WriteOrders => include_str!("sql/write_orders.sql"),
            Self::Reviews => include_str!("sql/reviews.sql"),
            Self::JudgeReviews => {
                "SELECT pg_temp.judge_form('peer_reviews', 'review_data', 'review')"
            }
            Self::GiveReviewIds => include_str!("sql/review_ids.sql"),
            Self::WriteReviews => include_str!("sql/write_reviews.sql"),
            Self::Prove => include_str!("sql/proofs.sql"),
            Self::Grant => include_str!("sql/grant.sql"),
            Self::Pause => "SELECT pg_sleep(0.1); SELECT pg_stat_clear_snapshot()",
            Self::CompareDerived => include_str!("sql/compare_derived.sql"),
            Self::BeforePerformance => include_str!("sql/before_performance.sql"),
            Self::Forget => include_str!("sql/forget.sql"),
        }
    }
}

/// Runs a script to its end, however long that takes.
pub(super) async fn run(tx: &mut Tx, script: Script) -> Result<()> {
    tx.raw(async |conn| {
        sqlx::raw_sql(script.text()).execute(conn).await?;
        Ok(())
    })
    .await
}

/// Sets a parameter of the scripts.
pub(super) async fn set(tx: &mut Tx, name: &'static str, value: &str) -> Result<()> {
    let statement = sqlx::query("SELECT set_config($1, $2, true)")
        .bind(name)
        .bind(value);
    statement.execute(tx).await?;
    Ok(())
}

/// Rows of one text.
pub(super) async fn texts(tx: &mut Tx, statement: &'static str) -> Result<Vec<String>> {
    tx.raw(async |conn| {
        Ok(sqlx::query_scalar(statement)
            .persistent(false)
            .fetch_all(conn)
            .await?)
    })
    .await
}

/// Others who are connected, a line each. One who has just said goodbye gets a moment to go.
pub(super) async fn sessions(tx: &mut Tx) -> Result<Vec<String>> {
    const LOOKS: usize = 10;
    let mut found = Vec::new();
    for _ in 0..LOOKS {
        found = texts(tx, include_str!("sql/sessions.sql")).await?;
        if found.is_empty() {
            break;
        }
        run(tx, Script::Pause).await?;
    }
    Ok(found)
}

/// Others who are in a transaction, a line each.
pub(super) async fn in_transactions(tx: &mut Tx) -> Result<Vec<String>> {
    let found = texts(tx, include_str!("sql/sessions.sql")).await?;
    let found = found.into_iter().filter(|line| !line.ends_with(", idle)"));
    Ok(found.collect())
}

/// How many old rows there are.
pub(super) async fn rows_to_read(tx: &mut Tx) -> Result<u64> {
    let rows = texts(
        tx,
        "SELECT sum(tried)::text FROM pg_temp.moved WHERE tried IS NOT NULL HAVING count(*) > 0",
    )
    .await?;
    Ok(rows
        .first()
        .and_then(|rows| rows.parse().ok())
        .unwrap_or_default())
}

/// The report, as JSON.
pub(super) async fn report(tx: &mut Tx) -> Result<String> {
    let mut found = texts(tx, include_str!("sql/report.sql")).await?;
    found.pop().ok_or(Error::Driver("the report is one row"))
}

/// Calls `look` with each document that is still to be judged; what it says is kept as a verdict.
pub(super) async fn judge(
    tx: &mut Tx,
    table: &'static str,
    field: &'static str,
    look: impl Fn(&str) -> Option<Verdict>,
) -> Result<()> {
    tx.raw(async |conn| {
        let mut found: Vec<(i64, Verdict)> = Vec::new();
        let documents = sqlx::query("SELECT n, document FROM pg_temp.documents($1, $2)")
            .bind(table)
            .bind(field)
            .persistent(false);
        let mut rows = documents.fetch(&mut *conn);
        while let Some(row) = rows.try_next().await? {
            if let Some(verdict) = look(row.try_get("document")?) {
                found.push((row.try_get("n")?, verdict));
            }
        }
        drop(rows);
        keep(conn, table, &found).await
    })
    .await
}

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// It can be read all the same.
    pub(super) readable: bool,
    pub(super) field: String,
    pub(super) why: String,
}

async fn keep(conn: &mut PgConnection, table: &str, found: &[(i64, Verdict)]) -> Result<()> {
    let rows: Vec<i64> = found.iter().map(|(n, _)| *n).collect();
    let readable: Vec<bool> = found.iter().map(|(_, v)| v.readable).collect();
    let fields: Vec<&str> = found.iter().map(|(_, v)| v.field.as_str()).collect();
    let reasons: Vec<&str> = found.iter().map(|(_, v)| v.why.as_str()).collect();
    let insert = sqlx::query(
        "INSERT INTO pg_temp.judged (wanted, n, readable, field, why)
         SELECT $1, n, readable, field, why
         FROM UNNEST($2::bigint[], $3::boolean[], $4::text[], $5::text[]) AS found (n, readable, field, why)",
    );
    let insert = insert.bind(table).bind(rows).bind(readable);
    insert
        .bind(fields)
        .bind(reasons)
        .persistent(false)
        .execute(conn)
        .await?;
    Ok(())
}

/// An event whose id is made of its content.
pub(super) struct EventParts {
    pub(super) account: String,
    pub(super) week: String,
    pub(super) event_type: String,
    pub(super) occurred_at: chrono::DateTime<chrono::Utc>,
    pub(super) document: String,
}

/// Makes ids of what a table has, `made` as `table/key` says, for rows that have none yet.
pub(super) async fn make_ids(
    tx: &mut Tx,
    table: &'static str,
    made: impl Fn(&str) -> Uuid,
) -> Result<()> {
    tx.raw(async |conn| {
        let rows = sqlx::query("SELECT n, key FROM pg_temp.without_id($1)")
            .bind(table)
            .persistent(false);
        let mut rows = rows.fetch(&mut *conn);
        let mut ids = Vec::new();
        while let Some(row) = rows.try_next().await? {
            ids.push((row.try_get("n")?, made(row.try_get("key")?)));
        }
        drop(rows);
        keep_ids(conn, table, &ids).await
    })
    .await
}

/// Makes ids of events from their content.
pub(super) async fn make_event_ids(tx: &mut Tx, made: impl Fn(&EventParts) -> Uuid) -> Result<()> {
    tx.raw(async |conn| {
        let rows = sqlx::query(
            "SELECT n, account, week_id::text AS week, event_type, occurred_at, event_data::text AS document
             FROM pg_temp.new_execution_events WHERE code IS NULL",
        );
        let mut rows = rows.persistent(false).fetch(&mut *conn);
        let mut ids = Vec::new();
        while let Some(row) = rows.try_next().await? {
            let parts = EventParts {
                account: row.try_get("account")?,
                week: row.try_get("week")?,
                event_type: row.try_get("event_type")?,
                occurred_at: row.try_get("occurred_at")?,
                document: row.try_get("document")?,
            };
            ids.push((row.try_get("n")?, made(&parts)));
        }
        drop(rows);
        keep_ids(conn, "event of its content", &ids).await
    })
    .await
}

/// Makes ids of orders, of the trade and the attempt.
pub(super) async fn make_order_ids(tx: &mut Tx, made: impl Fn(Uuid, i32) -> Uuid) -> Result<()> {
    tx.raw(async |conn| {
        let rows: Vec<(i64, Uuid, i32)> = sqlx::query_as(
            "SELECT n, trade_id, attempt FROM pg_temp.new_trade_orders WHERE code IS NULL",
        )
        .persistent(false)
        .fetch_all(&mut *conn)
        .await?;
        let ids = rows
            .iter()
            .map(|(n, trade, attempt)| (*n, made(*trade, *attempt)));
        keep_ids(conn, "trade_orders", &ids.collect::<Vec<_>>()).await
    })
    .await
}

/// Ids at once to the server.
const IDS: usize = 50_000;

async fn keep_ids(conn: &mut PgConnection, table: &str, ids: &[(i64, Uuid)]) -> Result<()> {
    for chunk in ids.chunks(IDS) {
        let (rows, made): (Vec<i64>, Vec<Uuid>) = chunk.iter().copied().unzip();
        sqlx::query("INSERT INTO pg_temp.made_id (wanted, n, id) SELECT $1, n, id FROM UNNEST($2::bigint[], $3::uuid[]) AS made (n, id)")
            .bind(table)
            .bind(rows)
            .bind(made)
            .persistent(false)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Adds a proof that the program itself made.
pub(super) async fn prove(
    tx: &mut Tx,
    number: i32,
    name: &str,
    holds: bool,
    detail: &str,
) -> Result<()> {
    let insert = sqlx::query("INSERT INTO pg_temp.proof VALUES ($1, $2, $3, $4)");
    let insert = insert.bind(number).bind(name).bind(holds).bind(detail);
    insert.persistent(false).execute(tx).await?;
    Ok(())
}

/// What stands in the way before anything has moved: a table of neither program, or none of the Python layer.
pub(super) async fn objection(tx: &mut Tx) -> Result<Option<String>> {
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
pub(super) async fn schema_is_there(tx: &mut Tx, name: &str) -> Result<bool> {
    let there = sqlx::query_scalar("SELECT to_regnamespace(quote_ident($1)) IS NOT NULL");
    Ok(there.bind(name).persistent(false).fetch_one(tx).await?)
}

/// Whether the schema that our migrations make is there without them.
pub(super) async fn adoption_is_taken(tx: &mut Tx) -> Result<bool> {
    let taken = "SELECT 'yes' WHERE to_regnamespace('adoption') IS NOT NULL AND to_regclass('_sqlx_migrations') IS NULL";
    Ok(!texts(tx, taken).await?.is_empty())
}

/// The newest run's report, if the database was adopted.
pub(super) async fn stored_report(tx: &mut Tx) -> Result<Option<String>> {
    let there = texts(
        tx,
        "SELECT 'yes' FROM pg_attribute WHERE attrelid = to_regclass('adoption.run') AND attname = 'report'",
    )
    .await?;
    if there.is_empty() {
        return Ok(None);
    }
    let newest = "SELECT report::text FROM adoption.run ORDER BY at DESC LIMIT 1";
    Ok(texts(tx, newest).await?.pop())
}

/// The schema that the old tables moved to.
pub(super) async fn legacy_schema(tx: &mut Tx) -> Result<String> {
    let oldest = "SELECT legacy_schema FROM adoption.run ORDER BY at LIMIT 1";
    let mut found = texts(tx, oldest).await?;
    found
        .pop()
        .ok_or(Error::Driver("the database was adopted before"))
}

/// Whether there are bars, old ones or from a run before.
pub(super) async fn has_bars(tx: &mut Tx) -> Result<bool> {
    let any = "SELECT 'yes' WHERE EXISTS (SELECT FROM pg_temp.old_daily_bars) OR current_setting('adopt.again') = 'yes'";
    Ok(!texts(tx, any).await?.is_empty())
}

/// What the job of the accounts did since `before_performance.sql`.
pub(super) async fn restated(tx: &mut Tx) -> Result<Vec<Restated>> {
    let found = texts(tx, include_str!("sql/restated.sql")).await?;
    found.iter().map(|json| from_json(json)).collect()
}

fn from_json<T: serde::de::DeserializeOwned>(json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|_| Error::Driver("what a statement makes can be read"))
}

/// Stores the report of this run.
pub(super) async fn store(
    tx: &mut Tx,
    id: Uuid,
    at: chrono::DateTime<chrono::Utc>,
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
pub(super) async fn old_tables(tx: &mut Tx) -> Result<Vec<(String, u64)>> {
    let tables = texts(
        tx,
        "SELECT jsonb_build_array(line ->> 'name', line -> 'legacy')::text
         FROM jsonb_array_elements((SELECT report -> 'tables' FROM adoption.run ORDER BY at LIMIT 1)) AS line",
    )
    .await?;
    tables.iter().map(|json| from_json(json)).collect()
}

/// What hangs on the old tables and is no part of them.
pub(super) async fn on_old_tables(tx: &mut Tx) -> Result<Vec<String>> {
    texts(tx, include_str!("sql/on_old_tables.sql")).await
}

/// Rows that were refused, and are in no table of ours.
pub(super) async fn count_refused(tx: &mut Tx) -> Result<u64> {
    let rows = "SELECT count(*)::text FROM adoption.refused WHERE code NOT IN ('recomputed', 'no_longer_derivable')";
    let rows = texts(tx, rows).await?.pop();
    Ok(rows.and_then(|rows| rows.parse().ok()).unwrap_or_default())
}

/// The rows that were refused, of one table or of all.
pub(super) async fn refusals(tx: &mut Tx, table: Option<&str>) -> Result<Vec<Refusal>> {
    let rows = "SELECT jsonb_build_object('table', table_name, 'key', legacy_key, 'code', code, 'field', field, 'reason', reason, 'row', \"row\")::text
                FROM adoption.refused WHERE $1 = table_name OR $1 IS NULL ORDER BY table_name, id";
    of_table(tx, rows, table).await
}

/// What was changed, of one table or of all.
pub(super) async fn edits(tx: &mut Tx, table: Option<&str>) -> Result<Vec<Edit>> {
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

/// Publications that send a table which would move, by name.
pub(super) async fn published(tx: &mut Tx) -> Result<Vec<String>> {
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

/// What the role may not do here that every adoption does, a line each.
pub(super) async fn missing_rights(tx: &mut Tx) -> Result<Vec<String>> {
    texts(tx, include_str!("sql/rights.sql")).await
}

/// What it may not do with the old tables, a line each.
pub(super) async fn missing_ownership(tx: &mut Tx) -> Result<Vec<String>> {
    texts(tx, include_str!("sql/ownership.sql")).await
}
