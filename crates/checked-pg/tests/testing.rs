//! The kit for tests: that its databases are apart, and that each of its assertions fires.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "tests, of a schema without a query cache"
)]

use std::{borrow::Cow, panic::AssertUnwindSafe, str::FromStr};

use checked_pg::{
    Db, Schema,
    error::Invalid,
    key::{closed_set, number_key, text_key, uuid_key},
    rust_decimal::Decimal,
    sqlx::{
        self,
        migrate::{Migration, MigrationType, Migrator},
    },
    testing::{self, Parity, Plans},
};
use futures_util::FutureExt;

/// A schema of one migration.
fn schema(sql: &'static str) -> Schema {
    schema_with(sql, &[], "")
}

fn schema_with(sql: &'static str, cache: &'static [&'static str], places: &'static str) -> Schema {
    let name = Cow::Borrowed("first");
    let sql = sqlx::SqlStr::from_static(sql);
    let migration = Migration::new(1, name, MigrationType::Simple, sql, false);
    let migrator = Migrator {
        migrations: Cow::Owned(vec![migration]),
        ..Migrator::DEFAULT
    };
    Schema::new(migrator, cache, places, "")
}

/// What an assertion says when it fails.
async fn panic_of<T>(assertion: impl Future<Output = T>) -> String {
    let outcome = AssertUnwindSafe(assertion).catch_unwind().await;
    let Err(said) = outcome else {
        panic!("the assertion holds");
    };
    match said.downcast::<String>() {
        Ok(said) => *said,
        Err(said) => (*said.downcast_ref::<&str>().unwrap()).to_owned(),
    }
}

async fn count(db: &Db) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM notes")
        .fetch_one(db)
        .await
        .unwrap()
}

const NOTES: &str = "CREATE TABLE notes (id integer PRIMARY KEY, topic text NOT NULL)";

#[tokio::test]
async fn each_test_has_a_database_of_its_own() {
    let schema = schema(NOTES);
    let (one, other) = (
        testing::database(&[&schema]).await,
        testing::database(&[&schema]).await,
    );
    sqlx::query("INSERT INTO notes VALUES (1, 'a'), (2, 'b')")
        .execute(&one)
        .await
        .unwrap();
    assert_eq!((count(&one).await, count(&other).await), (2, 0));
    let url = testing::url(&testing::options(&[&schema]).await);
    let by_url = Db::connect(&checked_pg::Config::from_url(&url).unwrap())
        .await
        .unwrap();
    assert_eq!(count(&by_url).await, 0);
}

#[tokio::test]
async fn a_migration_that_fails_is_told() {
    let told = panic_of(testing::database(&[&schema(
        "CREATE TABLE notes (id nonsense)",
    )]))
    .await;
    assert!(told.contains("nonsense"), "{told}");
}

/// The next attempt, in this or in another process, begins anew.
#[tokio::test]
async fn other_migrations_are_another_template() {
    let one = testing::database(&[&schema(NOTES)]).await;
    let other = testing::database(&[&schema(
        "CREATE TABLE notes (id bigint PRIMARY KEY); INSERT INTO notes VALUES (7)",
    )])
    .await;
    assert_eq!((count(&one).await, count(&other).await), (0, 1));
}

text_key! {
    /// A desk.
    Desk(String) as "desk", |text| (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()),
    "one to twenty characters of ASCII, without blanks"
}
uuid_key! {
    /// A trade.
    TradeId as "trade_id"
}
closed_set! {
    /// A side.
    Side as "side" {
        /// Buys.
        Buy = "buy" | "b",
        /// Sells.
        Sell = "sell",
    }
}

/// A fee in cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fee(Decimal);

impl Fee {
    fn new(fee: Decimal) -> Result<Self, Invalid> {
        let fits =
            fee.normalize().scale() <= 2 && fee >= Decimal::ZERO && fee < Decimal::from(1000);
        fits.then_some(Self(fee))
            .ok_or_else(|| Invalid::new("fee", "cents below 1000"))
    }
}

number_key!(Fee, Decimal as "fee");

const GOOD: &str = "
    CREATE DOMAIN desk AS text CHECK (VALUE ~ '^[!-~]{1,20}$');
    CREATE DOMAIN trade_id AS uuid;
    CREATE DOMAIN side AS text CHECK (VALUE IN ('buy', 'sell'));
    CREATE DOMAIN fee AS numeric(5, 2) CHECK (VALUE >= 0 AND VALUE < 'NaN');
    CREATE DOMAIN note_document AS jsonb;";

fn parity<'a>(schemas: &[&'a Schema]) -> Parity<'a> {
    Parity::new(schemas)
        .key::<Desk>()
        .key::<TradeId>()
        .key::<Side>()
        .key::<Fee>()
}

#[tokio::test]
async fn domains_and_types_of_one_rule_agree() {
    parity(&[&schema(GOOD)]).check().await;
    // Those of a crate below are not to be named again.
    let below = schema("CREATE DOMAIN other AS text; CREATE DOMAIN more AS text");
    let mut own = schema(GOOD).migrator().migrations.to_vec();
    let migrator = Migrator {
        migrations: Cow::Owned(std::mem::take(&mut own)),
        table_name: Cow::Borrowed("own_migrations"),
        ..Migrator::DEFAULT
    };
    parity(&[&below, &Schema::new(migrator, &[], "", "")])
        .check()
        .await;
}

#[tokio::test]
async fn domains_and_types_that_differ_are_told() {
    for (was, now, told) in [
        ("[!-~]", "[ -~]", "desk: \" \" is stored and cannot be read"),
        ("[!-~]", "[!-}]", "is valid, and the domain refuses it"),
        ("{1,20}", "{1,19}", "is valid, and the domain refuses it"),
        (
            "{1,20}",
            "{0,20}",
            "desk: \"\" is stored and cannot be read",
        ),
        ("{1,20}", "{1,21}", "cannot be read"),
        (
            " AND VALUE < 'NaN'",
            "",
            "fee: \"NaN\" is stored and cannot be read",
        ),
        (
            "'buy', 'sell'",
            "'buy', 'sell', 'hold'",
            "side: \"hold\" is stored and cannot be read",
        ),
        (
            "'buy', 'sell'",
            "'buy'",
            "side: Sell is valid, and the domain refuses it",
        ),
        ("numeric(5, 2)", "numeric(5, 1)", "is stored as Fee("),
        (
            "numeric(5, 2)",
            "numeric(6, 2)",
            "is stored and cannot be read",
        ),
        (
            "numeric(5, 2)",
            "numeric(4, 2)",
            "is valid, and the domain refuses it",
        ),
        (
            "VALUE >= 0",
            "VALUE > 0",
            "fee: Fee(0) is valid, and the domain refuses it",
        ),
        (
            "CREATE DOMAIN trade_id AS uuid;",
            "CREATE DOMAIN trade_id AS uuid CHECK (VALUE <> '00000000-0000-0000-0000-000000000000');",
            "trade_id: TradeId(00000000-0000-0000-0000-000000000000) is valid",
        ),
        (
            "CREATE DOMAIN side",
            "CREATE DOMAIN more AS text; CREATE DOMAIN side",
            "more: add key::<…>() with its type",
        ),
        (
            "CREATE DOMAIN trade_id AS uuid;",
            "",
            "trade_id: the database has no such domain",
        ),
    ] {
        let changed = GOOD.replace(was, now);
        assert_ne!(changed, GOOD, "{was}");
        let schema = schema(changed.leak());
        let said = panic_of(parity(&[&schema]).check()).await;
        assert!(said.contains(told), "{was} -> {now}: {said}");
    }
    let schema = schema(GOOD);
    let without = Parity::new(&[&schema])
        .key::<Desk>()
        .key::<TradeId>()
        .key::<Fee>();
    without.except("side", "an example").check().await;
}

/// As sqlx caches it.
const BY_ID: &str = r#"{"db_name": "PostgreSQL", "query": "SELECT topic FROM notes WHERE id = $1", "hash": "aaaaaaaaaaaaaaaa",
    "describe": {"columns": [], "parameters": {"Left": ["Int4"]}, "nullable": []}}"#;
const BY_TOPIC: &str = r#"{"db_name": "PostgreSQL", "query": "SELECT id FROM notes WHERE topic = $1", "hash": "bbbbbbbbbbbbbbbb",
    "describe": {"columns": [], "parameters": {"Left": ["Text"]}, "nullable": []}}"#;
const PLACES: &str = "aaaaaaaaaaaaaaaa  notes::get\nbbbbbbbbbbbbbbbb  notes::of_topic\n";
const FILL: &str =
    "INSERT INTO notes SELECT n, 'topic ' || n % 1000 FROM generate_series(1, 20000) AS n";

#[tokio::test]
async fn statements_that_read_whole_tables_are_told() {
    let schema = schema_with(NOTES, &[BY_ID, BY_TOPIC], PLACES);
    let plans = || Plans::new(&[&schema]).fill(FILL);
    let said = panic_of(plans().check()).await;
    assert!(!said.contains("aaaaaaaaaaaa"), "{said}");
    assert!(
        said.contains("bbbbbbbbbbbb (notes::of_topic) reads whole tables:\n  notes: add an index"),
        "{said}"
    );
    plans().allow("WHERE topic", "an example").check().await;
    plans().small("notes", "an example").check().await;
    let said = panic_of(
        plans()
            .allow("WHERE topic", "an example")
            .allow("FROM no", "old")
            .check(),
    )
    .await;
    assert!(
        said.contains("\"FROM no\" (old) is allowed, and no statement needs it"),
        "{said}"
    );
    let said = panic_of(Plans::new(&[&schema]).check()).await;
    assert!(said.contains("notes: fill() it"), "{said}");
    let indexed = "CREATE TABLE notes (id integer PRIMARY KEY, topic text NOT NULL); CREATE INDEX ON notes (topic)";
    let indexed = schema_with(indexed, &[BY_ID, BY_TOPIC], PLACES);
    Plans::new(&[&indexed]).fill(FILL).check().await;
    let said = panic_of(Plans::new(&[&self::schema(NOTES)]).check()).await;
    assert!(said.contains("no statement with a plan"), "{said}");
}

#[tokio::test]
async fn gets_a_topic() {
    let db = testing::database(&[&schema(NOTES)]).await;
    let sql = "SELECT topic FROM notes WHERE id = $1";
    let topic: Option<String> = sqlx::query_scalar(sql)
        .bind(1)
        .fetch_optional(&db)
        .await
        .unwrap();
    assert_eq!(topic, None);
}

/// On another thread, in a transaction.
#[test]
fn gets_the_notes_of_a_topic() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let ids = runtime.block_on(async {
        let schema = schema(NOTES);
        let db = testing::database(&[&schema]).await;
        tokio::spawn(async move {
            db.transaction(async |tx| {
                let sql = "SELECT id FROM notes WHERE topic = $1";
                let ids: Vec<i32> = sqlx::query_scalar(sql).bind("a").fetch_all(tx).await?;
                Ok::<_, checked_pg::Error>(ids)
            })
            .await
        })
        .await
    });
    assert_eq!(ids.unwrap().unwrap(), [0; 0]);
}

#[tokio::test]
async fn statements_that_no_test_executes_are_told() {
    let schema = schema_with(NOTES, &[BY_ID, BY_TOPIC], PLACES);
    let assert = async |tests: &[&str], skipped: &[&str]| {
        testing::assert_statements_are_executed(&schema, tests, skipped);
    };
    assert(&["gets_"], &[]).await;
    let said = panic_of(assert(&["gets_"], &["of_a_topic"])).await;
    assert!(
        said.ends_with("executes these statements:\n  bbbbbbbbbbbb (notes::of_topic)"),
        "{said}"
    );
    let said = panic_of(assert(&["nothing"], &[])).await;
    assert!(said.contains("(notes::get)\n  bbbb"), "{said}");
    let said = panic_of(assert(&["only_fails"], &[])).await;
    assert!(
        said.starts_with("the tests fail:") && said.contains("on purpose"),
        "{said}"
    );
    let said = panic_of(async {
        testing::assert_every_statement_is_executed(&self::schema(NOTES));
    });
    assert!(said.await.contains("no statements"));
}

#[test]
fn only_fails_in_the_second_run() {
    assert!(
        std::env::var_os("CHECKED_PG_RECORD_STATEMENTS").is_none(),
        "on purpose"
    );
}

#[test]
fn spellings_that_are_only_read_are_no_difference() {
    assert_eq!(Side::from_str("b").unwrap(), Side::Buy);
}
