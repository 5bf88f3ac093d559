//! Transfers in a storm: nothing is applied twice, nothing that was acknowledged is missing, nothing that was refused is there.

use crate::{
    history::{History, Said},
    support::dropped_after,
};
use checked_pg::{
    config::Config,
    db::{Db, Isolation, TxOptions},
    error::Result,
};
use std::{
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};
use test_servers::{Cluster, ClusterSettings};
use tokio::{
    task::{JoinSet, block_in_place},
    time::{Instant, sleep, timeout},
};

const ACCOUNTS: i64 = 12;
const CALLERS: i64 = 12;
const FIRST_BALANCE: i64 = 1000;

#[derive(Clone)]
struct Storm {
    db: Db,
    history: Arc<Mutex<History>>,
    next: Arc<AtomicI64>,
    over: Arc<AtomicBool>,
}

impl Storm {
    /// One transfer: its line in the ledger, and the two balances.
    async fn transfer(&self, id: i64) -> Result<()> {
        let (from, to, amount) = (id % ACCOUNTS, (id * 7 + 1) % ACCOUNTS, 1 + id % 5);
        let level = match id % 3 {
            0 => Isolation::ReadCommitted,
            1 => Isolation::RepeatableRead,
            _ => Isolation::Serializable,
        };
        let options = TxOptions::new().isolation(level).attempts(100);
        let add = "UPDATE accounts SET balance = balance + $2 WHERE id = $1";
        self.db
            .transaction_with(options, async |tx| {
                let entry = sqlx::query(
                    "INSERT INTO ledger (id, payer, payee, amount) VALUES ($1, $2, $3, $4)",
                );
                entry
                    .bind(id)
                    .bind(from)
                    .bind(to)
                    .bind(amount)
                    .execute(&mut *tx)
                    .await?;
                sqlx::query(add)
                    .bind(from)
                    .bind(-amount)
                    .execute(&mut *tx)
                    .await?;
                sqlx::query(add)
                    .bind(to)
                    .bind(amount)
                    .execute(&mut *tx)
                    .await?;
                Ok(())
            })
            .await
    }

    /// Transfers one after the other; each fourth caller leaves at some poll of each.
    async fn call(self, number: i64) {
        while !self.over.load(Relaxed) {
            let id = self.next.fetch_add(1, Relaxed);
            let polls = match number % 4 {
                3 => usize::try_from(1 + id * 31 % 40).unwrap(),
                _ => usize::MAX,
            };
            let call = dropped_after(polls, self.transfer(id));
            let outcome = timeout(Duration::from_secs(30), call).await;
            let outcome = outcome.expect("a transfer waits for ever");
            let said = outcome.as_ref().map_or(Said::Unknown, Said::of);
            self.history.lock().unwrap().note(id, said);
            if said != Said::Done {
                sleep(Duration::from_millis(2)).await;
            }
        }
    }
}

/// What happens to the server meanwhile.
#[derive(Clone, Copy, Debug)]
enum Disturbance {
    SessionsAreTerminated,
    ABackendIsKilled,
    AllOfItIsKilled,
}

fn disturb(how: Disturbance, server: &mut Cluster) {
    let sessions =
        "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    match how {
        Disturbance::SessionsAreTerminated => {
            server.psql(&format!("SELECT pg_terminate_backend(pid) {sessions}"));
        }
        Disturbance::ABackendIsKilled => {
            let pid = server.psql(&format!("SELECT pid {sessions} LIMIT 1"));
            if !pid.is_empty() {
                assert!(
                    Command::new("kill")
                        .args(["-9", &pid])
                        .status()
                        .unwrap()
                        .success()
                );
            }
        }
        Disturbance::AllOfItIsKilled => {
            server.kill();
            server.restart();
        }
    }
}

async fn storm(how: Disturbance, times: u32, pause: Duration) {
    let mut server = block_in_place(|| Cluster::start(&ClusterSettings::default()));
    server.psql(&format!(
        "CREATE TABLE accounts (id bigint PRIMARY KEY, balance bigint NOT NULL); \
         INSERT INTO accounts SELECT n, {FIRST_BALANCE} FROM generate_series(0, {ACCOUNTS} - 1) AS n; \
         CREATE TABLE ledger (id bigint NOT NULL, payer bigint NOT NULL, payee bigint NOT NULL, amount bigint NOT NULL)"
    ));
    let config = Config::from_url(&server.url()).unwrap();
    let storm = Storm {
        db: Db::connect(&config.max_pool_size(6)).await.unwrap(),
        history: Arc::default(),
        next: Arc::new(AtomicI64::new(1)),
        over: Arc::default(),
    };
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        callers.spawn(storm.clone().call(number));
    }
    for _ in 0..times {
        sleep(pause).await;
        block_in_place(|| disturb(how, &mut server));
    }
    // Until it works again, for all who still call.
    let acknowledged = || storm.history.lock().unwrap().count(Said::Done);
    let (before, since) = (acknowledged(), Instant::now());
    while acknowledged() < before + 50 {
        assert!(
            since.elapsed() < Duration::from_secs(20),
            "{how:?}: it does not heal"
        );
        sleep(Duration::from_millis(10)).await;
    }
    storm.over.store(true, Relaxed);
    callers.join_all().await;

    // Whatever the last ones left behind is rolled back or committed when their rows are free.
    server.psql("BEGIN; LOCK TABLE ledger, accounts; COMMIT");
    let there = server.psql("SELECT id FROM ledger");
    let there: Vec<i64> = there.lines().map(|id| id.parse().unwrap()).collect();
    let history = storm.history.lock().unwrap();
    assert_eq!(history.violations(&there), [""; 0], "{how:?}");
    let books = format!(
        "SELECT count(*) FROM accounts WHERE balance <> {FIRST_BALANCE} \
           - (SELECT coalesce(sum(amount), 0) FROM ledger WHERE payer = accounts.id) \
           + (SELECT coalesce(sum(amount), 0) FROM ledger WHERE payee = accounts.id)"
    );
    assert_eq!(
        server.psql(&books),
        "0",
        "{how:?}: balances differ from the ledger"
    );
    let [done, unknown, refused] =
        [Said::Done, Said::Unknown, Said::NotDone].map(|said| history.count(said));
    eprintln!("{how:?}: {done} acknowledged, {unknown} unknown, {refused} refused");
    assert!(done > 100 && unknown > 0, "{how:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_sessions_are_terminated() {
    storm(
        Disturbance::SessionsAreTerminated,
        40,
        Duration::from_millis(30),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_backends_are_killed() {
    storm(Disturbance::ABackendIsKilled, 3, Duration::from_millis(900)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_server_is_killed() {
    storm(Disturbance::AllOfItIsKilled, 3, Duration::from_millis(900)).await;
}
