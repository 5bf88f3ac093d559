//! The statements on the old tables. No macro can check them: they name tables of another program, in shapes that are known only
//! when they are seen, and temporary ones. They stand in `sql`, this module is the only one that sends them, and
//! each of them runs in the tests on databases of every shape.
#![allow(
    clippy::disallowed_methods,
    reason = "the old tables and the temporary ones are in no migration"
)]

mod before;
mod documents;
mod script;
mod told;

pub(super) use before::{
    adoption_is_taken, in_transactions, missing_ownership, missing_rights, not_writable, objection,
    published, schema_is_there, sessions,
};
pub(super) use documents::{EventParts, Verdict, judge, make_event_ids, make_ids, make_order_ids};
pub(super) use script::Script;
pub(super) use told::{
    count_refused, edits, legacy_schema, old_tables, on_old_tables, refusals, store, stored_report,
    stored_runs,
};

use futures_util::TryStreamExt;
use sqlx::Row;

use super::Restated;
use crate::{
    db::Tx,
    error::{Error, Result},
};

/// Runs a script to its end, however long that takes.
pub(super) async fn run(tx: &mut Tx, script: Script) -> Result<()> {
    tx.raw(async |conn| {
        sqlx::raw_sql(script.text()).execute(conn).await?;
        Ok(())
    })
    .await
}

/// As [`run`]; `told` hears how many rows each part of the work had, when it is done.
pub(super) async fn run_in_parts(
    tx: &mut Tx,
    script: Script,
    mut told: impl FnMut(u64),
) -> Result<()> {
    tx.raw(async |conn| {
        let mut steps = sqlx::raw_sql(script.text()).fetch_many(conn);
        while let Some(step) = steps.try_next().await? {
            let rows = step.right().and_then(|row| row.try_get("told").ok());
            told(rows.map_or(0, |rows: i64| rows.unsigned_abs()));
        }
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
    let mut found = texts(tx, include_str!("../sql/report.sql")).await?;
    found.pop().ok_or(Error::Driver("the report is one row"))
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

/// Whether there are bars, old ones or from a run before.
pub(super) async fn has_bars(tx: &mut Tx) -> Result<bool> {
    let any = "SELECT 'yes' WHERE EXISTS (SELECT FROM pg_temp.old_daily_bars) OR current_setting('adopt.again') = 'yes'";
    Ok(!texts(tx, any).await?.is_empty())
}

/// What the job of the accounts did since `before_performance.sql`.
pub(super) async fn restated(tx: &mut Tx) -> Result<Vec<Restated>> {
    let found = texts(tx, include_str!("../sql/restated.sql")).await?;
    found.iter().map(|json| from_json(json)).collect()
}

fn from_json<T: serde::de::DeserializeOwned>(json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|_| Error::Driver("what a statement makes can be read"))
}
