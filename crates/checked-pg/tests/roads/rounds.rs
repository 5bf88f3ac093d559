//! A pooler in transaction mode, declared as such: each call gets its own answer, whichever session it is sent to.

use crate::support::{ask, server};
use checked_pg::{
    config::{Config, Pooler},
    db::{Db, HealthStatus, Tx},
    error::{Error, Result},
};
use futures_util::{StreamExt, TryStreamExt, future::join_all};
use sqlx::Executor;
use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};
use test_servers::{PgBouncer, PoolMode};

/// More connections than sessions, and another session each time.
const UNSTEADY: &str = "default_pool_size = 3\nmin_pool_size = 3\nserver_round_robin = 1";

struct Stage {
    db: Db,
    /// Tables and types of this test only.
    schema: String,
    _pooler: PgBouncer,
}

/// None if pgbouncer is not installed.
async fn stage(tables: &str) -> Option<Stage> {
    stage_in(PoolMode::Transaction, tables).await
}

async fn stage_in(mode: PoolMode, tables: &str) -> Option<Stage> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let (pooler, settings) = match mode {
        // Right as well where the pooler gives prepared statements names of its own.
        PoolMode::Transaction => (
            Pooler::Transaction,
            format!("{UNSTEADY}\n{}", PgBouncer::renaming()),
        ),
        // One for each connection, and one to prove that they are kept.
        PoolMode::Session => (Pooler::Session, "default_pool_size = 9".to_owned()),
    };
    let started = PgBouncer::start(server(), mode, &settings)?;
    let schema = format!("rounds_{}", NEXT.fetch_add(1, Relaxed));
    server().psql(&format!(
        "CREATE SCHEMA {schema}; SET search_path = {schema}; {tables}"
    ));
    let url = format!("{}?options=-csearch_path%3D{schema}", started.url());
    let config = Config::from_url(&url)
        .unwrap()
        .pooler(pooler)
        .connect_timeout(Duration::from_secs(10))
        .acquire_timeout(Duration::from_secs(20))
        .max_pool_size(8);
    let db = Db::connect(&config).await.unwrap();
    Some(Stage {
        db,
        schema,
        _pooler: started,
    })
}

impl Stage {
    /// Asked at the server's own address.
    fn psql(&self, sql: &str) -> String {
        server().psql(&format!("SET search_path = {}; {sql}", self.schema))
    }
}

/// Two accounts, whose statements each connection prepares in another order.
const ACCOUNTS: &str = "CREATE DOMAIN account_name AS text CHECK (VALUE <> ''); \
     CREATE TABLE accounts (name account_name PRIMARY KEY, balance bigint NOT NULL); INSERT INTO accounts VALUES ('a', 1000), ('b', 100000)";

async fn deposit(db: &Db) -> Result<i64> {
    let sql = "UPDATE accounts SET balance = balance + $2 WHERE name = $1::account_name RETURNING balance";
    Ok(sqlx::query_scalar(sql)
        .bind("a")
        .bind(1_i64)
        .fetch_one(db)
        .await?)
}

async fn withdraw(db: &Db) -> Result<i64> {
    let sql = "UPDATE accounts SET balance = balance - $2 WHERE name = $1::account_name RETURNING balance";
    Ok(sqlx::query_scalar(sql)
        .bind("b")
        .bind(3_i64)
        .fetch_one(db)
        .await?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn statements_by_themselves_move_what_they_say() {
    for mode in [PoolMode::Transaction, PoolMode::Session] {
        statements_by_themselves_move_what_they_say_in(mode).await;
    }
}

async fn statements_by_themselves_move_what_they_say_in(mode: PoolMode) {
    const TIMES: i64 = 60;
    let Some(stage) = stage_in(mode, ACCOUNTS).await else {
        return;
    };
    let worker = async |number: i64| {
        for time in 0..TIMES {
            if (number + time) % 2 == 0 {
                deposit(&stage.db).await.unwrap();
            } else {
                withdraw(&stage.db).await.unwrap();
            }
        }
    };
    join_all((0..8).map(worker)).await;
    let each = 8 * TIMES / 2;
    let wanted = format!("a|{}\nb|{}", 1000 + each, 100_000 - 3 * each);
    assert_eq!(stage.psql("SELECT * FROM accounts ORDER BY name"), wanted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_answer_belongs_to_its_question() {
    for mode in [PoolMode::Transaction, PoolMode::Session] {
        every_answer_belongs_to_its_question_in(mode).await;
    }
}

async fn every_answer_belongs_to_its_question_in(mode: PoolMode) {
    let Some(stage) = stage_in(mode, "CREATE TYPE pair AS (id bigint, name text)").await else {
        return;
    };
    let db = &stage.db;
    let worker = async |number: i64| {
        for time in 0..40 {
            let id = number * 1000 + time;
            let row: i64 = match time % 4 {
                0 => sqlx::query_scalar("SELECT $1::bigint")
                    .bind(id)
                    .fetch_one(db)
                    .await
                    .unwrap(),
                1 => sqlx::query_scalar("SELECT (ROW($1::bigint, 'x')::pair).id")
                    .bind(id)
                    .fetch_one(db)
                    .await
                    .unwrap(),
                2 => {
                    let rows = sqlx::query_scalar::<_, i64>(
                        "SELECT $1::bigint + n - n FROM generate_series(1, 50) AS n",
                    )
                    .bind(id)
                    .fetch(db);
                    let rows: Vec<i64> = rows.try_collect().await.unwrap();
                    assert_eq!(rows, vec![id; 50]);
                    id
                }
                _ => db
                    .transaction(async |tx| -> Result<i64> {
                        let one: i64 = sqlx::query_scalar("SELECT $1::bigint - 7")
                            .bind(id)
                            .fetch_one(&mut *tx)
                            .await?;
                        Ok(sqlx::query_scalar("SELECT $1::bigint + 7")
                            .bind(one)
                            .fetch_one(&mut *tx)
                            .await?)
                    })
                    .await
                    .unwrap(),
            };
            assert_eq!(row, id);
        }
    };
    join_all((0..8).map(worker)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn cancelled_callers_cost_nobody_an_answer() {
    for mode in [PoolMode::Transaction, PoolMode::Session] {
        cancelled_callers_cost_nobody_an_answer_in(mode).await;
    }
}

async fn cancelled_callers_cost_nobody_an_answer_in(mode: PoolMode) {
    let Some(stage) = stage_in(mode, ACCOUNTS).await else {
        return;
    };
    let db = &stage.db;
    let acknowledged = AtomicU64::new(0);
    let impatient = async |number: u64| {
        for time in 0..40 {
            let patience = Duration::from_micros((number * 977 + time * 631) % 9000);
            match time % 3 {
                0 => drop(tokio::time::timeout(patience, withdraw(db)).await),
                1 => {
                    let mut rows =
                        sqlx::query_scalar::<_, i64>("SELECT n FROM generate_series(1, 5000) AS n")
                            .fetch(db);
                    drop(tokio::time::timeout(patience, rows.next()).await);
                }
                _ => {
                    deposit(db).await.unwrap();
                    acknowledged.fetch_add(1, Relaxed);
                }
            }
        }
    };
    join_all((0..8).map(impatient)).await;
    let wanted = 1000 + acknowledged.load(Relaxed);
    assert_eq!(
        stage.psql("SELECT balance FROM accounts WHERE name = 'a'"),
        wanted.to_string()
    );
    let of_b: i64 = stage
        .psql("SELECT balance FROM accounts WHERE name = 'b'")
        .parse()
        .unwrap();
    assert_eq!((100_000 - of_b) % 3, 0);
}

#[tokio::test]
async fn statements_that_another_client_left_do_not_run_in_place_of_ours() {
    let Some(stage) = stage(ACCOUNTS).await else {
        return;
    };
    // A client without any care: it leaves statements of sqlx's names in each of the sessions.
    let foreign = sqlx::postgres::PgPoolOptions::new().max_connections(3);
    let options: sqlx::postgres::PgConnectOptions = stage._pooler.url().parse().unwrap();
    let options = options.extra_float_digits(None);
    let foreign = foreign.connect_with(options).await.unwrap();
    let text = format!(
        "UPDATE {}.accounts SET balance = balance - 5 WHERE $1 <> 'x' AND $2 > 0 RETURNING balance",
        stage.schema
    );
    for _ in 0..9 {
        let wild = sqlx::query(sqlx::AssertSqlSafe(text.clone()))
            .bind("w")
            .bind(9_i64);
        drop(wild.fetch_optional(&foreign).await);
    }
    let before: i64 = stage
        .psql("SELECT balance FROM accounts WHERE name = 'a'")
        .parse()
        .unwrap();
    for time in 1..=9 {
        assert_eq!(deposit(&stage.db).await.unwrap(), before + time);
    }
}

#[tokio::test]
async fn nothing_is_left_in_a_session_for_others() {
    let Some(stage) = stage("CREATE TABLE notes (t text)").await else {
        return;
    };
    let db = &stage.db;
    let leave = async |tx: &mut Tx| -> Result<()> {
        for text in [
            "SET statement_timeout = 0",
            "SELECT set_config('app.owner', 'alice', false)",
            "SELECT pg_advisory_lock(4711)",
            "CREATE TEMP TABLE notes_of_mine (t text)",
            "PREPARE mine AS SELECT 1",
            "DECLARE held CURSOR WITH HOLD FOR SELECT 1",
        ] {
            sqlx::query(text).execute(&mut *tx).await?;
        }
        tx.raw(async |conn| -> Result<()> {
            conn.execute("LISTEN gossip").await?;
            Ok(())
        })
        .await
    };
    for fails in [false, true] {
        let outcome = db
            .transaction(async |tx| -> Result<()> {
                leave(tx).await?;
                match fails {
                    true => Err(Error::not_found("reason", "to commit")),
                    false => Ok(()),
                }
            })
            .await;
        assert_eq!(outcome.is_err(), fails);
    }
    let left = "SELECT concat_ws(' ', current_setting('app.owner', true), \
                (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'), to_regclass('notes_of_mine'), \
                (SELECT count(*) FROM pg_prepared_statements WHERE from_sql), (SELECT count(*) FROM pg_cursors WHERE is_holdable), \
                (SELECT count(*) FROM pg_listening_channels()), current_setting('statement_timeout'))";
    // Each of the three sessions, more than once.
    for _ in 0..9 {
        assert_eq!(ask(db, left).await.trim(), "0 0 0 0 30s");
    }
}

#[tokio::test]
async fn what_needs_a_session_is_refused_and_a_copy_is_right() {
    let Some(stage) = stage("CREATE TABLE notes (t text)").await else {
        return;
    };
    let db = &stage.db;
    let alone = sqlx::query("LISTEN gossip").execute(db).await.unwrap_err();
    let inside = db
        .transaction(async |tx| -> Result<()> {
            sqlx::query("LISTEN gossip").execute(&mut *tx).await?;
            Ok(())
        })
        .await
        .unwrap_err();
    for error in [Error::from(alone), inside] {
        assert!(
            error.to_string().contains("the server's own address"),
            "{error}"
        );
    }
    let several = db
        .execute("BEGIN; INSERT INTO notes VALUES ('a'); COMMIT")
        .await
        .unwrap_err();
    assert!(
        several.to_string().contains("use Db::transaction"),
        "{several}"
    );
    let vacuum = sqlx::query("VACUUM notes").execute(db).await.unwrap_err();
    assert!(
        Error::from(vacuum)
            .to_string()
            .contains("transaction block")
    );

    let copied = db
        .transaction(async |tx| -> Result<u64> {
            tx.raw(async |conn| -> Result<u64> {
                let mut copy = conn.copy_in_raw("COPY notes FROM STDIN").await?;
                copy.send(&b"one\ntwo\n"[..]).await?;
                Ok(copy.finish().await?)
            })
            .await
        })
        .await
        .unwrap();
    assert_eq!(copied, 2);
    let given_up = db
        .transaction(async |tx| -> Result<()> {
            tx.raw(async |conn| -> Result<()> {
                let mut copy = conn.copy_in_raw("COPY notes FROM STDIN").await?;
                copy.send(&b"three\n"[..]).await?;
                drop(copy);
                Ok(())
            })
            .await
        })
        .await;
    assert!(given_up.is_err());
    for time in 0..9_i64 {
        let back: i64 = sqlx::query_scalar("SELECT $1::bigint")
            .bind(time)
            .fetch_one(db)
            .await
            .unwrap();
        assert_eq!(back, time);
    }
    assert_eq!(
        stage.psql("SELECT string_agg(t, ' ' ORDER BY t) FROM notes"),
        "one two"
    );
}

#[tokio::test]
async fn the_settings_hold_in_every_session() {
    let Some(stage) = stage("").await else { return };
    let wanted = format!("30s 10s 30s 100ms {} off UTC ISO, MDY", stage.schema);
    let settings = "SELECT concat_ws(' ', current_setting('statement_timeout'), current_setting('lock_timeout'), \
         current_setting('idle_in_transaction_session_timeout'), current_setting('client_connection_check_interval'), \
         current_setting('search_path'), current_setting('row_security'), current_setting('TimeZone'), current_setting('DateStyle'))";
    for _ in 0..9 {
        assert_eq!(ask(&stage.db, settings).await, wanted);
        let inside = async |tx: &mut Tx| -> Result<String> {
            Ok(sqlx::query_scalar(settings).fetch_one(&mut *tx).await?)
        };
        assert_eq!(stage.db.transaction(inside).await.unwrap(), wanted);
    }
}

#[tokio::test]
async fn a_transaction_begins_as_its_options_say() {
    let Some(stage) = stage("CREATE TABLE notes (t text)").await else {
        return;
    };
    let options = checked_pg::db::TxOptions::new()
        .isolation(checked_pg::db::Isolation::Serializable)
        .read_only();
    let level = stage
        .db
        .transaction_with(options, async |tx| -> Result<String> {
            let text = "SELECT current_setting('transaction_isolation') || ' ' || current_setting('transaction_read_only')";
            Ok(sqlx::query_scalar(text).fetch_one(&mut *tx).await?)
        })
        .await
        .unwrap();
    assert_eq!(level, "serializable on");
}

#[tokio::test]
async fn a_look_at_the_server_is_right_too() {
    let Some(stage) = stage("").await else {
        return;
    };
    let schema = checked_pg::Schema::empty();
    // In each session, more than once: a statement that is prepared twice by one name would be refused.
    for _ in 0..9 {
        let health = stage.db.health(&[&schema]).await;
        assert_eq!(health.status, HealthStatus::Healthy, "{health:?}");
        assert!(stage.db.migrations(&schema).await.unwrap().is_empty());
    }
}
