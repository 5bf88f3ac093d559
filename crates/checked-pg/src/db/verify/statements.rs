//! The statements: what the server says about each now, and what it said when its entry of the query cache was made.

use super::{Finding, rights};
use crate::{
    Schema,
    error::{DatabaseError, Error, Result},
};
use serde::Deserialize;
use sqlx::{
    AssertSqlSafe, Column, Describe, Either, Encode, Executor, PgConnection, Postgres, SqlSafeStr,
    Type, TypeInfo,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgColumn, PgDatabaseError, PgTypeInfo, PgTypeKind, types::Oid},
};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashSet},
};

/// So much of its hash names a statement.
const SHORT: usize = 12;

/// A statement and what the cache knows about it.
pub(super) struct Statement {
    /// What it is reported by.
    pub(super) label: String,
    cached: Entry,
}

/// An entry of sqlx's query cache.
#[derive(Deserialize)]
struct Entry {
    query: String,
    describe: Describe<Postgres>,
    hash: String,
}

impl Statement {
    pub(super) fn parse(name: &str, json: &str) -> Result<Self> {
        Ok(Self::new(name, entry(name, json)?))
    }

    fn new(name: &str, cached: Entry) -> Self {
        let hash = cached.hash.get(..SHORT).unwrap_or(&cached.hash);
        let label = format!("{hash} ({name})");
        Self { label, cached }
    }

    pub(super) fn sql(&self) -> &str {
        &self.cached.query
    }

    /// How many it has.
    pub(super) fn parameters(&self) -> usize {
        parameters(&self.cached.describe).len()
    }
}

fn entry(name: &str, json: &str) -> Result<Entry> {
    serde_json::from_str(json).map_err(|error| {
        Error::invalid(
            name.to_owned(),
            format!("is no entry of sqlx's query cache: {error}"),
        )
    })
}

/// The statements of a crate, by their places.
pub(super) fn of(schema: &Schema) -> Result<Vec<Statement>> {
    let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (hash, place) in schema
        .places
        .lines()
        .filter_map(|line| line.split_once("  "))
    {
        places.entry(hash).or_default().push(place);
    }
    let mut found = BTreeMap::new();
    for json in schema.cache {
        let entry = entry(".sqlx", json)?;
        let names = places
            .get(entry.hash.as_str())
            .map(|names| names.join(", "));
        let name = names.unwrap_or_else(|| "unknown place".to_owned());
        found.insert(
            (name.clone(), entry.hash.clone()),
            Statement::new(&name, entry),
        );
    }
    Ok(found.into_values().collect())
}

/// A statement of a crate, for the test kit.
#[cfg(feature = "testing")]
pub(crate) struct Listed {
    /// Its hash and place.
    pub(crate) label: String,
    pub(crate) sql: String,
    /// How many parameters it has.
    pub(crate) parameters: usize,
}

#[cfg(feature = "testing")]
pub(crate) fn listed(schema: &Schema) -> Result<Vec<Listed>> {
    let listed = |Statement { label, cached }: Statement| Listed {
        label,
        parameters: parameters(&cached.describe).len(),
        sql: cached.query,
    };
    Ok(of(schema)?.into_iter().map(listed).collect())
}

/// Where the server is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    /// Each question by itself.
    Nothing,
    /// In a transaction that goes on: each question in a savepoint.
    ATransaction,
}

/// Compares each statement with what the server says about it.
pub(super) async fn verify(
    conn: &mut PgConnection,
    statements: &[Statement],
    within: Within,
) -> Result<Vec<Finding>> {
    let mut described = Vec::new();
    for statement in statements {
        let sql = &statement.cached.query;
        let asked = match within {
            Within::Nothing => describe(conn, sql).await,
            Within::ATransaction => describe_in_savepoint(conn, sql).await,
        };
        described.push(match asked {
            Ok(live) => Ok(live),
            Err(error) => Err(refusal(error)?),
        });
    }
    let not_null = not_null(conn, described.iter().flatten()).await?;
    let mut findings = Vec::new();
    for (statement, described) in statements.iter().zip(described) {
        let Statement { label, cached } = statement;
        let (lines, advice) = match described {
            Ok(live) => (differences(cached, &live, &not_null), Cow::Borrowed(UNDO)),
            Err(refusal) => {
                let advice = remedy(conn, statement, refusal.code()).await?;
                (vec![refusal.to_string()], advice)
            }
        };
        let finding = |line| Finding::new(format!("{label}: {line}"), advice.clone());
        findings.extend(lines.into_iter().map(finding));
    }
    Ok(findings)
}

const UNDO: &str = "the schema was changed outside of the migrations: undo that, or run the version of this program \
                    that was built for it";

/// What to do about a statement that the server refuses with this code.
async fn remedy(
    conn: &mut PgConnection,
    statement: &Statement,
    code: &str,
) -> Result<Cow<'static, str>> {
    Ok(match code {
        "42501" => match rights::lacking(conn, statement).await? {
            Some(grant) => format!("grant what is missing: {grant}").into(),
            None => "grant it to the role that this program connects as".into(),
        },
        "55P03" => "another session holds a lock on its table, see pg_locks and pg_stat_activity: wait for it or end it, \
                    then verify again"
            .into(),
        _ => UNDO.into(),
    })
}

/// What the macros ask. It is planned in any case: only then does the server look at rights and at the index of ON CONFLICT.
async fn describe(conn: &mut PgConnection, sql: &str) -> Result<Describe<Postgres>, sqlx::Error> {
    let live = conn.describe(AssertSqlSafe(sql).into_sql_str()).await?;
    if live.columns.is_empty() {
        // sqlx has it planned to see what may be null, so only if there are columns.
        planned(conn, sql, parameters(&live).len()).await?;
    }
    Ok(live)
}

pub(super) async fn describe_in_savepoint(
    conn: &mut PgConnection,
    sql: &str,
) -> Result<Describe<Postgres>, sqlx::Error> {
    conn.execute("SAVEPOINT verify").await?;
    let live = describe(conn, sql).await;
    conn.execute("ROLLBACK TO SAVEPOINT verify; RELEASE SAVEPOINT verify")
        .await?;
    live
}

/// Has it planned; false if it is of a kind that has no plan, such as SET.
pub(super) async fn planned(
    conn: &mut PgConnection,
    sql: &str,
    parameters: usize,
) -> Result<bool, sqlx::Error> {
    let explain = format!("EXPLAIN {sql}");
    let query = sqlx::query(AssertSqlSafe(explain)).persistent(false);
    let query = (0..parameters).fold(query, |query, _| query.bind(Null));
    match query.execute(conn).await {
        // It was understood before, so that is no mistake in it.
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42601") => Ok(false),
        outcome => outcome.map(|_| true),
    }
}

/// NULL of the type that the server wants there.
struct Null;

impl Type<Postgres> for Null {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Null {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(IsNull::Yes)
    }
}

/// The server's words, if it refuses the statement for what it is; any other trouble is ours.
fn refusal(error: sqlx::Error) -> Result<DatabaseError> {
    let said = error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
        .map(DatabaseError::from);
    // Not supported; a value or a constraint in its text; invalid schema name; syntax error or access rule violation; locked.
    const CODES: [&str; 6] = ["0A", "22", "23", "3F", "42", "55P03"];
    match said {
        Some(said) if CODES.iter().any(|code| said.code().starts_with(code)) => Ok(said),
        _ => Err(error.into()),
    }
}

type Attribute = (Oid, i16);

fn attribute(column: &PgColumn) -> Option<Attribute> {
    column.relation_id().zip(column.relation_attribute_no())
}

/// The columns of tables that are NOT NULL.
///
/// What sqlx itself says about a live column also depends on the plan, and so on the data: with other statistics another side of
/// a join is the nullable one.
async fn not_null<'a>(
    conn: &mut PgConnection,
    described: impl Iterator<Item = &'a Describe<Postgres>>,
) -> Result<HashSet<Attribute>> {
    let attributes = described.flat_map(|live| live.columns.iter().filter_map(attribute));
    let tables: BTreeSet<u32> = attributes.map(|(table, _)| table.0).collect();
    let tables: Vec<Oid> = tables.into_iter().map(Oid).collect();
    let rows = sqlx::query!(
        "SELECT attrelid, attnum FROM pg_attribute WHERE attrelid = ANY($1) AND attnotnull",
        &tables
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.attrelid, row.attnum))
        .collect())
}

fn differences(
    cached: &Entry,
    live: &Describe<Postgres>,
    not_null: &HashSet<Attribute>,
) -> Vec<String> {
    let mut found = Vec::new();
    let pairs = parameters(&cached.describe).iter().zip(parameters(live));
    for (number, (was, is)) in (1..).zip(pairs) {
        found.extend(types(&format!("parameter ${number}"), was, is));
    }
    let (was, is) = (&cached.describe.columns, &live.columns);
    found.extend(names(was, is));
    for (at, was) in was.iter().enumerate() {
        // Two columns may have one name, so first where it was.
        let same = |is: &&PgColumn| is.name() == was.name();
        let Some(is) = is.get(at).filter(same).or_else(|| is.iter().find(same)) else {
            continue;
        };
        let column = format!("column {}", bare(was.name()));
        found.extend(types(&column, was.type_info(), is.type_info()));
        let was_nullable = cached.describe.nullable(at).unwrap_or(true);
        let is_nullable = attribute(is).is_none_or(|column| !not_null.contains(&column));
        found.extend(match (was_nullable, is_nullable) {
            _ if overridden(was.name()) => None,
            (false, true) => Some(format!("{column} may be null, was not null")),
            // The column of an outer join may be null all the same.
            (true, false) if !has_outer_join(&cached.query) => {
                Some(format!("{column} is not null, was nullable"))
            }
            _ => None,
        });
    }
    found
}

fn parameters(of: &Describe<Postgres>) -> &[PgTypeInfo] {
    match &of.parameters {
        Some(Either::Left(types)) => types,
        _ => &[],
    }
}

/// Columns that came, went or changed places: they are read by their position.
fn names(was: &[PgColumn], is: &[PgColumn]) -> Vec<String> {
    let names = |columns: &[PgColumn]| -> Vec<String> {
        columns
            .iter()
            .map(|column| bare(column.name()).to_owned())
            .collect()
    };
    let (was, is) = (names(was), names(is));
    let gone = was.iter().filter(|name| !is.contains(name));
    let new = is.iter().filter(|name| !was.contains(name));
    let gone = gone.map(|name| format!("column {name} is missing"));
    let new = new.map(|name| format!("column {name} is new"));
    let mut found: Vec<String> = gone.chain(new).collect();
    if found.is_empty() && was != is {
        found.push(format!(
            "columns are {}, were {}",
            is.join(", "),
            was.join(", ")
        ));
    }
    found
}

/// A column's name without sqlx's marks: `count!` is count.
fn bare(name: &str) -> &str {
    name.split([':', '!', '?']).next().unwrap_or(name)
}

/// `AS "name!"` and `AS "name?"` say themselves whether the column may be null.
fn overridden(name: &str) -> bool {
    name.contains(['!', '?'])
}

fn has_outer_join(sql: &str) -> bool {
    let outer = |word: &str| {
        ["LEFT", "RIGHT", "FULL"]
            .iter()
            .any(|outer| word.eq_ignore_ascii_case(outer))
    };
    sql.split_whitespace().any(outer)
}

fn types(what: &str, was: &PgTypeInfo, is: &PgTypeInfo) -> Option<String> {
    let (full_was, full_is) = (structure(was), structure(is));
    if full_was == full_is {
        return None;
    }
    let (was, is) = match (name(was), name(is)) {
        (was, is) if was == is => (full_was, full_is),
        names => names,
    };
    Some(format!("{what} is {is}, was {was}"))
}

/// A type's name, as PostgreSQL writes it.
fn name(ty: &PgTypeInfo) -> String {
    match kind(ty) {
        PgTypeKind::Array(of) => format!("{}[]", name(of)),
        PgTypeKind::Simple => ty.name().to_lowercase(),
        _ => ty.name().to_owned(),
    }
}

/// A type's name and what it is made of.
fn structure(ty: &PgTypeInfo) -> String {
    let name = name(ty);
    match kind(ty) {
        PgTypeKind::Array(of) => format!("{}[]", structure(of)),
        PgTypeKind::Domain(of) | PgTypeKind::Range(of) => format!("{name} of {}", structure(of)),
        PgTypeKind::Enum(values) => format!("{name} of {}", values.join(", ")),
        PgTypeKind::Composite(fields) => {
            let field = |(field, ty): &(String, PgTypeInfo)| format!("{field} {}", structure(ty));
            let fields: Vec<String> = fields.iter().map(field).collect();
            format!("{name} of {}", fields.join(", "))
        }
        PgTypeKind::Simple | PgTypeKind::Pseudo => name,
    }
}

/// sqlx panics when it is asked for the kind of a type that it could not look up, as one that was dropped a moment ago.
fn kind(ty: &PgTypeInfo) -> &PgTypeKind {
    match ty.name() {
        "?" => &PgTypeKind::Simple,
        _ => ty.kind(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_that_is_gone_is_a_difference() {
        let (gone, int4) = (Null::type_info(), <i32 as Type<Postgres>>::type_info());
        let told = types("column id", &int4, &gone);
        assert_eq!(told.as_deref(), Some("column id is ?, was int4"));
        assert_eq!(types("column id", &int4, &int4), None);
    }

    #[test]
    fn outer_joins_are_seen() {
        assert!(has_outer_join("SELECT a.x FROM a\n left JOIN b USING (x)"));
        assert!(!has_outer_join("SELECT left(x, 2) FROM a JOIN b USING (x)"));
    }
}
