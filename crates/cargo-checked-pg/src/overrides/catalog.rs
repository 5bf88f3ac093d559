//! What the overrides need to know of a schema. `.sqlx/types.lock` keeps it for those who have no database.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

/// The lock with what the catalog says of types and columns.
pub(crate) const TYPES: &str = "types.lock";

/// The types that a schema defines, and the columns that are of one.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Catalog {
    pub types: Vec<DefinedType>,
    pub columns: Vec<Column>,
}

/// A type that is not PostgreSQL's own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, sqlx::FromRow)]
pub struct DefinedType {
    /// As a statement writes it.
    #[serde(rename = "type")]
    pub name: String,
    /// A domain or an enum of the crate itself, which needs a type in Rust.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
}

/// A column of such a type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, sqlx::FromRow)]
pub struct Column {
    /// The table or view, as a statement writes it.
    #[serde(rename = "table")]
    pub relation: String,
    /// As the server reports it.
    pub column: String,
    /// The type, of the elements if it is an array.
    pub of: String,
    #[serde(default, skip_serializing_if = "is_false")]
    pub array: bool,
    /// A statement may write NULL to it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub takes_null: bool,
    /// It belongs to the primary key.
    #[serde(default, skip_serializing_if = "is_false")]
    pub key: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_false(value: &bool) -> bool {
    !value
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Type(DefinedType),
    Column(Column),
}

/// Types of tables are none that a value has; those of an extension are nobody's to map unless somebody wants to.
const TYPES_SQL: &str = "
    SELECT pg_type.oid::regtype::text AS name,
           typtype IN ('d', 'e') AND NOT EXISTS (
               SELECT
               FROM pg_depend
               WHERE classid = 'pg_type'::regclass AND objid = pg_type.oid AND deptype = 'e'
           ) AS required
    FROM pg_type
    JOIN pg_namespace ON pg_namespace.oid = typnamespace
    LEFT JOIN pg_class ON pg_class.oid = typrelid
    WHERE nspname NOT IN ('pg_catalog', 'information_schema') AND nspname NOT LIKE 'pg\\_%'
      AND typcategory <> 'A' AND typtype <> 'p'
      AND COALESCE(relkind, 'c') = 'c'";

const COLUMNS_SQL: &str = r#"
    SELECT pg_class.oid::regclass::text AS relation,
           attname::text AS "column",
           value.oid::regtype::text AS "of",
           value.oid <> atttypid AS "array",
           relkind IN ('r', 'p', 'f') AND attgenerated = '' AND NOT attnotnull AS takes_null,
           EXISTS (
               SELECT FROM pg_constraint WHERE contype = 'p' AND conrelid = attrelid AND attnum = ANY(conkey)
           ) AS "key"
    FROM pg_attribute
    JOIN pg_class ON pg_class.oid = attrelid
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    JOIN pg_type AS whole ON whole.oid = atttypid
    JOIN pg_type AS value ON value.oid = CASE whole.typcategory WHEN 'A' THEN whole.typelem ELSE whole.oid END
    JOIN pg_namespace AS home ON home.oid = value.typnamespace
    WHERE relkind IN ('r', 'p', 'f', 'v', 'm')
      AND attnum > 0 AND NOT attisdropped
      AND pg_namespace.nspname NOT IN ('pg_catalog', 'information_schema')
      AND pg_namespace.nspname NOT LIKE 'pg\_%'
      AND home.nspname NOT IN ('pg_catalog', 'information_schema')"#;

impl Catalog {
    /// What a database says. `below` is what it said before the crate's own migrations.
    pub async fn read(db: &mut PgConnection, below: Option<&Self>) -> Result<Self> {
        let mut types: Vec<DefinedType> = sqlx::query_as(TYPES_SQL).fetch_all(&mut *db).await?;
        let mut columns: Vec<Column> = sqlx::query_as(COLUMNS_SQL).fetch_all(db).await?;
        if let Some(below) = below {
            for one in &mut types {
                one.required &= !below.has_type(&one.name);
            }
        }
        types.sort();
        columns.sort();
        Ok(Self { types, columns })
    }

    /// From the lock in a query cache; nothing if there is none yet.
    pub fn recorded(cache: &Path) -> Result<Self> {
        let path = cache.join(TYPES);
        let mut catalog = Self::default();
        if path.exists() {
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            for line in text.lines() {
                let line = serde_json::from_str(line).with_context(|| {
                    format!("{}: run `cargo checked-pg prepare`", path.display())
                })?;
                match line {
                    Line::Type(one) => catalog.types.push(one),
                    Line::Column(column) => catalog.columns.push(column),
                }
            }
        }
        Ok(catalog)
    }

    /// The lock: one line per type and column.
    pub fn lock(&self) -> Result<String> {
        let mut lock = String::new();
        for one in &self.types {
            lock += &(serde_json::to_string(one)? + "\n");
        }
        for column in &self.columns {
            lock += &(serde_json::to_string(column)? + "\n");
        }
        Ok(lock)
    }

    pub fn has_type(&self, name: &str) -> bool {
        self.types.iter().any(|one| one.name == name)
    }
}
