//! What the program itself makes of the old rows: verdicts on documents, and ids.

use futures_util::TryStreamExt;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use crate::{db::Tx, error::Result};

/// Calls `look` with each document that is still to be judged; what it says is kept as a verdict.
pub(in crate::adopt) async fn judge(
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
pub(in crate::adopt) struct Verdict {
    /// It can be read all the same.
    pub(in crate::adopt) readable: bool,
    pub(in crate::adopt) field: String,
    pub(in crate::adopt) why: String,
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
pub(in crate::adopt) struct EventParts {
    pub(in crate::adopt) account: String,
    pub(in crate::adopt) week: String,
    pub(in crate::adopt) event_type: String,
    pub(in crate::adopt) occurred_at: crate::types::Timestamp,
    pub(in crate::adopt) document: String,
}

/// Makes ids of what a table has, `made` as `table/key` says, for rows that have none yet.
pub(in crate::adopt) async fn make_ids(
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
pub(in crate::adopt) async fn make_event_ids(
    tx: &mut Tx,
    made: impl Fn(&EventParts) -> Uuid,
) -> Result<()> {
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
pub(in crate::adopt) async fn make_order_ids(
    tx: &mut Tx,
    made: impl Fn(Uuid, i32) -> Uuid,
) -> Result<()> {
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
