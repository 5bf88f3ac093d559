//! How much the metrics job needs: memory whatever the length of the history, a day's work for a day, and a moment to be interrupted.

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Child, Command},
    time::{Duration, Instant},
};

use chrono::Days;
use futures_util::stream;
use llm_trading_db::{
    db::Db,
    error::Error,
    repo::bars::{self, Bar},
    service::metrics::{self, Progress, Scope, Window},
    types::Price,
};
use rust_decimal::Decimal;

use crate::{
    cli::Desk,
    fixtures::{count, database, day, symbol},
    own_process,
};

/// Bars of so many symbols on so many days from the `first` one on, no two series alike.
async fn store(db: &Db, symbols: u64, days: std::ops::Range<u64>) {
    let bars = days.flat_map(|n| {
        (0..symbols).map(move |s| {
            let ticks = 900_000 + (n * (2 * s + 7) * 7919 + s * 104_729) % 200_003;
            let close = Some(Price::new(Decimal::new(ticks as i64, 4)).unwrap());
            Bar {
                symbol: symbol(&format!("S{s}")),
                date: day("1990-01-01") + Days::new(n),
                open: None,
                high: None,
                low: None,
                close,
                volume: None,
            }
        })
    });
    bars::import(db, stream::iter(bars.map(Ok::<_, Error>)), drop)
        .await
        .unwrap();
}

/// Tells a second run of this test binary how many days to calculate.
const DAYS: &str = "METRICS_DAYS";
const SYMBOLS: u64 = 120;
/// Peak memory in use, in KiB.
const LIMIT: u64 = 300 * 1024;

#[tokio::test]
#[ignore = "a process of its own: started by the test of the memory"]
async fn metrics_in_this_process() {
    let days: u64 = env::var(DAYS).unwrap().parse().unwrap();
    let db = database().await;
    store(&db, SYMBOLS, 0..days).await;
    let start = Instant::now();
    let mut outlook = None;
    let tell = |progress| {
        if let Progress::Correlations {
            done: 0,
            dates,
            values_per_date,
        } = progress
        {
            outlook = Some((dates as u64, values_per_date as u64));
        }
    };
    let whole = metrics::run_with(&db, Window::default(), Scope::Changed, tell);
    let whole = whole.await.unwrap();
    let seconds = start.elapsed().as_secs_f64();
    // Seven bars have no return, and 29 dates no full window.
    let dates = days - 7 - 29;
    assert_eq!(outlook, Some((dates, SYMBOLS * SYMBOLS)));
    assert_eq!(whole.dates as u64, dates);

    store(&db, SYMBOLS, days..days + 1).await;
    let start = Instant::now();
    let one = metrics::run(&db, Window::default(), Scope::Changed)
        .await
        .unwrap();
    let a_day = start.elapsed().as_secs_f64();
    assert_eq!((one.bars as u64, one.dates), (SYMBOLS, 1));
    assert_eq!(one.correlations.inserted, SYMBOLS * SYMBOLS);

    let peak = own_process::peak(std::process::id()).unwrap();
    println!(
        "{SYMBOLS} symbols on {days} days in {seconds:.1} s, one more day in {a_day:.2} s, at most {peak} KiB"
    );
    assert!(peak < LIMIT, "{peak} KiB");
}

fn metrics_in_own_process(days: &str) {
    own_process::run("figures::metrics_in_this_process", DAYS, days);
}

#[test]
fn metrics_need_less_than_300_mib() {
    metrics_in_own_process("50");
}

/// Six thousand days are 86 million values, which take 10 GB on disk; `METRICS_DAYS=6000 just soak` calculates them.
#[test]
#[ignore = "long: just soak"]
fn soak_long_metrics_need_less_than_300_mib() {
    metrics_in_own_process(&env::var(DAYS).unwrap_or_else(|_| "600".to_owned()));
}

/// Starts the metrics job, interrupts it once the moment has come, and says how long it took to end.
async fn interrupted(desk: &Desk, moment: &Moment) -> Duration {
    let mut child = desk.start(&["metrics"]);
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    match moment {
        Moment::Outlook => {
            let outlook = said.next().expect("it ended by itself").unwrap();
            assert!(outlook.starts_with("correlations of "), "{outlook}");
            assert!(outlook.contains(" on a usual server"), "{outlook}");
        }
        Moment::Grown(table) => {
            let before = count(&desk.db, table).await;
            while count(&desk.db, table).await == before {
                assert_eq!(child.try_wait().unwrap(), None, "it ended by itself");
            }
        }
    }
    let start = Instant::now();
    interrupt(&child);
    let last = said.map(Result::unwrap).last();
    let code = child.wait().unwrap().code();
    let took = start.elapsed();
    assert_eq!((code, last.as_deref()), (Some(130), Some("interrupted")));
    took
}

enum Moment {
    /// It has said how long it will take.
    Outlook,
    /// A table has more rows than before.
    Grown(&'static str),
}

fn interrupt(child: &Child) {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(sent.success());
}

/// While it calculates returns, before and while it calculates correlations.
async fn slowest_interrupt() -> Duration {
    let desk = Desk::new().await;
    store(&desk.db, 100, 0..300).await;
    let mut slowest = Duration::ZERO;
    for moment in [
        Moment::Grown("daily_log_returns"),
        Moment::Outlook,
        Moment::Grown("correlation_matrix"),
        Moment::Outlook,
    ] {
        slowest = slowest.max(interrupted(&desk, &moment).await);
    }
    slowest
}

#[tokio::test]
async fn metrics_end_at_an_interrupt() {
    let slowest = slowest_interrupt().await;
    // A machine that runs other tests takes its time.
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
}

#[tokio::test]
#[ignore = "wants a machine of its own: just soak"]
async fn soak_metrics_end_within_250_ms_of_an_interrupt() {
    let slowest = slowest_interrupt().await;
    println!("{slowest:?}");
    assert!(slowest < Duration::from_millis(250), "{slowest:?}");
}
