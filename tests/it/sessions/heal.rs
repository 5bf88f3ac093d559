//! The pool gets over what happens to servers, and its callers do not notice.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "these tables belong to the tests alone, so no macro can check statements on them"
)]

use crate::{
    bank::{Bank, MS, backend_pid, insert, transfer, warm_up},
    faults::Relay,
};
use futures_util::future::{join_all, try_join_all};
use llm_trading_db::{
    config::Config,
    db::{Db, TxOptions},
    embedded::{EmbeddedServer, ServerSettings},
    error::{Error, Result},
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, postgres::PgSslMode};
use std::{
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::{Duration, Instant},
};
use tokio::runtime::{Builder, Runtime};

async fn memos(db: &Db) -> Result<Vec<String>> {
    let all = sqlx::query_scalar("SELECT memo FROM memos ORDER BY memo");
    Ok(all.fetch_all(db).await?)
}

/// Has every connection of the pool prepare and run it.
async fn on_all<T>(db: &Db, call: impl AsyncFn() -> Result<T>) -> Result<Vec<T>> {
    let held = db.status().max_size;
    let start = tokio::sync::Barrier::new(held);
    try_join_all((0..held).map(async |_| {
        start.wait().await;
        call().await
    }))
    .await
}

#[tokio::test]
async fn a_column_whose_type_was_changed() {
    let mut bank = Bank::open().await;
    let table = "CREATE DOMAIN note AS text; CREATE TABLE memos (memo text); INSERT INTO memos VALUES ('b'), ('a')";
    bank.outside.execute(table).await.unwrap();
    let db = bank.db(4).await;
    warm_up(&db).await;
    for change in ["varchar(200)", "note", "text"] {
        on_all(&db, async || memos(&db).await).await.unwrap();
        for _ in 0..8 {
            memos(&db).await.unwrap();
        }
        let alter = format!("ALTER TABLE memos ALTER memo TYPE {change}");
        bank.outside.execute(AssertSqlSafe(alter)).await.unwrap();
        let all = on_all(&db, async || memos(&db).await).await;
        assert_eq!(all.unwrap(), [["a", "b"]; 4], "{change}");
    }
    let pids = on_all(&db, async || Ok(backend_pid(&db).await)).await;
    assert!(!pids.unwrap().is_empty());
}

#[tokio::test]
async fn a_column_whose_type_was_changed_is_no_matter_to_a_transaction() {
    let mut bank = Bank::open().await;
    let table = "CREATE TABLE memos (memo text); INSERT INTO memos VALUES ('b'), ('a')";
    bank.outside.execute(table).await.unwrap();
    let db = bank.db(4).await;
    // Its one session has the statement for sure.
    let alone = bank.db(1).await;
    let runs = AtomicU32::new(0);
    let read_by = async |db: &Db| {
        db.transaction(async |tx| {
            runs.fetch_add(1, Relaxed);
            transfer(&mut *tx, 1, 2, 1).await?;
            let all = sqlx::query_scalar("SELECT memo FROM memos ORDER BY memo");
            Ok::<Vec<String>, Error>(all.fetch_all(&mut *tx).await?)
        })
        .await
    };
    let read = async || read_by(&db).await;
    for _ in 0..3 {
        on_all(&db, &read).await.unwrap();
        read_by(&alone).await.unwrap();
        let alter = "ALTER TABLE memos ALTER memo TYPE varchar(200)";
        bank.outside.execute(alter).await.unwrap();
        let back = "ALTER TABLE memos ALTER memo TYPE text";
        runs.store(0, Relaxed);
        assert_eq!(read_by(&alone).await.unwrap(), ["a", "b"]);
        assert_eq!(runs.load(Relaxed), 2, "once in vain");
        assert_eq!(on_all(&db, &read).await.unwrap(), [["a", "b"]; 4]);
        bank.outside.execute(back).await.unwrap();
    }
    assert_eq!(on_all(&db, &read).await.unwrap(), [["a", "b"]; 4]);
    bank.assert_sound(&db, "afterwards").await;
}

#[tokio::test]
async fn statements_that_the_session_has_forgotten() {
    let mut bank = Bank::open().await;
    let db = bank.db(1).await;
    for forget in ["DEALLOCATE ALL", "DISCARD ALL"] {
        insert(&db, 1).await.unwrap();
        db.transaction(async |tx| transfer(tx, 1, 2, 1).await)
            .await
            .unwrap();
        db.execute(forget).await.unwrap();
        insert(&db, 2).await.unwrap();
        db.execute(forget).await.unwrap();
        db.transaction(async |tx| transfer(tx, 1, 2, 1).await)
            .await
            .unwrap();
    }
    assert_eq!(bank.ledger().await, [1, 1, 2, 2]);
    bank.assert_sound(&db, "afterwards").await;
}

/// Two servers with a database of one name, and a relay that leads to the first.
struct Pair {
    old: EmbeddedServer,
    new: EmbeddedServer,
    relay: Relay,
    old_outside: PgConnection,
    new_outside: PgConnection,
}

impl Pair {
    async fn start() -> Self {
        let start = || EmbeddedServer::temporary_with(ServerSettings::default()).unwrap();
        let (old, new) = (start(), start());
        let mut outsides = vec![];
        for server in [&old, &new] {
            let mut outside = PgConnection::connect_with(&server.options()).await.unwrap();
            let table = "CREATE TABLE ledger (id bigint GENERATED ALWAYS AS IDENTITY, amount bigint NOT NULL)";
            outside.execute(table).await.unwrap();
            outsides.push(outside);
        }
        let relay = Relay::start(&old.options()).await;
        let new_outside = outsides.pop().unwrap();
        let old_outside = outsides.pop().unwrap();
        Self {
            old,
            new,
            relay,
            old_outside,
            new_outside,
        }
    }

    fn config(&self, size: usize) -> Config {
        let options = self.old.options().socket(self.relay.folder());
        Config::from_options(options).max_pool_size(size)
    }

    /// The old server goes on to answer, and takes no writes.
    async fn demote(&mut self) {
        for statement in [
            "ALTER SYSTEM SET default_transaction_read_only = on",
            "SELECT pg_reload_conf()",
        ] {
            self.old_outside.execute(statement).await.unwrap();
        }
        let shown = "SHOW default_transaction_read_only";
        while sqlx::query_scalar::<_, String>(shown)
            .fetch_one(&mut self.old_outside)
            .await
            .unwrap()
            != "on"
        {}
    }
}

async fn ledger(outside: &mut PgConnection) -> Vec<i64> {
    let all = sqlx::query_scalar("SELECT amount FROM ledger ORDER BY amount");
    all.fetch_all(outside).await.unwrap()
}

/// The sessions of a server learn of a changed setting when they next look.
async fn until_refused(db: &Db) {
    let start = Instant::now();
    let readable = TxOptions::new().read_only();
    loop {
        let shown = db.transaction_with(readable, async |tx| {
            let shown = sqlx::query_scalar("SHOW default_transaction_read_only");
            Ok::<String, Error>(shown.fetch_one(tx).await?)
        });
        if shown.await.unwrap() == "on" {
            return;
        }
        assert!(start.elapsed() < 20_000 * MS);
    }
}

#[tokio::test]
async fn a_server_that_turned_read_only_is_left() {
    let mut pair = Pair::start().await;
    let db = Db::connect(&pair.config(3)).await.unwrap();
    warm_up(&db).await;
    insert(&db, 1).await.unwrap();
    pair.demote().await;
    until_refused(&db).await;
    pair.relay.lead_to(&pair.new.options());
    insert(&db, 2).await.unwrap();
    let many = (3..20).map(|amount| insert(&db, amount));
    for outcome in join_all(many).await {
        outcome.unwrap();
    }
    assert_eq!(ledger(&mut pair.old_outside).await, [1]);
    assert_eq!(
        ledger(&mut pair.new_outside).await,
        (2..20).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_transaction_leaves_a_server_that_turned_read_only() {
    let mut pair = Pair::start().await;
    let db = Db::connect(&pair.config(3)).await.unwrap();
    warm_up(&db).await;
    pair.demote().await;
    until_refused(&db).await;
    pair.relay.lead_to(&pair.new.options());
    let write = async |amount: i64| {
        db.transaction(async |tx| {
            sqlx::query("INSERT INTO ledger (amount) VALUES ($1)")
                .bind(amount)
                .execute(tx)
                .await?;
            Ok::<_, Error>(())
        })
        .await
    };
    write(1).await.unwrap();
    for outcome in join_all((2..9).map(write)).await {
        outcome.unwrap();
    }
    assert_eq!(
        ledger(&mut pair.new_outside).await,
        (1..9).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn without_a_server_that_writes_the_error_says_so_and_connections_do_not_churn() {
    let mut pair = Pair::start().await;
    let db = Db::connect(&pair.config(3)).await.unwrap();
    pair.demote().await;
    until_refused(&db).await;
    let before = pair.relay.accepted();
    let start = Instant::now();
    let mut calls = 0;
    while start.elapsed() < 400 * MS {
        let outcome = insert(&db, 1).await;
        let refused = matches!(&outcome, Err(Error::Database(error)) if error.code() == "25006");
        assert!(refused, "{outcome:?}");
        let read = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM ledger").fetch_one(&db);
        assert_eq!(read.await.unwrap(), 0);
        calls += 1;
    }
    let made = pair.relay.accepted() - before;
    assert!(calls > 6, "{calls}");
    assert!(made <= 6, "{made} connections for {calls} calls");
}

#[tokio::test]
async fn no_connection_lives_for_ever() {
    let mut bank = Bank::open().await;
    let config = bank.config(2).max_lifetime(300 * MS);
    let db = Db::connect(&config).await.unwrap();
    let first = backend_pid(&db).await;
    let start = Instant::now();
    // Never idle for long, so it is not its idleness that ends it.
    while backend_pid(&db).await == first {
        assert!(start.elapsed() < 10_000 * MS);
        tokio::time::sleep(5 * MS).await;
    }
    assert!(start.elapsed() > 200 * MS, "{:?}", start.elapsed());
    // Nor does it stay when nobody uses the pool.
    warm_up(&db).await;
    while bank.backends().await > 0 {
        assert!(start.elapsed() < 20_000 * MS, "{:?}", db.status());
        tokio::time::sleep(10 * MS).await;
    }
    insert(&db, 1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_share_what_the_server_lets_in() {
    let mut bank = Bank::open().await;
    let role = format!("few{}", std::process::id());
    let create = format!(
        "CREATE ROLE {role} LOGIN CONNECTION LIMIT 2; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}"
    );
    bank.outside.execute(AssertSqlSafe(create)).await.unwrap();
    let config = Config::from_options(bank.options().clone().username(&role)).max_pool_size(8);
    let db = Db::connect(&config).await.unwrap();
    let longest = std::sync::Mutex::new(Duration::ZERO);
    let calls = (0..200).map(async |_| {
        let start = Instant::now();
        let outcome = db
            .transaction(async |tx| {
                tx.execute("SELECT pg_sleep(0.01)").await?;
                transfer(tx, 1, 2, 0).await
            })
            .await;
        let mut longest = longest.lock().unwrap();
        *longest = start.elapsed().max(*longest);
        outcome
    });
    let outcomes = join_all(calls).await;
    let failed: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
    assert!(
        failed.is_empty(),
        "{} failed: {:?}",
        failed.len(),
        failed[0]
    );
    assert!(longest.into_inner().unwrap() < 5000 * MS);
    db.close(5000 * MS).await;
    let drop =
        format!("REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}; DROP ROLE {role}");
    bank.outside.execute(AssertSqlSafe(drop)).await.unwrap();
}

#[tokio::test]
async fn what_accepts_and_closes_is_waited_for() {
    let bank = Bank::open().await;
    let (relay, _) = bank.config_through_relay(1).await;
    for mode in [PgSslMode::Prefer, PgSslMode::Disable] {
        let config = Config::from_options(relay.over_tcp(bank.options(), mode)).max_pool_size(4);
        relay.close_new(true);
        let db = Db::connect_lazy(&config).unwrap();
        let calls = join_all((0..8).map(|_| db.execute("SELECT 1")));
        let opens = async {
            tokio::time::sleep(300 * MS).await;
            relay.close_new(false);
        };
        let (outcomes, ()) = tokio::join!(calls, opens);
        for outcome in outcomes {
            outcome.unwrap_or_else(|error| panic!("{mode:?}: {error}"));
        }
    }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn one_pool_in_many_runtimes() {
    let first = runtime();
    let (bank, db) = first.block_on(async {
        let bank = Bank::open().await;
        let db = bank.db(3).await;
        warm_up(&db).await;
        (bank, db)
    });
    drop(first);
    for round in 0..6 {
        runtime().block_on(async {
            insert(&db, round).await.unwrap();
            db.transaction(async |tx| transfer(tx, 1, 2, 1).await)
                .await
                .unwrap();
            assert!(db.status().size <= 3);
        });
    }
    // Two at a time.
    let (one, other) = (runtime(), runtime());
    for round in 6..12 {
        for runtime in [&one, &other] {
            runtime.block_on(insert(&db, round)).unwrap();
        }
    }
    runtime().block_on(async move {
        let mut outside = PgConnection::connect_with(bank.options()).await.unwrap();
        let all = sqlx::query_scalar("SELECT amount FROM ledger ORDER BY amount");
        let all: Vec<i64> = all.fetch_all(&mut outside).await.unwrap();
        assert_eq!(all.len(), 6 + 12);
    });
}

#[test]
fn idle_connections_are_closed_though_the_first_runtime_has_ended() {
    let first = runtime();
    let (bank, db) = first.block_on(async {
        let bank = Bank::open().await;
        let config = bank.config(3).max_inactive_lifetime(200 * MS);
        let db = Db::connect(&config).await.unwrap();
        warm_up(&db).await;
        (bank, db)
    });
    drop(first);
    runtime().block_on(async {
        warm_up(&db).await;
        let start = Instant::now();
        while db.status().size > 0 {
            assert!(start.elapsed() < 10_000 * MS, "{:?}", db.status());
            tokio::time::sleep(10 * MS).await;
        }
    });
    drop(bank);
}

#[tokio::test]
async fn a_read_runs_again_after_a_break_and_a_write_does_not() {
    let mut bank = Bank::open().await;
    bank.outside
        .execute("CREATE SEQUENCE tickets")
        .await
        .unwrap();
    let (relay, config) = bank.config_through_relay(1).await;
    let db = Db::connect(&config).await.unwrap();
    let balance = async || {
        let one =
            sqlx::query_scalar::<_, i64>("SELECT balance FROM accounts WHERE id = $1").bind(3);
        one.fetch_one(&db).await.map_err(Error::from)
    };
    let all = async || {
        let all =
            sqlx::query_scalar::<_, i64>("SELECT balance FROM accounts WHERE id < $1").bind(4);
        all.fetch_all(&db).await.map_err(Error::from)
    };
    let ticket = async || {
        let next = sqlx::query_scalar::<_, i64>("SELECT nextval('tickets')");
        next.fetch_one(&db).await.map_err(Error::from)
    };
    balance().await.unwrap();
    all().await.unwrap();
    assert_eq!(ticket().await.unwrap(), 1);
    relay.lose_next_answer();
    assert_eq!(balance().await.unwrap(), 1000);
    all().await.unwrap();
    relay.lose_next_answer();
    assert_eq!(all().await.unwrap(), [1000, 1000, 1000]);
    assert_eq!(ticket().await.unwrap(), 2);
    relay.lose_next_answer();
    let outcome = ticket().await;
    assert!(
        matches!(outcome, Err(Error::Disconnected { .. })),
        "{outcome:?}"
    );
    assert_eq!(ticket().await.unwrap(), 4, "drawn once and lost");
}

/// A view is read like a table, and may do anything.
#[tokio::test]
async fn a_read_of_a_view_that_writes_does_not_run_again() {
    let mut bank = Bank::open().await;
    let view = "CREATE SEQUENCE tickets; CREATE VIEW next_ticket AS SELECT nextval('tickets') AS n";
    bank.outside.execute(view).await.unwrap();
    let (relay, config) = bank.config_through_relay(1).await;
    let db = Db::connect(&config).await.unwrap();
    let ticket = async || {
        let next = sqlx::query_scalar::<_, i64>("SELECT n FROM next_ticket");
        next.fetch_one(&db).await.map_err(Error::from)
    };
    assert_eq!(ticket().await.unwrap(), 1);
    relay.lose_next_answer();
    let outcome = ticket().await;
    assert!(
        matches!(outcome, Err(Error::Disconnected { .. })),
        "{outcome:?}"
    );
    assert_eq!(ticket().await.unwrap(), 3, "drawn once and lost");
}
