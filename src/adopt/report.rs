//! What became of an old database, as data.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

/// What a run did, or would have done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// One line per old table.
    #[serde(deserialize_with = "or_none")]
    pub tables: Vec<Table>,
    /// Which week each label means.
    #[serde(deserialize_with = "or_none")]
    pub weeks: Vec<Week>,
    /// Rows that were not adopted, by table, reason and field.
    #[serde(deserialize_with = "or_none")]
    pub refused: Vec<Refused>,
    /// Values that are others now, by table, reason and field.
    #[serde(deserialize_with = "or_none")]
    pub changed: Vec<Changed>,
    /// What else was noticed.
    #[serde(deserialize_with = "or_none")]
    pub notes: Vec<Note>,
    /// Objects of others that hang on what was moved, and tables of neither program.
    #[serde(deserialize_with = "or_none")]
    pub others: Vec<Other>,
    /// Rights of other roles on the old tables, which they do not have on the new ones.
    #[serde(deserialize_with = "or_none")]
    pub rights: Vec<Right>,
    /// Sums of money, before and after.
    #[serde(deserialize_with = "or_none")]
    pub money: Vec<Money>,
    /// What was proven before anything was kept.
    #[serde(deserialize_with = "or_none")]
    pub proofs: Vec<Proof>,
    /// Others who were connected meanwhile.
    #[serde(default)]
    pub sessions: Vec<String>,
    /// What was computed anew from the bars, beside the old values.
    #[serde(default, deserialize_with = "or_none")]
    pub derived: Vec<Derived>,
    /// What `performance` would make of the results and statistics of the accounts, which are as they were.
    #[serde(default)]
    pub performance: Vec<Restated>,
    /// Migrations that were run.
    #[serde(default)]
    pub migrations: usize,
}

/// An empty list is NULL for the database.
fn or_none<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Report {
    /// Rows that were not adopted.
    #[must_use]
    pub fn rows_refused(&self) -> u64 {
        self.tables.iter().map(|table| table.refused).sum()
    }
}

/// An old table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Rows it has.
    pub legacy: u64,
    /// Rows that are in our table now.
    pub adopted: u64,
    /// Rows that are not.
    pub refused: u64,
    /// Adopted rows of which a value is another one.
    pub changed: u64,
    /// Its values are computed anew from the bars, not copied.
    pub recomputed: bool,
}

/// A label of the old tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Week {
    /// As it was.
    pub label: String,
    /// The Wednesday it means; none if it names no week.
    pub week: Option<String>,
    /// How that was told.
    pub rule: String,
    /// Rows that have it.
    pub rows: u64,
    /// Adopted rows of it that are dated more than six days before or after that Wednesday.
    #[serde(default)]
    pub elsewhere: u64,
}

/// Rows that were refused for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The old table.
    pub table: String,
    /// The reason, for programs.
    pub code: String,
    /// The field it is about.
    pub field: Option<String>,
    /// The reason of the first of them, for people.
    pub reason: String,
    /// How many there are.
    pub rows: u64,
    /// Old keys of the first three, or of all if all were asked for.
    pub keys: Vec<String>,
}

/// Rows that were changed in the same way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The old table.
    pub table: String,
    /// The rule, for programs.
    pub code: String,
    /// The field it is about.
    pub field: Option<String>,
    /// How many there are.
    pub rows: u64,
    /// Old keys of the first three, or of all if all were asked for.
    pub keys: Vec<String>,
}

/// Something to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The old table.
    pub table: String,
    /// What it is.
    pub code: String,
    /// The field it is about.
    pub field: Option<String>,
    /// Rows that it concerns.
    pub rows: u64,
}

/// An object of somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Other {
    /// What it is, such as `view`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// How it is concerned.
    pub what: String,
}

/// Rights of a role on an old table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Right {
    /// The role.
    pub role: String,
    /// The table.
    pub table: String,
    /// Such as `SELECT`.
    pub privileges: Vec<String>,
}

/// A sum, digit for digit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// What was added up.
    pub what: String,
    /// In the old table.
    pub legacy: String,
    /// In ours, with what is listed as changed.
    pub adopted: String,
    /// Of the rows that were refused.
    pub refused: String,
}

/// Values that were computed anew, beside the old ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Derived {
    /// The table.
    pub name: String,
    /// Rows of the old one.
    pub legacy: u64,
    /// Values that are the same but for rounding: to 8 decimals, correlations to 6.
    pub equal: u64,
    /// Values that are others.
    pub different: u64,
    /// Old rows that the bars no longer support.
    pub legacy_only: u64,
    /// Rows that the old table lacked.
    pub new_only: u64,
}

/// A row that the next run of the job of the accounts would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restated {
    /// The table.
    pub table: String,
    /// Whose, and over which weeks.
    pub key: String,
    /// The values that it would change, as they are; none if it would add the row.
    pub was: Option<BTreeMap<String, Option<String>>>,
    /// What they would be.
    pub would_be: BTreeMap<String, Option<String>>,
}

/// Something that had to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// From 1 to 9.
    pub number: u32,
    /// What it is.
    pub name: String,
    /// Whether it did.
    pub holds: bool,
    /// How much was looked at, or where it does not hold.
    pub detail: String,
}
