//! Large old databases: how long they take, and how much memory.

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use super::{old::Old, rows::with_documents};
use crate::{cli::binary, own_process};

/// As many rows as ten weeks of a desk have, so many times over; of each table some are faulty.
const MANY: &str = r#"
CREATE FUNCTION pg_temp.week(n bigint) RETURNS text LANGUAGE sql AS $$
    SELECT CASE n % 7 WHEN 4 THEN to_char(day + 1, 'YYYY-MM-DD') WHEN 5 THEN to_char(day - 2, 'YYYY-MM-DD')
               WHEN 6 THEN to_char(day, 'IYYY"-W"IW') ELSE to_char(day, 'YYYY-MM-DD') END
    FROM (SELECT date '2026-11-18' - 7 * n::integer AS day) AS week
$$;
INSERT INTO daily_bars (symbol, date, open, high, low, close, volume)
SELECT CASE WHEN n % 900 = 5 THEN lower(symbol) ELSE symbol END, date '2026-11-25' - n::integer, 100, 120, 90,
       CASE WHEN n % 700 = 3 THEN 'NaN' ELSE 100 + place + round((10 * sin(n * (place + 2)))::numeric, 2) END, 1000 + n
FROM generate_series(0, 500 * :times - 1) AS n, unnest('{SPY,QQQ,IWM,TLT,HYG,UUP,GLD,USO,VIXY,SH}'::text[]) WITH ORDINALITY AS s (symbol, place);
INSERT INTO daily_log_returns (symbol, date, log_return) SELECT symbol, date, 0.001 FROM daily_bars WHERE symbol = upper(symbol);
INSERT INTO rolling_7day_log_returns (symbol, date, log_return_7d) SELECT symbol, date, 0.007 FROM daily_bars WHERE symbol = upper(symbol);
INSERT INTO correlation_matrix (date, symbol_1, symbol_2, correlation)
SELECT date '2026-11-25' - n::integer, a, b, CASE WHEN a = b THEN 1 ELSE 0.25 END
FROM generate_series(0, 61 * :times - 1) AS n, unnest('{SPY,QQQ,IWM,TLT,HYG,UUP,GLD,USO,VIXY,SH}'::text[]) AS a, unnest('{SPY,QQQ,IWM,TLT,HYG,UUP,GLD,USO,VIXY,SH}'::text[]) AS b;
INSERT INTO hourly_snapshots (symbol, timestamp, date, hour, price, volume)
SELECT 'SPY', timestamptz '2026-11-25 15:00Z' - n * interval '1 hour', date '2026-11-25', CASE WHEN n % 400 = 1 THEN 77 ELSE 11 END, 500.25, n
FROM generate_series(1, 502 * :times) AS n;
INSERT INTO fetch_log (fetch_type, symbol, status, timestamp)
SELECT CASE n % 3 WHEN 0 THEN 'seed' WHEN 1 THEN 'daily_close' ELSE 'hourly_snapshot' END, 'SPY', CASE n % 16 WHEN 1 THEN 'error' ELSE 'success' END,
       timestamptz '2026-11-25Z' - n * interval '1 hour' FROM generate_series(1, 32 * :times) AS n;
INSERT INTO research_reports (week_id, provider, model, natural_language, structured_json, status, created_at)
SELECT pg_temp.week(n / 2), CASE n % 2 WHEN 0 THEN 'gemini' ELSE 'perplexity' END, 'sonar', 'Calm', CASE WHEN n % 19 = 5 THEN '[1]' ELSE §research§ END, 'complete',
       timestamptz '2026-11-25Z' - n * interval '80 hours' FROM generate_series(0, 20 * :times - 1) AS n;
INSERT INTO pm_pitches (id, week_id, model, account, pitch_data, instrument, direction, conviction, research_date, created_at)
SELECT md5('pitch' || n)::uuid, pg_temp.week(n / 7), (ARRAY['chatgpt', 'groq', 'gemini', 'claude', 'deepseek', 'mistral', 'grok'])[n % 7 + 1], 'GROQ',
       CASE WHEN n % 50 = 9 THEN to_jsonb(§pitch_v2§::text) WHEN n % 50 = 11 THEN §pitch_v2§ || '{"conviction": 9}' ELSE §pitch_v2§ END, 'TLT', 'LONG', 1.25,
       CASE WHEN n % 10 < 9 THEN timestamptz '2026-11-18 12:00Z' - (n / 7) * interval '7 days' END, timestamptz '2026-11-18 13:00Z' - (n / 7) * interval '7 days'
FROM generate_series(0, 71 * :times - 1) AS n;
INSERT INTO peer_reviews (week_id, pitch_id, reviewer_model, pitch_label, review_data, research_date, created_at)
SELECT pg_temp.week(n / 2 / 7), md5((CASE WHEN n % 60 = 7 THEN 'gone' ELSE 'pitch' END) || n / 2)::uuid, 'judge-' || n % 2, 'Pitch C', §review§,
       timestamptz '2026-11-18 12:00Z' - (n / 2 / 7) * interval '7 days', timestamptz '2026-11-18 14:00Z' - (n / 2 / 7) * interval '7 days'
FROM generate_series(0, 140 * :times - 1) AS n;
INSERT INTO chairman_decisions (week_id, decision_data, research_date, created_at)
SELECT pg_temp.week(n), §decision§ - 'decision_id', timestamptz '2026-11-18 12:00Z' - n * interval '7 days', timestamptz '2026-11-18 15:00Z' - n * interval '7 days'
FROM generate_series(0, 14 * :times - 1) AS n;
INSERT INTO execution_events (week_id, event_type, account, event_data, occurred_at, created_at)
SELECT pg_temp.week(n / 12), CASE n % 3 WHEN 0 THEN 'ENTRY' WHEN 1 THEN 'EXIT' ELSE 'order.filled' END, 'ACCOUNT_' || n / 3 % 4,
       CASE n % 3 WHEN 0 THEN §event_entry§ - 'event_type' WHEN 1 THEN §event_exit§ - 'event_type' ELSE jsonb_build_object('n', n) END, at, at
FROM generate_series(0, 173 * :times - 1) AS n CROSS JOIN LATERAL (SELECT timestamptz '2026-11-19 15:00Z' - (n / 12) * interval '7 days' + n % 3 * interval '1 hour' AS at) AS at;
INSERT INTO weekly_performance (account, week_id, week_start, week_end, weekly_return, realized_pnl, fees, net_pnl, calculated_at)
SELECT 'ACCOUNT_' || n % 6, pg_temp.week(n / 6), '2026-01-07', '2026-01-13', 0.01, 12.25, CASE WHEN n % 60 = 7 THEN 'NaN' ELSE 1.10 END, 11.15, '2026-11-20Z'
FROM generate_series(0, 63 * :times - 1) AS n;
INSERT INTO account_performance (account, weeks_lookback, total_return, calculated_at)
SELECT 'ACCOUNT_' || n % 12, NULL, 0.01, timestamptz '2026-11-20Z' - n * interval '1 hour' FROM generate_series(1, 31 * :times) AS n;
INSERT INTO market_condition_performance (condition_type, condition_value, account, weeks_lookback, calculated_at)
SELECT 'volatility', 'level ' || n, 'GROQ', NULL, '2026-11-20Z' FROM generate_series(1, 14 * :times) AS n;
INSERT INTO users (name, email, age) SELECT 'User ' || n, CASE WHEN n % 20 = 3 THEN 'nowhere' ELSE 'u' || n || '@desk.example' END, 30 FROM generate_series(1, 23 * :times) AS n;
INSERT INTO logs (level, message, data) SELECT CASE WHEN n % 500 = 1 THEN 'LOUD' WHEN n % 5 = 0 THEN 'warn' ELSE 'INFO' END, 'line ' || n, jsonb_build_object('n', n) FROM generate_series(1, 1005 * :times) AS n;
INSERT INTO accounts (balance) SELECT CASE WHEN n % 4 = 1 THEN -1 ELSE n END FROM generate_series(1, 4 * :times) AS n;
"#;

/// Between these lines the page on the move has what a run measured.
const MARKS: (&str, &str) = ("<!-- adoption: begin -->", "<!-- adoption: end -->");

/// What a run took.
struct Run {
    times: u32,
    rows: u64,
    derived: u64,
    adopted: u64,
    refused: u64,
    seconds: f64,
    megabytes: u64,
}

async fn adopt_many(times: u32) -> Run {
    let old = Old::new().await;
    let filled = MANY.replace(":times", &times.to_string());
    old.run(&with_documents(&filled)).await;
    // Into a file: a pipe that nobody reads would hold the program up.
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("adopted-{times}"));
    let begun = Instant::now();
    let mut child = binary(&old.url)
        .args(["adopt", "--json"])
        .stdin(Stdio::null())
        .stdout(fs::File::create(&out).unwrap())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut most = 0;
    let status = loop {
        most = most.max(own_process::peak(child.id()).unwrap_or(most));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    let seconds = begun.elapsed().as_secs_f64();
    assert_eq!(status.code(), Some(3));
    let report: serde_json::Value = serde_json::from_slice(&fs::read(&out).unwrap()).unwrap();
    let tables = report["tables"].as_array().unwrap();
    let sum = |name: &str, recomputed: bool| -> u64 {
        let of = tables.iter().filter(|t| t["recomputed"] == recomputed);
        of.map(|t| t[name].as_u64().unwrap()).sum()
    };
    Run {
        times,
        rows: sum("legacy", false),
        derived: sum("legacy", true),
        adopted: sum("adopted", false),
        refused: sum("refused", false),
        seconds,
        megabytes: most / 1024,
    }
}

/// Ten times the rows of a desk's ten weeks, in seconds.
#[tokio::test]
#[ignore = "takes a minute; `just soak` runs it"]
async fn soak_of_ten_times_the_rows() {
    let run = adopt_many(10).await;
    within_limits(&run);
}

fn within_limits(run: &Run) {
    assert!(run.refused * 50 < run.rows, "{} refused", run.refused);
    assert_eq!(run.adopted + run.refused, run.rows);
    // The bars that were asked for: ten seconds for a desk's ten weeks, a minute for ten times that, and no more than in proportion.
    let limit = if run.times == 1 {
        10.0
    } else {
        6.0 * f64::from(run.times)
    };
    assert!(
        run.seconds < limit,
        "{} rows in {} s",
        run.rows + run.derived,
        run.seconds
    );
    assert!(run.megabytes < 300, "{} MB", run.megabytes);
}

/// Once, ten and a hundred times; writes the figures into the guide where `RECORD_ADOPTION` is set.
#[tokio::test]
#[ignore = "takes minutes; `just adoption-figures` runs it"]
async fn figures_of_large_adoptions() {
    let mut table = "| old rows | and derived ones | adopted | refused | seconds | memory |\n|--:|--:|--:|--:|--:|--:|\n".to_owned();
    for times in [1, 10, 100] {
        let run = adopt_many(times).await;
        let Run {
            rows,
            derived,
            adopted,
            refused,
            seconds,
            megabytes,
            ..
        } = run;
        writeln!(
            table,
            "| {rows} | {derived} | {adopted} | {refused} | {seconds:.1} | {megabytes} MB |"
        )
        .unwrap();
        eprint!("{} times\n{table}", run.times);
        within_limits(&run);
    }
    if std::env::var_os("RECORD_ADOPTION").is_some() {
        record(&table);
    }
}

fn record(table: &str) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/from-asyncpg.md");
    let text = fs::read_to_string(&page).unwrap();
    let (before, rest) = text.split_once(MARKS.0).unwrap();
    let (_, after) = rest.split_once(MARKS.1).unwrap();
    let commit = Command::new("git")
        .args(["rev-parse", "--short=10", "HEAD"])
        .output()
        .unwrap();
    let commit = String::from_utf8(commit.stdout).unwrap();
    let (begin, end) = MARKS;
    let commit = commit.trim();
    let text = format!(
        "{before}{begin}\n\nCommit {commit}, PostgreSQL on the same machine:\n\n{table}\n{end}{after}"
    );
    fs::write(&page, text).unwrap();
}
