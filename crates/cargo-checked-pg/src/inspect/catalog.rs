//! What the catalog says of the names in a parse tree.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result};
use sqlx::{PgConnection, Row, postgres::PgRow};

use super::node::Node;

#[derive(Debug, Default)]
pub struct Catalog {
    types: HashMap<u32, Type>,
    functions: HashMap<u32, Function>,
    operators: HashMap<u32, Operator>,
    columns: HashMap<(u32, i64), Column>,
    views: HashMap<u32, View>,
    /// Types of columns of primary and foreign keys.
    keys: HashSet<u32>,
    /// Columns of constraints.
    constraints: HashMap<u32, Vec<i64>>,
    /// Tables whose rows a trigger may change before they are inserted, and before they are updated.
    inserts_changed: HashSet<u32>,
    updates_changed: HashSet<u32>,
}

#[derive(Debug)]
struct Type {
    name: String,
    /// Of a domain.
    base: Option<u32>,
    /// Of an array.
    element: Option<u32>,
    numeric: bool,
    integer: bool,
}

#[derive(Debug)]
pub struct Function {
    pub name: String,
    /// One of PostgreSQL's own.
    pub builtin: bool,
    pub strict: bool,
    pub volatile: bool,
    pub result: u32,
    pub arguments: Vec<u32>,
}

#[derive(Debug)]
pub struct Operator {
    pub name: String,
    pub function: u32,
    /// Orders or equates: it belongs to an index's way to compare, or is the opposite of one that does.
    pub compares: bool,
}

#[derive(Debug)]
pub struct Column {
    pub name: String,
    pub type_: u32,
    /// Neither the table nor one below it holds a NULL here.
    pub not_null: bool,
    /// A row that does not say it gets a value: a default, an identity, a generated column.
    pub has_default: bool,
    /// Of the primary key.
    pub is_key: bool,
}

#[derive(Debug)]
pub struct View {
    pub name: String,
    /// Its rows are kept, and may be older than a constraint.
    pub materialized: bool,
    pub query: Node,
}

impl Catalog {
    /// Reads the catalog of a migrated database.
    pub async fn read(db: &mut PgConnection) -> Result<Self> {
        let mut catalog = Self::default();
        for row in rows(db, TYPES).await? {
            let type_ = Type {
                name: row.try_get(1)?,
                base: oid(&row, 2)?,
                element: oid(&row, 3)?,
                numeric: row.try_get(4)?,
                integer: row.try_get(5)?,
            };
            catalog.types.insert(id(&row)?, type_);
        }
        for row in rows(db, FUNCTIONS).await? {
            let arguments: String = row.try_get(6)?;
            let arguments = arguments.split_whitespace().map(str::parse);
            let function = Function {
                name: row.try_get(1)?,
                builtin: row.try_get(2)?,
                strict: row.try_get(3)?,
                volatile: row.try_get(4)?,
                result: oid(&row, 5)?.unwrap_or_default(),
                arguments: arguments.collect::<Result<_, _>>()?,
            };
            catalog.functions.insert(id(&row)?, function);
        }
        for row in rows(db, OPERATORS).await? {
            let operator = Operator {
                name: row.try_get(1)?,
                function: oid(&row, 2)?.unwrap_or_default(),
                compares: row.try_get(3)?,
            };
            catalog.operators.insert(id(&row)?, operator);
        }
        for row in rows(db, COLUMNS).await? {
            let column = Column {
                name: row.try_get(2)?,
                type_: oid(&row, 3)?.unwrap_or_default(),
                not_null: row.try_get(4)?,
                has_default: row.try_get(5)?,
                is_key: row.try_get(6)?,
            };
            catalog.columns.insert((id(&row)?, row.try_get(1)?), column);
        }
        for row in rows(db, VIEWS).await? {
            let rule: String = row.try_get(3)?;
            let rule = Node::parse(&rule)?;
            let view = View {
                name: row.try_get(1)?,
                materialized: row.try_get(2)?,
                query: rule.items().first().cloned().context("an empty view")?,
            };
            catalog.views.insert(id(&row)?, view);
        }
        for row in rows(db, KEYS).await? {
            catalog.keys.insert(id(&row)?);
        }
        for row in rows(db, CONSTRAINTS).await? {
            catalog.constraints.insert(id(&row)?, row.try_get(1)?);
        }
        for row in rows(db, TRIGGERS).await? {
            let table = id(&row)?;
            if row.try_get(1)? {
                catalog.inserts_changed.insert(table);
            }
            if row.try_get(2)? {
                catalog.updates_changed.insert(table);
            }
        }
        Ok(catalog)
    }

    pub fn function(&self, oid: u32) -> Option<&Function> {
        self.functions.get(&oid)
    }

    pub fn operator(&self, oid: u32) -> Option<&Operator> {
        self.operators.get(&oid)
    }

    pub fn column(&self, table: u32, number: i64) -> Option<&Column> {
        self.columns.get(&(table, number))
    }

    /// The columns of a table by number.
    pub fn columns(&self, table: u32) -> Vec<(i64, &Column)> {
        let columns = self
            .columns
            .iter()
            .filter(|((of, n), _)| *of == table && *n > 0);
        let mut columns: Vec<_> = columns.map(|((_, n), column)| (*n, column)).collect();
        columns.sort_by_key(|(number, _)| *number);
        columns
    }

    pub fn constraint(&self, oid: u32) -> &[i64] {
        self.constraints.get(&oid).map_or(&[], Vec::as_slice)
    }

    /// Whether a trigger may give an inserted row its missing values.
    pub fn insert_is_changed(&self, table: u32) -> bool {
        self.inserts_changed.contains(&table)
    }

    /// Whether a trigger may set what an UPDATE does not.
    pub fn update_is_changed(&self, table: u32) -> bool {
        self.updates_changed.contains(&table)
    }

    pub fn view(&self, oid: u32) -> Option<&View> {
        self.views.get(&oid)
    }

    /// All views of the crates, by name.
    pub fn views(&self) -> Vec<&View> {
        let mut views: Vec<_> = self.views.values().collect();
        views.sort_by(|a, b| a.name.cmp(&b.name));
        views
    }

    pub fn type_name(&self, oid: u32) -> &str {
        self.types.get(&oid).map_or("unknown", |t| &t.name)
    }

    pub fn is_domain(&self, oid: u32) -> bool {
        self.base(oid).is_some()
    }

    /// What a domain is made of; a domain, too, where it is made of one.
    pub fn base(&self, oid: u32) -> Option<u32> {
        self.types.get(&oid)?.base
    }

    /// The type under all domains.
    pub fn lowest(&self, oid: u32) -> u32 {
        let mut oid = oid;
        while let Some(base) = self.base(oid) {
            oid = base;
        }
        oid
    }

    pub fn element(&self, oid: u32) -> Option<u32> {
        self.types.get(&oid)?.element
    }

    /// Whether values of a domain are measured and not names of something: an amount may be compared with any number. An
    /// integer is a name if a primary or foreign key is of it.
    pub fn is_measure(&self, domain: u32) -> bool {
        let lowest = self.types.get(&self.lowest(domain));
        lowest.is_some_and(|t| t.numeric)
            && !lowest.is_some_and(|t| t.integer && self.in_key(domain))
    }

    fn in_key(&self, domain: u32) -> bool {
        self.keys.contains(&domain)
    }
}

async fn rows(db: &mut PgConnection, sql: &'static str) -> Result<Vec<PgRow>> {
    let rows = sqlx::query(sql).fetch_all(db).await;
    rows.context("the catalog cannot be read")
}

fn id(row: &PgRow) -> Result<u32> {
    narrow(row.try_get(0)?)
}

/// None for zero, which the catalog writes for nothing.
fn oid(row: &PgRow, column: usize) -> Result<Option<u32>> {
    let oid = narrow(row.try_get(column)?)?;
    Ok(Some(oid).filter(|oid| *oid != 0))
}

fn narrow(oid: i64) -> Result<u32> {
    u32::try_from(oid).context("an oid out of range")
}

const TYPES: &str = "
    SELECT oid::int8, format_type(oid, NULL), typbasetype::int8,
           CASE WHEN typsubscript = 'array_subscript_handler'::regproc THEN typelem ELSE 0 END::int8,
           typcategory IN ('N', 'T', 'D', 'B') AND oid <> 'date'::regtype AND typtype = 'b',
           oid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
    FROM pg_type";

const FUNCTIONS: &str = "
    SELECT oid::int8, proname::text, pronamespace = 'pg_catalog'::regnamespace, proisstrict, provolatile = 'v',
           prorettype::int8, proargtypes::text
    FROM pg_proc";

const OPERATORS: &str = "
    SELECT o.oid::int8, o.oprname::text, o.oprcode::oid::int8,
           EXISTS (
               SELECT FROM pg_amop AS m
               JOIN pg_am AS method ON method.oid = m.amopmethod
               WHERE m.amopopr IN (o.oid, o.oprnegate)
                 AND method.amname IN ('btree', 'hash')
           )
    FROM pg_operator AS o";

/// A constraint that is not validated, a child of before PostgreSQL 18 or a foreign table may hold NULLs all the same.
const COLUMNS: &str = "
    WITH RECURSIVE family (top, relation) AS (
        SELECT oid, oid FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f')
        UNION ALL
        SELECT family.top, i.inhrelid FROM family JOIN pg_inherits AS i ON i.inhparent = family.relation
    )
    SELECT a.attrelid::int8, a.attnum::int8, a.attname::text, a.atttypid::int8,
           bool_and(
               member.attnotnull
               AND c.relkind IN ('r', 'p')
               AND NOT EXISTS (
                   SELECT FROM pg_constraint AS n
                   WHERE n.conrelid = member.attrelid AND n.contype = 'n' AND NOT n.convalidated
                     AND n.conkey = ARRAY[member.attnum]
               )
           ),
           bool_or(
               a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> ''
               OR EXISTS (SELECT FROM pg_type AS t WHERE t.oid = a.atttypid AND t.typdefault IS NOT NULL)
           ),
           EXISTS (
               SELECT FROM pg_constraint AS k
               WHERE k.conrelid = a.attrelid AND k.contype = 'p' AND a.attnum = ANY (k.conkey)
           )
    FROM pg_attribute AS a
    JOIN family ON family.top = a.attrelid
    JOIN pg_class AS c ON c.oid = family.relation
    JOIN pg_attribute AS member ON member.attrelid = family.relation AND member.attname = a.attname
    WHERE NOT a.attisdropped
    GROUP BY a.attrelid, a.attnum, a.attname, a.atttypid";

const VIEWS: &str = "
    SELECT c.oid::int8, c.oid::regclass::text, c.relkind = 'm', r.ev_action::text
    FROM pg_rewrite AS r
    JOIN pg_class AS c ON c.oid = r.ev_class
    WHERE c.relkind IN ('v', 'm')
      AND r.rulename = '_RETURN'
      AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)";

const KEYS: &str = "
    SELECT DISTINCT a.atttypid::int8
    FROM pg_constraint AS c
    JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
    WHERE c.contype IN ('p', 'f')";

const CONSTRAINTS: &str = "
    SELECT oid::int8, conkey::int8[] FROM pg_constraint WHERE contype IN ('p', 'u', 'x')";

/// Triggers before each row; the bits are those of `pg_trigger.h`.
const TRIGGERS: &str = "
    SELECT tgrelid::int8, bool_or(tgtype & 4 <> 0), bool_or(tgtype & 16 <> 0)
    FROM pg_trigger
    WHERE tgtype & 3 = 3 AND NOT tgisinternal
    GROUP BY tgrelid";
