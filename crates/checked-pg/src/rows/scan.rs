//! Every row of every table, read as its types read it.

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row, ValueRef, postgres::PgRow};
use std::collections::BTreeSet;

use super::{
    Read, Types,
    catalog::{Column, Table, tables},
};
use crate::{
    db::Db,
    error::{Error, Misfit, Result},
};

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scanned {
    /// How many tables.
    pub tables: u64,
    /// How many rows.
    pub rows: u64,
    /// Rows of which a value does not fit.
    pub misfits: u64,
    /// Domains whose type is not known; their values were not read.
    pub unknown: BTreeSet<String>,
}

pub(super) async fn misfits(
    types: &Types,
    db: &Db,
    mut report: impl FnMut(Misfit),
) -> Result<Scanned> {
    // One snapshot, and no limit for a table however large it is.
    const BEGIN: &str = "
        BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
        SET LOCAL statement_timeout = 0;
        SET LOCAL idle_in_transaction_session_timeout = 0";
    let mut conn = db.connect_aside().await?;
    conn.execute(sqlx::raw_sql(BEGIN)).await?;
    let mut scanned = Scanned::default();
    for (name, table) in tables(&mut conn).await? {
        let read = Reading::of(types, name, &table, &mut scanned.unknown);
        scanned.tables += 1;
        read.rows(&mut conn, &mut scanned, &mut report).await?;
    }
    if let Err(error) = conn.close().await {
        tracing::debug!(error = %Error::from(error), "all is read, the goodbye failed");
    }
    Ok(scanned)
}

/// How a table is read.
struct Reading<'t> {
    table: String,
    keys: Vec<&'t Column>,
    readers: Vec<(&'t Column, Read)>,
}

impl<'t> Reading<'t> {
    fn of(types: &Types, name: String, table: &'t Table, unknown: &mut BTreeSet<String>) -> Self {
        let mut readers = Vec::new();
        for column in &table.columns {
            match types.reader(column) {
                Ok(Some(read)) => readers.push((column, read)),
                Ok(None) => {}
                Err(domain) => {
                    unknown.insert(domain.to_owned());
                }
            }
        }
        Self {
            table: name,
            keys: table
                .columns
                .iter()
                .filter(|column| column.is_key)
                .collect(),
            readers,
        }
    }

    /// The keys as texts, then the columns that are read.
    fn statement(&self) -> String {
        let keys = self.keys.iter().map(|key| format!("{}::text", key.quoted));
        let columns = self.readers.iter().map(|(column, _)| column.quoted.clone());
        let place = self.keys.is_empty().then(|| "ctid::text".to_owned());
        let all: Vec<String> = place.into_iter().chain(keys).chain(columns).collect();
        // With its table: by itself it would be the text in the answer.
        let of_table = |key: &&Column| format!("{}.{}", self.table, key.quoted);
        let order: Vec<String> = self.keys.iter().map(of_table).collect();
        let order = match order.is_empty() {
            true => String::new(),
            false => format!(" ORDER BY {}", order.join(", ")),
        };
        format!("SELECT {} FROM {}{order}", all.join(", "), self.table)
    }

    async fn rows(
        &self,
        conn: &mut PgConnection,
        scanned: &mut Scanned,
        report: &mut impl FnMut(Misfit),
    ) -> Result<()> {
        let statement = sqlx::query(AssertSqlSafe(self.statement())).persistent(false);
        let mut rows = statement.fetch(conn);
        while let Some(row) = rows.try_next().await? {
            scanned.rows += 1;
            let misfits = self.misfits(&row)?;
            scanned.misfits += u64::from(!misfits.is_empty());
            misfits.into_iter().for_each(&mut *report);
        }
        Ok(())
    }

    fn misfits(&self, row: &PgRow) -> Result<Vec<Misfit>> {
        let mut misfits = Vec::new();
        let first = self.keys.len().max(1);
        for (index, (column, read)) in self.readers.iter().enumerate() {
            let value = row.try_get_raw(first + index)?;
            if value.is_null() {
                continue;
            }
            if let Err(error) = read(value) {
                let mut misfit = Misfit::of_column(&*column.name, "");
                misfit.because(&error);
                misfit.table = Some(self.table.clone());
                misfit.key = Some(self.key(row)?);
                misfits.push(misfit);
            }
        }
        Ok(misfits)
    }

    fn key(&self, row: &PgRow) -> Result<String> {
        if self.keys.is_empty() {
            return Ok(format!("ctid={}", row.try_get::<String, _>(0)?));
        }
        let part = |(index, column): (usize, &&Column)| {
            let value: String = row.try_get(index)?;
            Ok(format!("{}={value}", column.name))
        };
        let parts: Result<Vec<String>> = self.keys.iter().enumerate().map(part).collect();
        Ok(parts?.join(" "))
    }
}
