//! A real failover: a primary goes under load, and its standby is promoted.

use checked_pg::{
    config::{Config, TargetSessionAttrs},
    db::{Db, TxOptions},
    error::Error,
};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};
use test_servers::{Loss, Replicated};
use tokio::{
    sync::watch,
    task::{JoinSet, block_in_place},
    time::{Instant, timeout},
};

const WRITERS: usize = 8;
/// What a statement may take; silence is noticed a little later.
const COMMAND: Duration = Duration::from_secs(1);
/// In which the first write on the new primary must succeed, once that takes writes.
const RECOVERY: Duration = Duration::from_secs(10);

/// What became of one write.
#[derive(Default)]
struct Outcomes {
    acknowledged: BTreeSet<i64>,
    /// May have happened.
    unknown: BTreeSet<i64>,
    /// Did not happen, says the error.
    refused: BTreeSet<i64>,
}

impl Outcomes {
    fn add(&mut self, id: i64, outcome: Result<(), Error>) {
        let set = match outcome {
            Ok(()) => &mut self.acknowledged,
            Err(
                Error::CommitUnknown { .. }
                | Error::OutcomeUnknown { .. }
                | Error::Disconnected { .. },
            ) => &mut self.unknown,
            Err(_) => &mut self.refused,
        };
        set.insert(id);
    }

    fn join(mut self, other: Self) -> Self {
        self.acknowledged.extend(other.acknowledged);
        self.unknown.extend(other.unknown);
        self.refused.extend(other.refused);
        self
    }
}

/// Writers that go on until they are stopped.
struct Load {
    writers: JoinSet<Outcomes>,
    stop: Arc<AtomicBool>,
    /// How many writes succeeded.
    done: watch::Receiver<u64>,
}

impl Load {
    fn start(db: &Db) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let next = Arc::new(AtomicI64::new(1));
        let (counter, done) = watch::channel(0_u64);
        let counter = Arc::new(counter);
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let (db, stop, next, counter) =
                (db.clone(), stop.clone(), next.clone(), counter.clone());
            writers.spawn(async move {
                let mut outcomes = Outcomes::default();
                while !stop.load(Ordering::Relaxed) {
                    let id = next.fetch_add(1, Ordering::Relaxed);
                    let begun = Instant::now();
                    let outcome = match writer % 2 {
                        0 => insert(&db, id).await,
                        _ => insert_in_transaction(&db, id).await,
                    };
                    assert!(begun.elapsed() < Duration::from_secs(30), "{outcome:?}");
                    if outcome.is_ok() {
                        counter.send_modify(|done| *done += 1);
                    }
                    outcomes.add(id, outcome);
                }
                outcomes
            });
        }
        Self {
            writers,
            stop,
            done,
        }
    }

    /// Waits for so many further writes.
    async fn succeed(&mut self, more: u64) {
        let now = *self.done.borrow_and_update();
        let reached = self.done.wait_for(|done| *done >= now + more);
        timeout(RECOVERY, reached)
            .await
            .expect("no write succeeded in time")
            .unwrap();
    }

    async fn stop(mut self) -> Outcomes {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Outcomes::default();
        while let Some(outcomes) = self.writers.join_next().await {
            all = all.join(outcomes.unwrap());
        }
        all
    }
}

async fn insert(db: &Db, id: i64) -> Result<(), Error> {
    let insert = sqlx::query("INSERT INTO kept (id) VALUES ($1)").bind(id);
    insert.execute(db).await?;
    Ok(())
}

async fn insert_in_transaction(db: &Db, id: i64) -> Result<(), Error> {
    db.transaction_with(TxOptions::new(), async |tx| {
        let insert = sqlx::query("INSERT INTO kept (id) VALUES ($1)").bind(id);
        insert.execute(&mut *tx).await?;
        Ok(())
    })
    .await
}

fn config(servers: &Replicated) -> Config {
    Config::from_url(&servers.url())
        .unwrap()
        .target_session_attrs(TargetSessionAttrs::ReadWrite)
        .command_timeout(COMMAND)
        .connect_timeout(Duration::from_secs(3))
        .max_pool_size(4)
}

async fn fails_over(how: Loss) {
    let mut servers = Replicated::start();
    servers
        .primary()
        .psql("CREATE TABLE kept (id bigint PRIMARY KEY)");
    let db = Db::connect(&config(&servers)).await.unwrap();
    let mut load = Load::start(&db);
    load.succeed(200).await;

    block_in_place(|| servers.fail_over(how));
    let begun = Instant::now();
    load.succeed(1).await;
    let first = begun.elapsed();
    load.succeed(200).await;
    let outcomes = load.stop().await;

    let found = servers.standby().psql("SELECT id FROM kept");
    let found: BTreeSet<i64> = found.lines().map(|id| id.parse().unwrap()).collect();
    let lost: Vec<_> = outcomes.acknowledged.difference(&found).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let denied: Vec<_> = outcomes.refused.intersection(&found).collect();
    assert!(denied.is_empty(), "refused and done: {denied:?}");
    eprintln!(
        "{how:?}: {} acknowledged, {} unknown, {} refused, first success after {first:.1?}",
        outcomes.acknowledged.len(),
        outcomes.unknown.len(),
        outcomes.refused.len()
    );
    db.close(Duration::from_secs(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_the_primary_is_killed() {
    fails_over(Loss::Killed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_the_primary_falls_silent() {
    fails_over(Loss::Silent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_the_primary_turns_read_only() {
    fails_over(Loss::ReadOnly).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_session_finds_its_server_before_and_after_a_promotion() {
    use TargetSessionAttrs as Attrs;
    let mut servers = Replicated::start();
    let [primary, standby] = [servers.primary(), servers.standby()].map(|server| server.port());
    let at = async |target: Attrs, url: &str| {
        let config = Config::from_url(url).unwrap().target_session_attrs(target);
        let config = config
            .connect_timeout(Duration::from_secs(3))
            .max_pool_size(1);
        let db = Db::connect(&config).await.ok()?;
        let port = sqlx::query_scalar::<_, String>("SELECT current_setting('port')");
        let port = port.fetch_one(&db).await.unwrap();
        Some(port.parse::<u16>().unwrap())
    };
    let url = servers.url();
    // The standby comes first in the list, so that it is asked first.
    let reversed = format!("postgres://postgres@127.0.0.1:{standby},127.0.0.1:{primary}/postgres");
    for (target, expected) in [
        (Attrs::ReadWrite, primary),
        (Attrs::Primary, primary),
        (Attrs::ReadOnly, standby),
        (Attrs::Standby, standby),
        (Attrs::PreferStandby, standby),
    ] {
        for url in [&url, &reversed] {
            assert_eq!(at(target, url).await, Some(expected), "{target:?}");
        }
    }
    assert_eq!(at(Attrs::Any, &url).await, Some(primary));
    assert_eq!(at(Attrs::Any, &reversed).await, Some(standby));

    block_in_place(|| servers.fail_over(Loss::Killed));
    for target in [
        Attrs::ReadWrite,
        Attrs::Primary,
        Attrs::PreferStandby,
        Attrs::Any,
    ] {
        assert_eq!(at(target, &url).await, Some(standby), "{target:?}");
    }
    for target in [Attrs::ReadOnly, Attrs::Standby] {
        assert_eq!(at(target, &url).await, None, "{target:?}");
    }
}
