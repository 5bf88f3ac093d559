//! The metrics job: what it computes, that it does so once, and that a few changes lead where a full run leads.

use chrono::{Days, NaiveDate};
use llm_trading_db::{
    db::Db,
    repo::{
        Upserted,
        bars::{self, Bar},
        correlations::Correlation,
        returns::{self, Return},
    },
    service::metrics::{self, Progress, Scope, Summary, Window},
    types::Price,
};
use rust_decimal::Decimal;

use crate::fixtures::{
    column, database, database_as_owner, day, dec, execute, invalid, price, symbol, versions,
};

const DERIVED: [&str; 3] = [
    "daily_log_returns",
    "rolling_7day_log_returns",
    "correlation_matrix",
];

fn date(n: u64) -> NaiveDate {
    day("2026-01-01") + Days::new(n)
}

fn window(dates: u16) -> Window {
    Window::new(dates).unwrap()
}

fn bar(ticker: &str, n: u64, close: Option<Price>) -> Bar {
    Bar {
        symbol: symbol(ticker),
        date: date(n),
        open: None,
        high: None,
        low: None,
        close,
        volume: None,
    }
}

async fn store(db: &Db, ticker: &str, closes: &[Option<&str>]) {
    let bars: Vec<Bar> = (0..)
        .zip(closes)
        .map(|(n, close)| bar(ticker, n, close.map(price)))
        .collect();
    bars::upsert_many(db, &bars).await.unwrap();
}

async fn run(db: &Db, dates: u16) -> Summary {
    metrics::run(db, window(dates), Scope::Changed)
        .await
        .unwrap()
}

/// Returns as `day number: value`.
fn returns_of(returns: &[Return], ticker: &str) -> Vec<String> {
    returns
        .iter()
        .filter(|row| row.symbol == symbol(ticker))
        .map(|row| format!("{}: {}", (row.date - date(0)).num_days(), row.log_return))
        .collect()
}

/// All three tables.
#[derive(Debug, PartialEq)]
struct Derived {
    daily: Vec<Return>,
    seven_day: Vec<Return>,
    correlations: Vec<String>,
}

async fn derived(db: &Db) -> Derived {
    let cells = "
        SELECT concat_ws(' ', date, symbol_1, symbol_2, window_rows, COALESCE(correlation::text, 'NULL'))
        FROM correlation_matrix
        ORDER BY 1";
    Derived {
        daily: returns::all_daily(db).await.unwrap(),
        seven_day: returns::all_7day(db).await.unwrap(),
        correlations: column(db, cells).await.unwrap(),
    }
}

#[tokio::test]
async fn without_bars_there_is_nothing_to_do() {
    let db = database().await;
    for scope in [Scope::Changed, Scope::All] {
        let summary = metrics::run(&db, Window::default(), scope).await.unwrap();
        assert_eq!(summary, Summary::default());
    }
}

#[tokio::test]
async fn returns_count_bars_and_need_two_closes() {
    let db = database().await;
    let mut closes = [Some("100"); 10];
    closes[1] = Some("110");
    closes[3] = None;
    closes[5] = Some("0");
    closes[8] = Some("0.0001");
    store(&db, "SPY", &closes).await;
    let summary = run(&db, 2).await;
    let stored = derived(&db).await;
    // ln 1.1; then back; the missing and the zero close yield none, neither as the later nor as the earlier one.
    assert_eq!(
        returns_of(&stored.daily, "SPY"),
        [
            "1: 0.09531018",
            "2: -0.09531018",
            "7: 0",
            "8: -13.81551056",
            "9: 13.81551056"
        ]
    );
    assert_eq!(
        returns_of(&stored.seven_day, "SPY"),
        ["7: 0", "8: -13.91082074", "9: 0"]
    );
    assert_eq!((summary.symbols, summary.bars), (1, 10));
    assert_eq!((summary.daily.inserted, summary.seven_day.inserted), (5, 3));
}

#[tokio::test]
async fn correlations_are_of_every_ordered_pair() {
    let db = database().await;
    let up = ["1", "1", "1", "1", "1", "1", "1", "1", "2", "8", "8"].map(Some);
    let down = ["8", "8", "8", "8", "8", "8", "8", "8", "4", "1", "1"].map(Some);
    let flat = ["5"; 11].map(Some);
    for (ticker, closes) in [("UP", up), ("DOWN", down), ("FLAT1", flat)] {
        store(&db, ticker, &closes).await;
    }
    let summary = run(&db, 3).await;
    assert_eq!((summary.dates, summary.correlations.inserted), (2, 18));
    let stored = derived(&db).await.correlations;
    assert_eq!(
        stored[..9],
        [
            "2026-01-10 DOWN DOWN 3 1.00000000",
            "2026-01-10 DOWN FLAT1 3 NULL",
            "2026-01-10 DOWN UP 3 -1.00000000",
            "2026-01-10 FLAT1 DOWN 3 NULL",
            "2026-01-10 FLAT1 FLAT1 3 NULL",
            "2026-01-10 FLAT1 UP 3 NULL",
            "2026-01-10 UP DOWN 3 -1.00000000",
            "2026-01-10 UP FLAT1 3 NULL",
            "2026-01-10 UP UP 3 1.00000000"
        ]
    );
}

#[tokio::test]
async fn a_second_run_writes_nothing() {
    let db = database().await;
    let mut random = Random(7);
    for ticker in ["SPY", "QQQ", "TLT"] {
        let bars: Vec<Bar> = (0..30).map(|n| bar(ticker, n, random.close())).collect();
        bars::upsert_many(&db, &bars).await.unwrap();
    }
    let first = run(&db, 5).await;
    assert!(first.correlations.inserted > 0 && first.removed == 0);
    let all_versions = async || {
        let mut all = Vec::new();
        for table in DERIVED {
            all.push(versions(&db, table).await);
        }
        all
    };
    let before = all_versions().await;
    let second = run(&db, 5).await;
    assert_eq!((second.daily, second.seven_day), Default::default());
    assert_eq!((second.dates, second.removed), (0, 0));
    assert_eq!(second.correlations, Upserted::default());
    // Nor does a full run, which computes everything.
    let full = metrics::run(&db, window(5), Scope::All).await.unwrap();
    assert_eq!(full.correlations.unchanged, first.correlations.inserted);
    assert_eq!(all_versions().await, before);
}

#[tokio::test]
async fn two_runs_at_once_share_the_work() {
    let db = database().await;
    let mut random = Random(11);
    for ticker in ["SPY", "QQQ", "TLT"] {
        let bars: Vec<Bar> = (0..200).map(|n| bar(ticker, n, random.close())).collect();
        bars::upsert_many(&db, &bars).await.unwrap();
    }
    let (one, other) = tokio::join!(run(&db, 5), run(&db, 5));
    assert_eq!(one.bars + other.bars, 600);
    let inserted = one.correlations.inserted + other.correlations.inserted;
    assert_eq!(run(&db, 5).await, Summary::default());
    let full = metrics::run(&db, window(5), Scope::All).await.unwrap();
    assert_eq!(full.dates, one.dates + other.dates);
    assert_eq!(
        (full.correlations.inserted, full.correlations.unchanged),
        (0, inserted)
    );
}

#[tokio::test]
async fn what_the_bars_no_longer_bear_out_is_removed() {
    let db = database_as_owner().await;
    let mut random = Random(3);
    for ticker in ["SPY", "QQQ"] {
        let bars: Vec<Bar> = (0..20)
            .map(|n| bar(ticker, n, Some(random.price())))
            .collect();
        bars::upsert_many(&db, &bars).await.unwrap();
    }
    run(&db, 5).await;
    execute(&db, "DELETE FROM daily_bars").await.unwrap();
    let summary = run(&db, 5).await;
    // 2 x 19 daily, 2 x 13 seven-day returns, 9 matrices of 4 cells.
    assert_eq!(summary.removed, 38 + 26 + 36);
    let stored = derived(&db).await;
    assert!(stored.daily.is_empty() && stored.seven_day.is_empty());
    assert_eq!(stored.correlations, <[String; 0]>::default());
}

/// Stores bars of random closes, a day each.
async fn random_bars(db: &Db, random: &mut Random, tickers: &[&str], days: std::ops::Range<u64>) {
    for ticker in tickers {
        let bars: Vec<Bar> = days
            .clone()
            .map(|n| bar(ticker, n, Some(random.price())))
            .collect();
        bars::upsert_many(db, &bars).await.unwrap();
    }
}

#[tokio::test]
async fn a_new_day_costs_a_day() {
    let db = database().await;
    let mut random = Random(17);
    let tickers = ["DIA", "QQQ", "SPY", "TLT"];
    random_bars(&db, &mut random, &tickers, 0..120).await;
    run(&db, 30).await;
    let versions_before = versions(&db, "correlation_matrix").await;
    random_bars(&db, &mut random, &tickers, 120..121).await;
    let summary = run(&db, 30).await;
    assert_eq!((summary.symbols, summary.bars, summary.dates), (4, 4, 1));
    assert_eq!((summary.daily.inserted, summary.seven_day.inserted), (4, 4));
    assert_eq!(
        summary.correlations,
        Upserted {
            inserted: 16,
            ..Upserted::default()
        }
    );
    let after = versions(&db, "correlation_matrix").await;
    assert!(
        versions_before
            .iter()
            .all(|version| after.contains(version)),
        "old rows were rewritten"
    );

    // An old close that changes reaches seven bars, and the windows that hold one of their returns.
    bars::upsert(&db, &bar("SPY", 60, Some(price("1"))))
        .await
        .unwrap();
    let summary = run(&db, 30).await;
    assert_eq!(
        (
            summary.bars,
            summary.daily.updated,
            summary.seven_day.updated
        ),
        (1, 2, 2)
    );
    assert_eq!(summary.dates, 30 + 7);
    // What is no close is no news.
    let volume = Bar {
        volume: Some(7),
        ..bar("SPY", 60, Some(price("1")))
    };
    bars::upsert(&db, &volume).await.unwrap();
    assert_eq!(run(&db, 30).await, Summary::default());
}

#[tokio::test]
async fn a_new_symbol_leaves_the_past_alone() {
    let db = database_as_owner().await;
    let mut random = Random(19);
    random_bars(&db, &mut random, &["QQQ", "SPY"], 0..60).await;
    run(&db, 10).await;
    random_bars(&db, &mut random, &["NEW"], 48..60).await;
    let summary = run(&db, 10).await;
    // Its first return is of day 55.
    assert_eq!(summary.dates, 5);
    assert_eq!(
        (summary.correlations.inserted, summary.correlations.updated),
        (5 * 5, 0)
    );
    execute(&db, "DELETE FROM daily_bars WHERE symbol = 'NEW'")
        .await
        .unwrap();
    let summary = run(&db, 10).await;
    assert_eq!((summary.dates, summary.removed), (5, 11 + 5 + 25));
}

#[tokio::test]
async fn whoever_changes_a_bar_is_noticed() {
    let db = database_as_owner().await;
    let mut random = Random(23);
    random_bars(&db, &mut random, &["QQQ", "SPY"], 0..40).await;
    run(&db, 5).await;
    let pending =
        "SELECT concat_ws(' ', symbol, first_date, last_date) FROM returns_pending ORDER BY 1";
    for (change, noted) in [
        ("UPDATE daily_bars SET volume = 5", vec![]),
        (
            "UPDATE daily_bars SET close = 7 WHERE date = '2026-01-20'",
            vec!["QQQ 2026-01-20 2026-01-20", "SPY 2026-01-20 2026-01-20"],
        ),
        (
            "UPDATE daily_bars SET close = NULL WHERE symbol = 'SPY' AND date IN ('2026-01-03', '2026-01-30')",
            vec!["SPY 2026-01-03 2026-01-30"],
        ),
        (
            "UPDATE daily_bars SET date = '2026-05-01' WHERE symbol = 'QQQ' AND date = '2026-01-08'",
            vec!["QQQ 2026-01-08 2026-05-01"],
        ),
        (
            "DELETE FROM daily_bars WHERE symbol = 'QQQ' AND date > '2026-02-05'",
            vec!["QQQ 2026-02-06 2026-05-01"],
        ),
        (
            "INSERT INTO daily_bars (symbol, date, close) VALUES ('TLT', '2026-01-05', 3), ('TLT', '2026-01-01', 4)",
            vec!["TLT 2026-01-01 2026-01-05"],
        ),
        (
            "TRUNCATE daily_bars",
            vec![
                "QQQ 2026-01-02 2026-02-05",
                "SPY 2026-01-02 2026-02-09",
                "TLT 2026-01-05 2026-01-05",
            ],
        ),
    ] {
        execute(&db, change).await.unwrap();
        assert_eq!(
            column::<String>(&db, pending).await.unwrap(),
            noted,
            "{change}"
        );
        run(&db, 5).await;
        assert_eq!(crate::fixtures::count(&db, "returns_pending").await, 0);
    }
    let left = derived(&db).await;
    assert_eq!((left.daily.len(), left.correlations.len()), (0, 0));
}

#[tokio::test]
async fn a_window_longer_than_the_history_is_refused() {
    let db = database_as_owner().await;
    let mut random = Random(29);
    random_bars(&db, &mut random, &["QQQ", "SPY"], 0..30).await;
    run(&db, 5).await;
    let before = derived(&db).await;
    for dates in [24, 5_000] {
        let refused = metrics::run(&db, window(dates), Scope::Changed).await;
        let why = invalid(refused);
        assert!(why.contains("longer than the history: 23 dates"), "{why}");
    }
    assert_eq!(derived(&db).await, before);
    assert_eq!(run(&db, 23).await.dates, 1);
    // The same window over a shorter history is another matter: the bars no longer support it.
    execute(&db, "DELETE FROM daily_bars WHERE date > '2026-01-20'")
        .await
        .unwrap();
    let summary = run(&db, 23).await;
    assert_eq!((summary.dates, summary.dates_missing), (0, 10));
    assert_eq!(derived(&db).await.correlations, <[String; 0]>::default());
}

#[tokio::test]
async fn a_run_that_is_stopped_goes_on_where_it_was() {
    let db = database().await;
    let mut random = Random(31);
    random_bars(&db, &mut random, &["QQQ", "SPY"], 0..700).await;
    let mut heard = Vec::new();
    {
        let (tell, told) = tokio::sync::oneshot::channel();
        let mut tell = Some(tell);
        let whole = metrics::run_with(&db, window(30), Scope::Changed, |progress| {
            if let Progress::Correlations { done, .. } = progress
                && done > 0
            {
                tell.take().map(|tell| tell.send(progress));
            }
        });
        tokio::select! {
            ended = whole => panic!("it ended: {ended:?}"),
            progress = told => heard.push(progress.unwrap()),
        }
    }
    assert_eq!(
        heard,
        [Progress::Correlations {
            done: 221,
            dates: 664,
            values_per_date: 4
        }]
    );
    let rest = run(&db, 30).await;
    assert!(
        rest.bars == 0 && (1..=443).contains(&rest.dates),
        "{rest:?}"
    );
    let in_parts = derived(&db).await;
    let full = metrics::run(&db, window(30), Scope::All).await.unwrap();
    assert_eq!(
        (full.correlations.unchanged, full.correlations.inserted),
        (664 * 4, 0)
    );
    assert_eq!(derived(&db).await, in_parts);
}

/// With dates before them for their windows, all new dates still go in one transaction, and the job knows that it was the last.
#[tokio::test]
async fn dates_that_fit_take_one_part() {
    let db = database().await;
    let mut random = Random(37);
    let told = async || {
        let mut told = Vec::new();
        let run = metrics::run_with(&db, window(30), Scope::Changed, |progress| {
            if let Progress::Correlations { done, dates, .. } = progress {
                told.push((done, dates));
            }
        });
        run.await.unwrap();
        told
    };
    assert_eq!(told().await, []);
    random_bars(&db, &mut random, &["QQQ", "SPY"], 0..50).await;
    assert_eq!(told().await, [(0, 14), (14, 14)]);
    random_bars(&db, &mut random, &["QQQ", "SPY"], 50..290).await;
    assert_eq!(told().await, [(0, 240), (240, 240)]);
    random_bars(&db, &mut random, &["QQQ", "SPY"], 290..291).await;
    assert_eq!(told().await, [(0, 1), (1, 1)]);
    assert_eq!(told().await, []);
}

/// A small generator, the same in every run (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn price(&mut self) -> Price {
        let ticks = 900_000 + self.below(200_000);
        Price::new(Decimal::new(ticks as i64, 4)).unwrap()
    }

    /// Now and then none, now and then zero.
    fn close(&mut self) -> Option<Price> {
        match self.below(12) {
            0 => None,
            1 => Some(price("0")),
            _ => Some(self.price()),
        }
    }
}

/// What the rounds change.
struct Desk {
    random: Random,
    symbols: Vec<String>,
    days: u64,
    window: u16,
}

impl Desk {
    fn any_symbol(&mut self) -> String {
        let n = self.random.below(self.symbols.len() as u64);
        self.symbols[n as usize].clone()
    }

    /// Days come in steps of two, which leaves room for a bar in between.
    fn any_day(&mut self) -> u64 {
        2 * self.random.below(self.days)
    }

    async fn edit(&mut self, db: &Db) -> String {
        let ticker = self.any_symbol();
        let (what, bars) = match self.random.below(8) {
            0 => {
                let n = 2 * self.days;
                self.days += 1;
                let bars = self
                    .symbols
                    .iter()
                    .map(|ticker| bar(ticker, n, Some(self.random.price())));
                ("a new day".to_owned(), bars.collect())
            }
            1 => {
                let n = self.any_day();
                (
                    format!("another close of {ticker} on day {n}"),
                    vec![bar(&ticker, n, Some(self.random.price()))],
                )
            }
            2 => {
                let n = self.any_day();
                (
                    format!("no close of {ticker} on day {n}"),
                    vec![bar(&ticker, n, None)],
                )
            }
            3 => {
                let n = self.any_day();
                (
                    format!("a zero close of {ticker} on day {n}"),
                    vec![bar(&ticker, n, Some(price("0")))],
                )
            }
            4 => {
                let n = self.any_day() + 1;
                (
                    format!("a bar of {ticker} on day {n}, in between"),
                    vec![bar(&ticker, n, Some(self.random.price()))],
                )
            }
            5 if self.symbols.len() < 6 => {
                let name = format!("NEW{}", self.symbols.len());
                self.symbols.push(name.clone());
                // Some are too young for a seven-day return.
                let first = self.random.below(self.days);
                let bars = (first..self.days).map(|n| bar(&name, 2 * n, self.random.close()));
                (format!("{name} from day {first}"), bars.collect())
            }
            6 => {
                self.window = 2 + self.random.below(9) as u16;
                (format!("a window of {}", self.window), vec![])
            }
            _ => {
                let n = self.any_day();
                let sql = format!(
                    "DELETE FROM daily_bars WHERE symbol = '{ticker}' AND date = '{}'",
                    date(n)
                );
                execute(db, &sql).await.unwrap();
                (format!("no bar of {ticker} on day {n}"), vec![])
            }
        };
        bars::upsert_many(db, &bars).await.unwrap();
        what
    }
}

#[tokio::test]
async fn changes_lead_where_a_full_run_leads() {
    let db = database().await;
    let mut desk = Desk {
        random: Random(20_260_107),
        symbols: ["SPY", "QQQ", "TLT"].map(str::to_owned).to_vec(),
        days: 16,
        window: 4,
    };
    for ticker in desk.symbols.clone() {
        let bars: Vec<Bar> = (0..desk.days)
            .map(|n| bar(&ticker, 2 * n, desk.random.close()))
            .collect();
        bars::upsert_many(&db, &bars).await.unwrap();
    }
    let (mut edits, mut computed, mut all) = (Vec::new(), 0, 0);
    for round in 0..30 {
        for _ in 0..=desk.random.below(2) {
            edits.push(desk.edit(&db).await);
        }
        computed += run(&db, desk.window).await.dates;
        let incremental = derived(&db).await;
        for table in DERIVED {
            execute(&db, &format!("TRUNCATE {table}")).await.unwrap();
        }
        let full = metrics::run(&db, window(desk.window), Scope::All).await;
        all += full.unwrap().dates;
        let full = derived(&db).await;
        assert!(
            incremental == full,
            "round {round}, after {edits:#?}:\n{incremental:#?}\nis not\n{full:#?}"
        );
    }
    assert!(
        computed < all * 3 / 4,
        "{computed} of {all} dates were computed: that is not incremental"
    );
}

#[tokio::test]
async fn a_tampered_table_is_put_right() {
    let db = database().await;
    let mut random = Random(5);
    for ticker in ["SPY", "QQQ"] {
        let bars: Vec<Bar> = (0..20)
            .map(|n| bar(ticker, n, Some(random.price())))
            .collect();
        bars::upsert_many(&db, &bars).await.unwrap();
    }
    run(&db, 5).await;
    let before = derived(&db).await;
    let stray = Correlation {
        symbol_1: symbol("GLD"),
        symbol_2: symbol("SPY"),
        date: date(19),
        correlation: Some(dec("0.5")),
        window_rows: 5,
    };
    llm_trading_db::repo::correlations::upsert_many(&db, &[stray])
        .await
        .unwrap();
    for damage in [
        "UPDATE daily_log_returns SET log_return = 1 WHERE date = '2026-01-10'",
        "DELETE FROM daily_log_returns WHERE symbol = 'SPY'",
        "UPDATE rolling_7day_log_returns SET log_return_7d = 1 WHERE date = '2026-01-10'",
        "DELETE FROM rolling_7day_log_returns WHERE date = '2026-01-12'",
        "DELETE FROM correlation_matrix WHERE date = '2026-01-15' AND symbol_1 = 'SPY'",
        "UPDATE correlation_matrix SET window_rows = 30 WHERE date = '2026-01-16'",
        "INSERT INTO correlation_matrix SELECT symbol_1, symbol_2, '2030-01-01', 1, 5 FROM correlation_matrix
         WHERE date = '2026-01-14'",
    ] {
        assert!(execute(&db, damage).await.unwrap() > 0, "{damage}");
        metrics::run(&db, window(5), Scope::All).await.unwrap();
        assert_eq!(derived(&db).await, before, "{damage}");
    }
}
