//! A model of the pool: callers do random things at once, leave at random moments, and the road to the server breaks at random. A simple
//! reference says what must hold: each answer belongs to its question, nothing of one borrower reaches another, each write is there as
//! its caller was told, nobody waits for ever, and in the end all connections can be used at once.
//!
//! Pools with a fault planted in them show that the model would find it.

use crate::{
    history::{History, Said},
    support::{dropped_after, server},
};
use checked_pg::{
    config::{Config, Pooler},
    db::{Db, Tx},
    error::{Error, Result},
};
use futures_util::{StreamExt, future::join_all};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{TestCaseError, TestRunner},
};
use sqlx::Executor;
use std::{
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};
use test_servers::{PgBouncer, PoolMode, Relay, Traffic};
use tokio::{
    runtime::Runtime,
    sync::Barrier,
    time::{sleep, timeout},
};

/// What a caller does.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Ask,
    /// A row, by a statement by itself.
    Write,
    /// Two rows, and the transaction ends so.
    Transaction(End),
    /// So many rows of a stream of many.
    Rows(usize),
}

#[derive(Clone, Copy, Debug)]
enum End {
    Commit,
    Fail,
    /// The error of a statement is swallowed.
    Swallow,
    /// A COPY is left half-way.
    LeaveCopy,
    /// A setting, a lock and a temporary table are left in the session.
    LeaveState,
}

/// A deed, and at which poll its caller leaves.
#[derive(Clone, Copy, Debug)]
struct Step {
    deed: Deed,
    polls: Option<usize>,
}

/// What happens to the road or the server.
#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    SessionsAreTerminated,
    BytesVanish,
    ConnectionsAreClosed,
}

#[derive(Clone, Debug)]
struct Story {
    size: usize,
    callers: Vec<Vec<Step>>,
    /// What happens, and for how many milliseconds.
    faults: Vec<(Fault, u64)>,
}

fn stories() -> impl Strategy<Value = Story> {
    let end = prop_oneof![
        Just(End::Commit),
        Just(End::Fail),
        Just(End::Swallow),
        Just(End::LeaveCopy),
        Just(End::LeaveState),
    ];
    let deed = prop_oneof![
        3 => Just(Deed::Ask),
        2 => Just(Deed::Write),
        3 => end.prop_map(Deed::Transaction),
        1 => (0_usize..40).prop_map(Deed::Rows),
    ];
    let polls = prop_oneof![2 => Just(None), 1 => (1_usize..14).prop_map(Some)];
    let step = (deed, polls).prop_map(|(deed, polls)| Step { deed, polls });
    let fault = prop_oneof![
        2 => Just(Fault::None), 1 => Just(Fault::SessionsAreTerminated), 1 => Just(Fault::BytesVanish), 1 => Just(Fault::ConnectionsAreClosed),
    ];
    (
        1_usize..4,
        vec(vec(step, 1..12), 1..6),
        vec((fault, 5_u64..60), 0..4),
    )
        .prop_map(|(size, callers, faults)| Story {
            size,
            callers,
            faults,
        })
}

/// A fault that is planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Planted {
    Nothing,
    /// The answer of the call before, after a COPY that was left.
    AnswersTheQuestionBefore,
    /// A write that broke runs again, whether or not it happened.
    WritesAgain,
    /// An error of COMMIT is taken for success.
    SaysDone,
    /// The connection of a caller who left is never free again.
    KeepsASlot,
    /// No limit on the client.
    WaitsForEver,
    /// What is left in a session stays there.
    LeavesTheSession,
}

/// The pool, and what is planted in it.
struct Pool {
    db: Db,
    planted: Planted,
    table: String,
    before: Mutex<Option<i64>>,
    copy_was_left: std::sync::atomic::AtomicBool,
}

impl Pool {
    async fn ask(&self, id: i64) -> Result<i64> {
        // What another borrower could have left comes along as another answer.
        let sql = "SELECT $1 + coalesce(length(nullif(current_setting('model.mark', true), '')), 0) \
                      + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) \
                      + CASE WHEN to_regclass('pg_temp.of_mine') IS NULL THEN 0 ELSE 1 END";
        let answer = sqlx::query_scalar::<_, i64>(sql)
            .bind(id)
            .fetch_one(&self.db)
            .await?;
        let before = self.before.lock().unwrap().replace(answer);
        match before {
            Some(before)
                if self.planted == Planted::AnswersTheQuestionBefore
                    && self.copy_was_left.load(Relaxed) =>
            {
                Ok(before)
            }
            _ => Ok(answer),
        }
    }

    async fn write(&self, id: i64) -> Result<()> {
        let insert = format!("INSERT INTO {} VALUES ($1)", self.table);
        let run = async || -> Result<()> {
            sqlx::query(sqlx::AssertSqlSafe(insert.clone()))
                .bind(id)
                .execute(&self.db)
                .await?;
            Ok(())
        };
        match run().await {
            Err(_) if self.planted == Planted::WritesAgain => {
                // Late enough for the first one to have been done.
                sleep(Duration::from_millis(50)).await;
                run().await?;
                run().await
            }
            outcome => outcome,
        }
    }

    async fn insert(&self, tx: &mut Tx, id: i64) -> Result<()> {
        let insert = format!("INSERT INTO {} VALUES ($1)", self.table);
        sqlx::query(sqlx::AssertSqlSafe(insert))
            .bind(id)
            .execute(tx)
            .await?;
        Ok(())
    }

    async fn transaction(&self, ids: [i64; 2], end: End) -> Result<()> {
        let _kept = (self.planted == Planted::KeepsASlot).then(|| Keeper(self.db.clone()));
        let outcome = self
            .db
            .transaction_once(async |tx| -> Result<()> {
                for id in ids {
                    self.insert(&mut *tx, id).await?;
                }
                match end {
                    End::Commit => Ok(()),
                    End::Fail => Err(Error::not_found("reason", "to commit")),
                    End::Swallow => {
                        drop(sqlx::query("SELECT 1 / 0").execute(&mut *tx).await);
                        Ok(())
                    }
                    End::LeaveCopy => {
                        self.copy_was_left.store(true, Relaxed);
                        let copy = format!("COPY {} FROM STDIN", self.table);
                        tx.raw(async |conn| -> Result<()> {
                            let mut copy = conn.copy_in_raw(&copy).await?;
                            copy.send(&b"7"[..]).await?;
                            drop(copy);
                            Ok(())
                        })
                        .await
                    }
                    End::LeaveState => self.leave_state(tx).await,
                }
            })
            .await;
        match outcome {
            Err(_) if self.planted == Planted::SaysDone => Ok(()),
            outcome => outcome,
        }
    }

    async fn leave_state(&self, tx: &mut Tx) -> Result<()> {
        for sql in [
            "SELECT set_config('model.mark', 'x', false)",
            "SELECT pg_advisory_lock(pg_backend_pid())",
            "CREATE TEMP TABLE IF NOT EXISTS of_mine (n int)",
        ] {
            tx.execute(sql).await?;
        }
        if self.planted == Planted::LeavesTheSession {
            // As in a pool that cleans nothing, all who come later have it.
            server().psql("ALTER ROLE leaky SET model.mark = 'x'");
            server().psql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'leaky'",
            );
        }
        Ok(())
    }

    async fn rows(&self, take: usize) -> Result<Vec<i64>> {
        let rows = sqlx::query_scalar::<_, i64>("SELECT n FROM generate_series(1, 3000) AS n");
        let rows = rows.fetch(&self.db).take(take).collect::<Vec<_>>().await;
        rows.into_iter()
            .map(|row| row.map_err(Error::from))
            .collect()
    }
}

/// Takes a connection for good when its owner leaves.
struct Keeper(Db);

impl Drop for Keeper {
    fn drop(&mut self) {
        let db = self.0.clone();
        tokio::spawn(async move {
            let forever =
                db.transaction_once(async |_| -> Result<()> { std::future::pending().await });
            drop(forever.await);
        });
    }
}

/// A call may take this long: a connection, the answers of each flight, and a busy machine.
const LONGEST: Duration = Duration::from_secs(12);

/// What stands between the pool and the server.
#[derive(Clone, Copy, Debug)]
struct Road {
    port: u16,
    pooler: Pooler,
}

impl Road {
    fn direct() -> Self {
        Self {
            port: server().port(),
            pooler: Pooler::None,
        }
    }
}

struct Stage {
    pool: Pool,
    relay: Relay,
    history: Mutex<History>,
    wrong: Mutex<Vec<String>>,
    next: AtomicI64,
}

impl Stage {
    async fn new(road: Road, size: usize, planted: Planted) -> Self {
        static NEXT: AtomicI64 = AtomicI64::new(0);
        let table = format!("model_{}", NEXT.fetch_add(1, Relaxed));
        let role = if planted == Planted::LeavesTheSession {
            "leaky"
        } else {
            "modelled"
        };
        server().psql(&format!(
            "CREATE TABLE {table} (id bigint NOT NULL); GRANT ALL ON {table} TO {role}"
        ));
        let relay = Relay::start(road.port).await;
        let limit = match planted {
            Planted::WaitsForEver => Duration::ZERO,
            _ => Duration::from_millis(400),
        };
        let config = Config::from_url(&format!(
            "postgres://{role}@127.0.0.1:{}/postgres",
            relay.port()
        ))
        .unwrap()
        .application_name("modelled")
        .pooler(road.pooler)
        .max_pool_size(size)
        .acquire_timeout(Duration::from_secs(2))
        .connect_timeout(Duration::from_secs(2))
        .command_timeout(limit);
        Self {
            pool: Pool {
                db: Db::connect(&config).await.unwrap(),
                planted,
                table,
                before: Mutex::default(),
                copy_was_left: std::sync::atomic::AtomicBool::new(false),
            },
            relay,
            history: Mutex::default(),
            wrong: Mutex::default(),
            next: AtomicI64::new(1000),
        }
    }

    fn complain(&self, what: String) {
        self.wrong.lock().unwrap().push(what);
    }

    async fn step(&self, step: Step) {
        let first = self.next.fetch_add(10, Relaxed);
        let polls = step.polls.unwrap_or(usize::MAX);
        let ended = timeout(LONGEST, async {
            match step.deed {
                Deed::Ask => {
                    if let Some(Ok(answer)) = dropped_after(polls, self.pool.ask(first)).await
                        && answer != first
                    {
                        self.complain(format!("asked for {first}, got {answer}"));
                    }
                }
                Deed::Rows(take) => {
                    if let Some(Ok(rows)) = dropped_after(polls, self.pool.rows(take)).await
                        && !rows.iter().copied().eq(1..=i64::try_from(take).unwrap())
                    {
                        self.complain(format!("{take} rows are {rows:?}"));
                    }
                }
                Deed::Write => {
                    let outcome = dropped_after(polls, self.pool.write(first)).await;
                    self.note([first], outcome);
                }
                Deed::Transaction(end) => {
                    let ids = [first, first + 1];
                    let outcome = dropped_after(polls, self.pool.transaction(ids, end)).await;
                    self.note(ids, outcome);
                }
            }
        });
        if ended.await.is_err() {
            self.complain(format!("{step:?} waits for ever"));
        }
    }

    fn note<const N: usize>(&self, ids: [i64; N], outcome: Option<Result<()>>) {
        let said = outcome.as_ref().map_or(Said::Unknown, Said::of);
        let mut history = self.history.lock().unwrap();
        ids.into_iter().for_each(|id| history.note(id, said));
    }

    async fn happen(&self, faults: &[(Fault, u64)]) {
        for (fault, milliseconds) in faults {
            match fault {
                Fault::None => {}
                Fault::SessionsAreTerminated => {
                    server().psql(
                        // A pooler logs in as another user, and says whose session it is.
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'modelled'",
                    );
                }
                Fault::BytesVanish => self.relay.set(Traffic::Vanishes),
                Fault::ConnectionsAreClosed => self.relay.set(Traffic::Closes),
            }
            sleep(Duration::from_millis(*milliseconds)).await;
            self.relay.set(Traffic::Flows);
        }
    }

    /// All connections at once, and what is in the table.
    async fn reckon(&self, size: usize) {
        let one = async |all_there: &Barrier| {
            self.pool
                .db
                .transaction(async |_| -> Result<()> {
                    // A sibling that failed never comes.
                    let together = timeout(Duration::from_secs(2), all_there.wait()).await;
                    together
                        .map(drop)
                        .map_err(|_| Error::not_found("sibling", "at once"))
                })
                .await
        };
        // The first ones may find their connections dead.
        let tries = async {
            loop {
                let all_there = Barrier::new(size);
                let tried = (0..size).map(|_| one(&all_there));
                if join_all(tried).await.iter().all(Result::is_ok) {
                    return;
                }
            }
        };
        if timeout(LONGEST, tries).await.is_err() {
            self.complain(format!(
                "{size} connections cannot be used at once: {:?}",
                self.pool.db.status()
            ));
        }
        let status = self.pool.db.status();
        if status.size > size || status.waiting != 0 {
            self.complain(format!("{status:?}"));
        }
        let table = &self.pool.table;
        // What callers left is done or undone when the table can be locked.
        let there = server().psql(&format!(
            "BEGIN; LOCK TABLE {table}; SELECT id FROM {table}; DROP TABLE {table}; COMMIT"
        ));
        let there: Vec<i64> = there.lines().map(|id| id.parse().unwrap()).collect();
        let violations = self.history.lock().unwrap().violations(&there);
        self.wrong.lock().unwrap().extend(violations);
    }
}

/// What is wrong after a story.
async fn tell(story: &Story, planted: Planted, road: Road) -> Vec<String> {
    let stage = Stage::new(road, story.size, planted).await;
    let callers = story.callers.iter().map(async |steps| {
        for step in steps {
            stage.step(*step).await;
        }
    });
    tokio::join!(join_all(callers), stage.happen(&story.faults));
    stage.reckon(story.size).await;
    stage.pool.db.close(Duration::from_millis(100)).await;
    stage.wrong.into_inner().unwrap()
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        server().psql("CREATE ROLE modelled LOGIN; CREATE ROLE leaky LOGIN");
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap()
    })
}

/// The first story of so many after which something is wrong.
fn search(stories_told: u32, planted: Planted, road: Road) -> Result<(), String> {
    let settings = ProptestConfig {
        cases: stories_told,
        failure_persistence: None,
        max_shrink_iters: if planted == Planted::Nothing { 40 } else { 0 },
        ..ProptestConfig::default()
    };
    let runtime = runtime();
    let outcome = TestRunner::new(settings).run(&stories(), |story| {
        let wrong = runtime.block_on(tell(&story, planted, road));
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(TestCaseError::fail(wrong.join("; "))),
        }
    });
    outcome.map_err(|error| error.to_string())
}

#[test]
fn whatever_callers_do_and_whatever_breaks() {
    let seen = search(60, Planted::Nothing, Road::direct());
    assert_eq!(seen, Ok(()));
}

/// The same behind a pooler, which adds its own ways to mix up sessions: those that it hands on after each transaction, the next one
/// each time, and those that it keeps for a client.
#[test]
fn whatever_callers_do_behind_a_pooler() {
    for (mode, pooler, settings) in [
        (
            PoolMode::Transaction,
            Pooler::Transaction,
            "default_pool_size = 24\nmin_pool_size = 3\nserver_round_robin = 1",
        ),
        (PoolMode::Session, Pooler::Session, "default_pool_size = 24"),
    ] {
        let Some(between) = PgBouncer::start(server(), mode, settings) else {
            return;
        };
        let road = Road {
            port: between.port(),
            pooler,
        };
        assert_eq!(search(20, Planted::Nothing, road), Ok(()), "{mode:?}");
    }
}

#[test]
fn each_planted_fault_is_found() {
    for (planted, told_as) in [
        (Planted::AnswersTheQuestionBefore, "asked for"),
        (Planted::WritesAgain, "was applied"),
        (Planted::SaysDone, "was acknowledged and is missing"),
        (Planted::KeepsASlot, "connections cannot be used at once"),
        (Planted::WaitsForEver, "waits for ever"),
        (Planted::LeavesTheSession, "asked for"),
    ] {
        let found =
            search(200, planted, Road::direct()).expect_err(&format!("{planted:?} was not found"));
        assert!(found.contains(told_as), "{planted:?}: {found}");
    }
}
