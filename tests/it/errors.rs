//! Errors say where, and never which value.
#![allow(
    clippy::disallowed_methods,
    reason = "these tables belong to the tests alone, so no macro can check statements on them"
)]

use crate::bank::{Bank, MS, assert_silent};
use llm_trading_db::{
    db::Db,
    error::{ConflictKind, Error, TimeoutKind},
    types::Invalid,
};
use sqlx::{
    Encode, Executor, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgTypeInfo, PgValueRef},
};

const SECRET: &str = "s3cret";

/// A table with every kind of constraint, in which some rows hold the secret.
async fn open() -> (Bank, Db) {
    let mut bank = Bank::open().await;
    bank.outside
        .execute(
            "CREATE DOMAIN short_text AS text CONSTRAINT short_text_check CHECK (length(VALUE) < 10);
             CREATE TABLE people (
                 name text CONSTRAINT people_key PRIMARY KEY,
                 boss text CONSTRAINT people_boss REFERENCES people,
                 age int NOT NULL CONSTRAINT people_age CHECK (age > 0),
                 nick short_text,
                 desk int4range,
                 doc jsonb,
                 CONSTRAINT people_desk EXCLUDE USING gist (desk WITH &&)
             );
             INSERT INTO people VALUES ('s3cret', NULL, 1, NULL, '[1,5)', '{\"a\": \"s3cret\"}')",
        )
        .await
        .unwrap();
    let db = bank.db(2).await;
    (bank, db)
}

/// The error of a statement, which is sure to keep the secret.
async fn error_of(db: &Db, statement: &'static str) -> Error {
    let error = Error::from(db.execute(statement).await.unwrap_err());
    assert_silent(&error, SECRET);
    error
}

#[tokio::test]
async fn a_constraint_becomes_a_conflict() {
    let (_bank, db) = open().await;
    for (statement, expected_kind, name, on) in [
        (
            "INSERT INTO people VALUES ('s3cret', NULL, 1)",
            ConflictKind::Unique,
            "people_key",
            Some("people"),
        ),
        (
            "INSERT INTO people VALUES ('b', 'another s3cret', 1)",
            ConflictKind::ForeignKey,
            "people_boss",
            Some("people"),
        ),
        (
            "INSERT INTO people VALUES ('b s3cret', NULL, -1)",
            ConflictKind::Check,
            "people_age",
            Some("people"),
        ),
        (
            "INSERT INTO people VALUES ('b s3cret', NULL, NULL)",
            ConflictKind::NotNull,
            "age",
            Some("people"),
        ),
        (
            "INSERT INTO people VALUES ('b', NULL, 1, 'a long s3cret')",
            ConflictKind::Check,
            "short_text_check",
            None,
        ),
        (
            "INSERT INTO people VALUES ('b s3cret', NULL, 1, NULL, '[2,3)')",
            ConflictKind::Exclusion,
            "people_desk",
            Some("people"),
        ),
    ] {
        let error = error_of(&db, statement).await;
        assert_eq!(error.constraint(), Some(name), "{error:?}");
        let line = error.to_string();
        assert!(line.contains(name), "{line}");
        match error {
            Error::Conflict { kind, table, .. } => {
                assert_eq!((kind, table.as_deref()), (expected_kind, on));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn messages_that_may_repeat_values_are_left_out() {
    let (_bank, db) = open().await;
    for (statement, code) in [
        ("SELECT 's3cret'::int", "22P02"),
        ("SELECT 's3cret'::date", "22007"),
        ("SELECT 'a'::varchar(3)::text, 's3cret'::jsonb", "22P02"),
        ("DO $$ BEGIN RAISE EXCEPTION 's3cret'; END $$", "P0001"),
        (
            "DO $$ BEGIN RAISE EXCEPTION 's3cret' USING ERRCODE = '42501'; END $$",
            "42501",
        ),
        (
            "DO $$ BEGIN RAISE unique_violation USING MESSAGE = 's3cret'; END $$",
            "23505",
        ),
        (
            "DO $$ BEGIN RAISE EXCEPTION 's3cret' USING ERRCODE = 'ZZ999', DETAIL = 's3cret', HINT = 's3cret'; END $$",
            "ZZ999",
        ),
    ] {
        match error_of(&db, statement).await {
            Error::Database(error) => {
                assert_eq!((error.code(), error.message()), (code, None));
                assert!(error.to_string().contains(code), "{error}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn messages_that_name_things_are_kept() {
    let (_bank, db) = open().await;
    for (statement, code, part) in [
        ("SELECT nam FROM people", "42703", "nam"),
        ("SELECT * FROM nowhere", "42P01", "nowhere"),
        ("SELEC 1", "42601", "SELEC"),
    ] {
        match error_of(&db, statement).await {
            Error::Database(error) => {
                assert_eq!(error.code(), code);
                assert!(error.to_string().contains(part), "{error}");
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A type of Rust whose type of PostgreSQL does not exist.
struct Missing(&'static str);

impl Type<Postgres> for Missing {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("no_such_domain")
    }
}

impl Encode<'_, Postgres> for Missing {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Postgres>::encode(self.0, buffer)
    }
}

#[tokio::test]
async fn a_type_that_is_missing_asks_for_the_migrations() {
    let (_bank, db) = open().await;
    let result = sqlx::query("SELECT $1")
        .bind(Missing(SECRET))
        .execute(&db)
        .await;
    let error = Error::from(result.unwrap_err());
    assert!(error.to_string().contains("no_such_domain"), "{error}");
    assert!(error.to_string().contains("migrated"), "{error}");
    assert_silent(&error, SECRET);
}

#[tokio::test]
async fn limits_of_the_server_become_timeouts() {
    let (mut bank, _) = open().await;
    let config = bank
        .config(1)
        .command_timeout(1500 * MS)
        .lock_timeout(50 * MS);
    let db = Db::connect(&config).await.unwrap();
    let error = error_of(&db, "SELECT pg_sleep(25), 's3cret'").await;
    assert!(
        matches!(error, Error::Timeout(TimeoutKind::Statement)),
        "{error:?}"
    );
    bank.outside
        .execute("BEGIN; LOCK TABLE people")
        .await
        .unwrap();
    let error = error_of(&db, "SELECT * FROM people").await;
    assert!(
        matches!(error, Error::Timeout(TimeoutKind::Lock)),
        "{error:?}"
    );
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn a_session_the_server_ends_is_a_broken_connection() {
    let (bank, _) = open().await;
    let config = bank.config(1).idle_in_transaction_timeout(50 * MS);
    let db = Db::connect(&config).await.unwrap();
    let result = db
        .transaction(async |tx| {
            tokio::time::sleep(200 * MS).await;
            tx.execute("SELECT 's3cret'").await?;
            Ok::<_, Error>(())
        })
        .await;
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
    assert_silent(&error, SECRET);
}

/// A type that refuses every value, as those of this crate refuse bad ones.
#[derive(Debug)]
struct Picky;

impl Type<Postgres> for Picky {
    fn type_info() -> PgTypeInfo {
        <String as Type<Postgres>>::type_info()
    }
}

impl<'r> sqlx::Decode<'r, Postgres> for Picky {
    fn decode(_: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        Err(Invalid::new("week_id", "expected a Wednesday").into())
    }
}

#[tokio::test]
async fn what_does_not_decode_names_the_column_and_not_the_value() {
    let (_bank, db) = open().await;
    let decode = |error: sqlx::Error| {
        let error = Error::from(error);
        assert_silent(&error, SECRET);
        match error {
            Error::Decode(misfit) => (misfit.column, misfit.field, misfit.why),
            other => panic!("{other:?}"),
        }
    };

    let picky = sqlx::query_scalar::<_, Picky>("SELECT name FROM people");
    let (column, field, why) = decode(picky.fetch_one(&db).await.unwrap_err());
    assert_eq!(
        (&*column, field.as_deref(), &*why),
        ("name", Some("week_id"), "expected a Wednesday"),
        "the type's own words"
    );

    #[derive(Debug, serde::Deserialize)]
    struct Doc {
        #[expect(dead_code, reason = "it never decodes")]
        a: i64,
    }
    #[derive(Debug, sqlx::FromRow)]
    struct Person {
        #[expect(dead_code, reason = "it never decodes")]
        doc: sqlx::types::Json<Doc>,
    }
    let document = sqlx::query_as::<_, Person>("SELECT doc FROM people");
    let (column, _, why) = decode(document.fetch_one(&db).await.unwrap_err());
    assert_eq!(column, "doc");
    assert!(why.contains("does not fit"), "{why}");

    let null = sqlx::query_as::<_, Person>("SELECT NULL::jsonb AS doc");
    let (_, _, why) = decode(null.fetch_one(&db).await.unwrap_err());
    assert!(why.contains("NULL"), "{why}");

    let missing = sqlx::query_as::<_, Person>("SELECT 1 AS other");
    let (column, _, _) = decode(missing.fetch_one(&db).await.unwrap_err());
    assert_eq!(column, "doc");
}

#[test]
fn every_error_is_one_line_for_people() {
    let conflict = Error::Conflict {
        kind: ConflictKind::Unique,
        constraint: "users_email_key".to_owned(),
        table: Some("users".to_owned()),
    };
    for (error, line) in [
        (Error::not_found("pitch", 7), "pitch 7 not found"),
        (
            conflict,
            "a row with this key exists already, says `users_email_key` of table `users`",
        ),
        (
            Error::from(Invalid::new("week_id", "expected a Wednesday")),
            "week_id: expected a Wednesday",
        ),
        (
            Error::RowCount {
                expected: 2,
                actual: 1,
            },
            "expected 2 rows, got 1",
        ),
    ] {
        assert_eq!(error.to_string(), line);
    }
}
