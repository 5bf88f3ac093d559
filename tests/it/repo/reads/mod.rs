//! Every function that reads, against a model: rows made at random, and filtered and sorted here.
//!
//! The values of a row all differ, ties are common, and indexes are off, so that rows come in the order of the heap unless the
//! statement sorts them.

mod council;
mod desk;
mod execution;
mod results;

use std::{cmp::Ordering, str::FromStr};

use llm_trading_db::db::{Db, Tx};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::fixtures::execute;

type Row = Map<String, Value>;

/// The same numbers in each run.
pub struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 8) % n
    }

    pub fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    pub fn id(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        let uuid =
            uuid::Builder::from_random_bytes((u128::from(a) << 64 | u128::from(b)).to_be_bytes());
        uuid.into_uuid().to_string()
    }

    /// One of six instants of a year: what is said in one year is never said in another.
    pub fn instant(&mut self, year: u32) -> String {
        format!("{year}-02-0{}T12:00:00Z", self.below(6) + 1)
    }

    pub fn week(&mut self) -> String {
        self.one_of(&["2026-01-07", "2026-01-14", "2026-01-21"])
            .to_owned()
    }

    pub fn account(&mut self) -> String {
        self.one_of(&["GROQ", "CHATGPT", "GEMINI"]).to_owned()
    }

    /// A number with two decimals of its own range, or none.
    pub fn number(&mut self, from: i64) -> Value {
        let cents = i64::try_from(self.below(5)).unwrap();
        Value::from(from as f64 + cents as f64 / 4.0)
    }

    pub fn maybe(&mut self, value: impl Into<Value>) -> Value {
        match self.below(4) {
            0 => Value::Null,
            _ => value.into(),
        }
    }
}

/// The rows of a table, in the order they were written.
pub struct Table {
    name: &'static str,
    pub rows: Vec<Row>,
}

impl Table {
    /// Writes rows of which no two have the same `key`.
    pub async fn fill(
        db: &Db,
        name: &'static str,
        key: &[&str],
        make: impl FnMut(&mut Random) -> Value,
    ) -> Self {
        Self::fill_with(db, name, key, 40, make).await
    }

    /// The same, of another number.
    pub async fn fill_with(
        db: &Db,
        name: &'static str,
        key: &[&str],
        count: usize,
        mut make: impl FnMut(&mut Random) -> Value,
    ) -> Self {
        // Others than those that are there.
        let there = crate::fixtures::count(db, name).await;
        let mut random = Random(0x2545_f491_4f6c_dd1d ^ u64::try_from(there).unwrap());
        let mut rows: Vec<Row> = Vec::new();
        for _ in 0..count * 4 {
            let Value::Object(row) = make(&mut random) else {
                panic!("a row is an object")
            };
            let same = |other: &Row| key.iter().all(|key| other[*key] == row[*key]);
            if rows.len() < count && !rows.iter().any(same) {
                rows.push(row);
            }
        }
        let columns: Vec<&str> = rows[0].keys().map(String::as_str).collect();
        let columns = columns.join(", ");
        let json = Value::from(rows.iter().cloned().map(Value::from).collect::<Vec<_>>());
        let json = json.to_string().replace('\'', "''");
        let sql = format!(
            "INSERT INTO {name} ({columns}) SELECT {columns} FROM jsonb_populate_recordset(NULL::{name}, '{json}')"
        );
        execute(db, &sql).await.unwrap();
        Self { name, rows }
    }

    /// The rows that pass, in an order such as `["name", "age desc nulls last"]`.
    pub fn rows(&self, passes: impl Fn(&Row) -> bool, order: &[&str]) -> Vec<Row> {
        let mut rows: Vec<Row> = self
            .rows
            .iter()
            .filter(|row| passes(row))
            .cloned()
            .collect();
        rows.sort_by(|a, b| {
            let terms = order.iter().map(|term| compared(a, b, term));
            terms.fold(Ordering::Equal, Ordering::then)
        });
        rows
    }

    /// Checks that a function reads these rows, each column as it was written; what is computed is nobody's column.
    pub fn assert_read<T: Serialize>(&self, found: &[T], expected: &[Row]) {
        let found: Vec<Row> = found.iter().map(object).collect();
        let (columns, fields) = (&self.rows[0], found.first().unwrap_or(&self.rows[0]));
        let expected: Vec<Row> = expected.iter().map(|row| shown(row, fields)).collect();
        let found: Vec<Row> = found.iter().map(|row| shown(row, columns)).collect();
        assert_eq!(found, expected, "{}", self.name);
    }
}

fn object<T: Serialize>(value: &T) -> Row {
    match serde_json::to_value(value).unwrap() {
        Value::Object(row) => row,
        other => panic!("no row: {other}"),
    }
}

/// The fields that both have, in a form in which `1.50` is `1.5`.
fn shown(row: &Row, like: &Row) -> Row {
    let fields = row.iter().filter(|(key, _)| like.contains_key(*key));
    fields
        .map(|(key, value)| {
            let value = value.as_f64().map_or_else(|| value.clone(), Value::from);
            (key.clone(), value)
        })
        .collect()
}

fn compared(a: &Row, b: &Row, term: &str) -> Ordering {
    let mut words = term.split(' ');
    let column = words.next().unwrap();
    let (descending, nulls_last) = (words.next() == Some("desc"), term.ends_with("nulls last"));
    let (a, b) = (&a[column], &b[column]);
    if a.is_null() || b.is_null() {
        // NULL is larger than anything.
        let order = a.is_null().cmp(&b.is_null());
        return if descending && !nulls_last {
            order.reverse()
        } else {
            order
        };
    }
    let order = match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => a.as_str().unwrap().cmp(b.as_str().unwrap()),
    };
    if descending { order.reverse() } else { order }
}

/// A value of a row, as a type of the desk.
pub fn as_type<T: FromStr<Err: std::fmt::Debug>>(value: &Value) -> T {
    value.as_str().unwrap().parse().unwrap()
}

pub fn as_option<T: FromStr<Err: std::fmt::Debug>>(value: &Value) -> Option<T> {
    value.as_str().map(|text| text.parse().unwrap())
}

/// Runs reads that get rows as the heap has them.
pub async fn without_indexes(db: &Db, reads: impl AsyncFn(&mut Tx)) {
    db.transaction(async |tx| {
        for method in ["indexscan", "indexonlyscan"] {
            execute(&mut *tx, &format!("SET LOCAL enable_{method} = off")).await?;
        }
        reads(tx).await;
        Ok::<_, llm_trading_db::Error>(())
    })
    .await
    .unwrap();
}

/// Each value of a column once.
pub fn values(rows: &[Row], column: &str) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::new();
    for row in rows {
        if !values.contains(&row[column]) {
            values.push(row[column].clone());
        }
    }
    values
}
