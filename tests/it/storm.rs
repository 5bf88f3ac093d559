//! Many transfers at once at every isolation level, undisturbed and disturbed: no cent is lost, no deadlock reaches a caller,
//! and nothing stays behind in the pool or on the server.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;
use llm_trading_db::{
    config::Config,
    db::{Db, Isolation, TxOptions},
    error::{Error, Result},
    repo::accounts::{self, TransferError},
    types::{AccountId, Amount, Balance},
};
use rust_decimal::Decimal;
use tokio::{sync::Barrier, task::JoinSet};
use tracing::{Dispatch, Event, Subscriber, instrument::WithSubscriber};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
    registry,
};

use crate::{
    bank::poll_at_most,
    fixtures::{column, dec, now},
    support,
};

const LEVELS: [Isolation; 3] = [
    Isolation::ReadCommitted,
    Isolation::RepeatableRead,
    Isolation::Serializable,
];
const ACCOUNTS: usize = 20;
const TASKS: u64 = 64;
const POOL: usize = 16;
/// Under this name the pool's connections show in `pg_stat_activity`.
const NAME: &str = "storm";
/// How long a connection or a lock of a caller that has gone may outlive it.
const AFTERMATH: Duration = Duration::from_millis(500);

/// Random enough, and the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// What became of transfers.
#[derive(Default)]
struct Outcomes {
    moved: AtomicU32,
    refused: AtomicU32,
    broken: AtomicU32,
    dropped: AtomicU32,
    killed: AtomicU32,
    retried: AtomicU32,
}

impl fmt::Display for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            moved,
            refused,
            broken,
            dropped,
            killed,
            retried,
        } = self;
        write!(
            f,
            "{moved:?} moved, {refused:?} refused, {retried:?} retries, {killed:?} backends killed, \
             {broken:?} broken, {dropped:?} dropped"
        )
    }
}

/// Counts the retries that are logged.
struct CountRetries(Arc<Outcomes>);

impl<S: Subscriber> Layer<S> for CountRetries {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let is_of_a_transaction = event.metadata().target() == "checked_pg::db::transaction";
        let collided = |field: tracing::field::Field| field.name() == "pause";
        if is_of_a_transaction && event.fields().any(collided) {
            self.0.retried.fetch_add(1, Relaxed);
        }
    }
}

#[derive(Clone)]
struct Storm {
    db: Db,
    options: TxOptions,
    ids: Arc<[AccountId]>,
    outcomes: Arc<Outcomes>,
    over: Arc<AtomicBool>,
}

impl Storm {
    /// One transfer: on odd draws by the function of one statement, on even ones in steps.
    async fn transfer(&self, random: &mut Random) -> Result<(), TransferError> {
        let from = random.below(ACCOUNTS as u64) as usize;
        let to = (from + 1 + random.below(ACCOUNTS as u64 - 1) as usize) % ACCOUNTS;
        let (from, to) = (self.ids[from], self.ids[to]);
        let cents = 1 + random.below(9_000) as i64;
        let amount = Amount::new(Decimal::new(cents, 2)).map_err(Error::from)?;
        let in_one_statement = cents % 2 == 1;
        self.db
            .transaction_with(self.options, async |tx| {
                if in_one_statement {
                    accounts::transfer(&mut *tx, from, to, amount).await?;
                } else {
                    accounts::lock(&mut *tx, &[from, to]).await?;
                    accounts::withdraw(&mut *tx, from, amount).await?;
                    accounts::deposit(&mut *tx, to, amount).await?;
                }
                Ok(())
            })
            .await
    }

    fn note(&self, outcome: Result<(), TransferError>) {
        let counter = match outcome {
            Ok(()) => &self.outcomes.moved,
            Err(
                TransferError::InsufficientFunds { .. } | TransferError::Db(Error::Conflict { .. }),
            ) => &self.outcomes.refused,
            Err(TransferError::Db(Error::Disconnected { .. } | Error::CommitUnknown { .. })) => {
                &self.outcomes.broken
            }
            Err(error) => panic!("{error:?}"),
        };
        counter.fetch_add(1, Relaxed);
    }

    async fn transfer_often(self, times: u32, seed: u64) {
        let mut random = Random(seed);
        for _ in 0..times {
            let outcome = self.transfer(&mut random).await;
            self.note(outcome);
        }
    }

    /// Begins transfers and drops each at a random poll, until the storm is over.
    async fn drop_transfers(self) {
        let mut random = Random(4711);
        while !self.over.load(Relaxed) {
            let polls = 1 + random.below(20) as usize;
            match poll_at_most(polls, self.transfer(&mut random)).await {
                Some(outcome) => self.note(outcome),
                None => {
                    self.outcomes.dropped.fetch_add(1, Relaxed);
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// Ends one backend of the pool after the other, until the storm is over.
    async fn kill_backends(self, observer: Db) {
        let kill = format!(
            "SELECT pg_terminate_backend(pid)
             FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = '{NAME}'
             ORDER BY random()
             LIMIT 1"
        );
        while !self.over.load(Relaxed) {
            let killed: Vec<bool> = column(&observer, &kill).await.unwrap();
            let killed = killed.into_iter().filter(|killed| *killed).count();
            self.outcomes.killed.fetch_add(killed as u32, Relaxed);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Waits until a statement of the observer's gives no row; it has [`AFTERMATH`] for that.
async fn assert_empty_soon(observer: &Db, end: Instant, sql: &str) {
    loop {
        let found: Vec<i32> = column(observer, sql).await.unwrap();
        if found.is_empty() {
            return;
        }
        assert!(end.elapsed() < AFTERMATH, "{found:?}: {sql}");
        tokio::task::yield_now().await;
    }
}

async fn assert_quiet(observer: &Db, end: Instant) {
    let in_transaction = format!(
        "SELECT pid
         FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = '{NAME}' AND state <> 'idle'"
    );
    assert_empty_soon(observer, end, &in_transaction).await;
    // A row of a table that is locked by nobody.
    let locked = "
        SELECT 1
        FROM (SELECT count(*) AS all_of_them FROM accounts) AS counted,
             (SELECT count(*) AS free FROM (SELECT id FROM accounts FOR UPDATE SKIP LOCKED) AS free) AS found
        WHERE all_of_them > free";
    assert_empty_soon(observer, end, locked).await;
}

/// Uses all connections of the pool at once.
async fn assert_full_size(db: &Db) {
    let all_there = Barrier::new(POOL);
    let transactions = (0..POOL).map(|_| {
        db.transaction(async |_| {
            all_there.wait().await;
            Ok::<_, Error>(())
        })
    });
    try_join_all(transactions).await.unwrap();
    let status = db.status();
    assert_eq!((status.size, status.idle), (POOL, POOL), "{status:?}");
}

async fn storm(level: Isolation, times: u32, disturbed: bool) {
    let options = support::database_options().await;
    let config = Config::from_options(options.clone());
    let observer = Db::connect(&config.clone().max_pool_size(1)).await.unwrap();
    let config = config.application_name(NAME).max_pool_size(POOL);
    let db = Db::connect(&config).await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..ACCOUNTS {
        let id = AccountId::generate(now());
        let balance = Balance::new(dec("100.00")).unwrap();
        accounts::open(&db, id, balance, now()).await.unwrap();
        ids.push(id);
    }
    let storm = Storm {
        db: db.clone(),
        // Each of the hot rows has many takers.
        options: TxOptions::new().isolation(level).attempts(200),
        ids: ids.into(),
        outcomes: Arc::default(),
        over: Arc::default(),
    };
    let outcomes = storm.outcomes.clone();
    let log = Dispatch::new(registry().with(CountRetries(outcomes.clone())));

    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for seed in 0..TASKS {
        tasks.spawn(
            storm
                .clone()
                .transfer_often(times, seed)
                .with_subscriber(log.clone()),
        );
    }
    let mut disturbers = JoinSet::new();
    if disturbed {
        disturbers.spawn(storm.clone().kill_backends(observer.clone()));
        disturbers.spawn(storm.clone().drop_transfers());
    }
    tasks.join_all().await;
    let seconds = start.elapsed().as_secs_f64();
    storm.over.store(true, Relaxed);
    disturbers.join_all().await;

    assert_quiet(&observer, Instant::now()).await;
    println!("{level:?}: {TASKS} x {times} in {seconds:.1} s: {outcomes}");
    let count = |counter: &AtomicU32| counter.load(Relaxed);
    assert!(
        count(&outcomes.moved) > 0 && count(&outcomes.refused) > 0,
        "{outcomes}"
    );
    if disturbed {
        assert!(
            count(&outcomes.killed) > 0 && count(&outcomes.dropped) > 0,
            "{outcomes}"
        );
    } else {
        assert_eq!(
            count(&outcomes.moved) + count(&outcomes.refused),
            TASKS as u32 * times
        );
        let collides = level != Isolation::ReadCommitted;
        assert_eq!(
            count(&outcomes.retried) > 0,
            collides,
            "{level:?}: {outcomes}"
        );
    }
    assert_full_size(&db).await;
    let balances: Vec<Decimal> = column(&observer, "SELECT balance FROM accounts")
        .await
        .unwrap();
    assert!(
        balances.iter().all(|balance| *balance >= Decimal::ZERO),
        "{balances:?}"
    );
    assert_eq!(balances.iter().sum::<Decimal>(), dec("2000.00"));
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(column::<i64>(&observer, deadlocks).await.unwrap(), [0]);
}

async fn at_every_level(times: u32, disturbed: bool) {
    for level in LEVELS {
        storm(level, times, disturbed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transfers_keep_the_sum() {
    at_every_level(20, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transfers_keep_the_sum_whoever_dies_or_leaves() {
    at_every_level(20, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long: just soak"]
async fn soak_transfers_keep_the_sum() {
    at_every_level(1000, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long: just soak"]
async fn soak_transfers_keep_the_sum_whoever_dies_or_leaves() {
    at_every_level(1000, true).await;
}
