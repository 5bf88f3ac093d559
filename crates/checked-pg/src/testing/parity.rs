//! Whether a domain and its type have one rule.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    str::FromStr,
};

use futures_util::{FutureExt, future::BoxFuture};
use sqlx::{
    AssertSqlSafe, Connection, Decode, Encode, Executor, PgConnection, Postgres, Row, Type,
    error::BoxDynError, postgres::PgHasArrayType,
};

use super::{must, values::values};
use crate::{Schema, key::Key};

/// How many differences of a key a failure shows.
const SHOWN: usize = 5;

/// Asserts that each domain accepts what its type accepts, and nothing else.
///
/// Thousands of values go both ways: what the domain stores the type must read, and what the type takes the domain must store, as the
/// same value. They are made of the literals and numbers in the domains' checks, of values that are often forgotten (blanks of
/// all kinds, edges of numbers, dates of other calendars), and of those that you add.
///
/// ```no_run
/// # static SCHEMA: checked_pg::Schema = checked_pg::Schema::empty();
/// # checked_pg::key::uuid_key!(
/// #     /// An id.
/// #     NoteId as "note_id"
/// # );
/// # async fn f() {
/// checked_pg::testing::Parity::new(&[&SCHEMA])
///     .key::<NoteId>()
///     .except("note_rank", "an i64 that is only kept positive")
///     .check()
///     .await;
/// # }
/// ```
///
/// Every domain of the database that is not over `jsonb` must be there, as a [`key`](Self::key) or as an
/// [exception](Self::except); those of the crates below are theirs to test.
#[derive(Debug)]
pub struct Parity<'a> {
    schemas: Vec<&'a Schema>,
    keys: BTreeMap<&'static str, Compare>,
    exceptions: BTreeMap<&'a str, &'a str>,
    words: Vec<String>,
}

/// Compares a domain and its type on these values.
type Compare = for<'c> fn(
    &'c mut PgConnection,
    &'c [String],
) -> BoxFuture<'c, Result<Vec<String>, BoxDynError>>;

impl<'a> Parity<'a> {
    /// The domains of the last of these schemas, in a database to which all were applied.
    #[must_use]
    pub fn new(schemas: &[&'a Schema]) -> Self {
        Self {
            schemas: schemas.to_vec(),
            keys: BTreeMap::new(),
            exceptions: BTreeMap::new(),
            words: Vec::new(),
        }
    }

    /// A type made by one of the macros of [`key`](crate::key), or one with [`Key`] and the traits of sqlx.
    #[must_use]
    pub fn key<T>(mut self) -> Self
    where
        T: Key + FromStr + PartialEq + Debug + Send + Sync + Unpin + 'static,
        T: Type<Postgres> + PgHasArrayType,
        T: for<'r> Decode<'r, Postgres> + for<'q> Encode<'q, Postgres>,
    {
        let samples = T::SAMPLES.iter().map(|sample| (*sample).to_owned());
        self.words.extend(samples);
        self.keys.insert(T::DOMAIN, |connection, values| {
            compare::<T>(connection, values).boxed()
        });
        self
    }

    /// A domain that has no type of its own rule, for this reason.
    #[must_use]
    pub fn except(mut self, domain: &'a str, reason: &'a str) -> Self {
        self.exceptions.insert(domain, reason);
        self
    }

    /// Adds values to be tried, and many like them.
    #[must_use]
    pub fn values<V: Into<String>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        self.words.extend(values.into_iter().map(Into::into));
        self
    }

    /// Compares each key with its domain.
    ///
    /// # Panics
    /// If they differ, with values that show it; or if a domain is neither a key nor an exception.
    #[track_caller]
    pub fn check(self) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            let findings = must(self.findings().await);
            assert!(findings.is_empty(), "{place}:\n{}", findings.join("\n"));
        }
    }

    async fn findings(&self) -> Result<Vec<String>, BoxDynError> {
        let Some((_, below)) = self.schemas.split_last() else {
            return Err("no schema is given".into());
        };
        let below: BTreeSet<String> = domains(below).await?.1.into_keys().collect();
        let (mut connection, domains) = domains(&self.schemas).await?;
        let own = domains.keys().filter(|domain| !below.contains(*domain));
        let own: BTreeSet<&str> = own.map(String::as_str).collect();
        let given: BTreeSet<&str> = self
            .keys
            .keys()
            .chain(self.exceptions.keys())
            .copied()
            .collect();
        let mut findings = Vec::new();
        for domain in own.difference(&given) {
            findings.push(format!(
                "{domain}: add key::<…>() with its type, or except() it with the reason"
            ));
        }
        for domain in given
            .iter()
            .filter(|domain| !domains.contains_key(**domain))
        {
            findings.push(format!("{domain}: the database has no such domain"));
        }
        let checks: Vec<String> = domains.values().cloned().collect();
        let values = values(&self.words, &checks);
        for (domain, compare) in &self.keys {
            if domains.contains_key(*domain) {
                let mut differences = compare(&mut connection, &values).await?;
                // The shortest says best what it is about.
                differences.sort_by_key(String::len);
                let differences = differences.into_iter().take(SHOWN);
                findings.extend(differences.map(|difference| format!("{domain}: {difference}")));
            }
        }
        connection.close().await?;
        Ok(findings)
    }
}

/// A database with these schemas, and its domains with their checks.
async fn domains(
    schemas: &[&Schema],
) -> Result<(PgConnection, BTreeMap<String, String>), BoxDynError> {
    let options = super::options(schemas).await;
    let mut connection = PgConnection::connect_with(&options).await?;
    let sql = "
        SELECT pg_type.oid::regtype::text, COALESCE(string_agg(pg_get_constraintdef(pg_constraint.oid), ' '), '')
        FROM pg_type
        LEFT JOIN pg_constraint ON contypid = pg_type.oid
        WHERE typtype = 'd' AND typbasetype <> 'jsonb'::regtype AND typnamespace = current_schema()::regnamespace
        GROUP BY pg_type.oid";
    let rows: Vec<(String, String)> = sqlx::query_as(sql).fetch_all(&mut connection).await?;
    Ok((connection, rows.into_iter().collect()))
}

/// What is wrong with the type of a domain, a line each.
async fn compare<T>(
    connection: &mut PgConnection,
    values: &[String],
) -> Result<Vec<String>, BoxDynError>
where
    T: Key + FromStr + PartialEq + Debug + Send + Sync + Unpin,
    T: Type<Postgres> + PgHasArrayType,
    T: for<'r> Decode<'r, Postgres> + for<'q> Encode<'q, Postgres>,
{
    let base = functions(connection, T::DOMAIN).await?;
    let values = with_base_spellings(connection, values).await?;
    let mut findings = what_the_domain_stores::<T>(connection, &values).await?;
    findings.extend(what_the_type_takes::<T>(connection, &base, &values).await?);
    Ok(findings)
}

/// Makes the casts that give NULL where the server refuses a value. Returns the base type.
async fn functions(connection: &mut PgConnection, domain: &str) -> Result<String, BoxDynError> {
    let sql = "
        SELECT format_type(typbasetype, NULL), format_type(typbasetype, typtypmod)
        FROM pg_type
        WHERE oid = $1::regtype";
    let (base, exact): (String, String) = sqlx::query_as(sql)
        .bind(domain)
        .fetch_one(&mut *connection)
        .await?;
    let cast = |name: &str, from: &str, to: &str| {
        format!(
            "CREATE OR REPLACE FUNCTION pg_temp.{name}(given {from}) RETURNS {to} LANGUAGE plpgsql AS $$
             BEGIN
                 RETURN given::{to};
             EXCEPTION WHEN OTHERS THEN
                 RETURN NULL;
             END $$;"
        )
    };
    // A cast to the base type's own digits rounds, as the domain does; its text is how the server spells the value.
    let functions = [
        "DROP FUNCTION IF EXISTS pg_temp.stored, pg_temp.spelled, pg_temp.taken;".to_owned(),
        cast("stored", "text", domain),
        cast("spelled", "text", &exact),
        cast("taken", &base, domain),
    ];
    connection
        .execute(AssertSqlSafe(functions.concat()))
        .await?;
    Ok(base)
}

/// The values, and how the server spells them: `1e3` is 1000.
async fn with_base_spellings(
    connection: &mut PgConnection,
    values: &[String],
) -> Result<Vec<String>, BoxDynError> {
    let sql = "SELECT DISTINCT pg_temp.spelled(given)::text FROM UNNEST($1::text[]) AS given";
    let spelled: Vec<Option<String>> = sqlx::query_scalar(sql)
        .persistent(false)
        .bind(values)
        .fetch_all(connection)
        .await?;
    let mut all: BTreeSet<String> = values.iter().cloned().collect();
    all.extend(spelled.into_iter().flatten());
    Ok(all.into_iter().collect())
}

async fn what_the_domain_stores<T>(
    connection: &mut PgConnection,
    values: &[String],
) -> Result<Vec<String>, BoxDynError>
where
    T: FromStr + PartialEq + Debug + Type<Postgres> + for<'r> Decode<'r, Postgres>,
{
    let sql = "
        SELECT given, stored, stored::text
        FROM UNNEST($1::text[]) AS given, pg_temp.stored(given) AS stored
        WHERE stored IS NOT NULL";
    let rows = sqlx::query(sql)
        .persistent(false)
        .bind(values)
        .fetch_all(connection)
        .await?;
    let mut findings = Vec::new();
    if rows.is_empty() {
        findings.push("the domain stores none of the values: add some with values()".to_owned());
    }
    for row in rows {
        let (given, text): (String, String) = (row.try_get(0)?, row.try_get(2)?);
        findings.extend(match row.try_get::<T, _>(1) {
            Err(error) => Some(format!("{given:?} is stored and cannot be read: {error}")),
            // Other spellings are the server's to understand.
            Ok(read) if given == text => match given.parse::<T>() {
                Err(_) => Some(format!("{given:?} is stored, and the type refuses it")),
                Ok(typed) if typed != read => Some(format!(
                    "{given:?} is typed as {typed:?}, and read as {read:?}"
                )),
                Ok(_) => None,
            },
            Ok(_) => None,
        });
    }
    Ok(findings)
}

async fn what_the_type_takes<T>(
    connection: &mut PgConnection,
    base: &str,
    values: &[String],
) -> Result<Vec<String>, BoxDynError>
where
    T: FromStr + PartialEq + Debug + Send + Sync + Unpin + Type<Postgres> + PgHasArrayType,
    T: for<'r> Decode<'r, Postgres> + for<'q> Encode<'q, Postgres>,
{
    let taken = || values.iter().filter_map(|value| value.parse::<T>().ok());
    let sql = format!(
        "SELECT pg_temp.taken(given) FROM UNNEST($1::{base}[]) WITH ORDINALITY AS all_given (given, place) ORDER BY place"
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .persistent(false)
        .bind(taken().collect::<Vec<T>>())
        .fetch_all(connection)
        .await?;
    let mut findings = Vec::new();
    if rows.is_empty() {
        findings.push("the type takes none of the values: add some with values()".to_owned());
    }
    for (given, row) in taken().zip(rows) {
        findings.extend(match row.try_get::<Option<T>, _>(0) {
            Ok(Some(stored)) if stored == given => None,
            Ok(Some(stored)) => Some(format!("{given:?} is stored as {stored:?}")),
            Ok(None) => Some(format!("{given:?} is valid, and the domain refuses it")),
            Err(error) => Some(format!("{given:?} is stored and cannot be read: {error}")),
        });
    }
    Ok(findings)
}
