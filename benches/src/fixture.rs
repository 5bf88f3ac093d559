//! The data of the desk that all peers work on, and the arguments they draw.

use std::{
    str::FromStr,
    sync::atomic::{AtomicI64, Ordering},
};

use anyhow::{Context, Result};
use chrono::{DateTime, Days, NaiveDate, Utc};
use llm_trading_db::{
    db::Db,
    documents::PitchDocument,
    repo::{
        accounts,
        bars::{self, Bar},
        returns::Return,
    },
    types::{AccountId, Balance, Price, Symbol, Timestamp, WeekId},
};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::workload::IDS_AT_ONCE;

const SYMBOLS: [&str; 10] = [
    "SPY", "QQQ", "IWM", "TLT", "HYG", "UUP", "GLD", "USO", "VIXY", "SH",
];
pub const DAYS: u64 = 2500;
pub const BARS_EACH: i64 = 30;
pub const PITCHES: u128 = 2000;
pub const ACCOUNTS: u128 = 100;
const MOST_RETURNS: usize = 10_000;
const MOST_PITCHES: usize = 100;

/// Ids are these plus a number, so that pgbench can draw them, too.
pub const PITCH_ID: u128 = 0x018f_0000_0000_7000_8000_0000_0000_0000;
pub const ACCOUNT_ID: u128 = 0x018e_0000_0000_7000_8000_0000_0000_0000;

/// What the peers draw their arguments from.
pub struct Fixture {
    pub symbols: Vec<Symbol>,
    /// Day of the newest bar.
    pub until: NaiveDate,
    /// Two values for each of the same keys: an upsert that alternates changes every row.
    pub returns: [Vec<Return>; 2],
    /// A pitch of 2 KB.
    pub document: String,
    pub week: WeekId,
    /// Models that pitch at once.
    pub models: Vec<String>,
    next: AtomicI64,
}

impl Fixture {
    pub fn new() -> Result<Self> {
        let symbols: Vec<Symbol> = SYMBOLS
            .iter()
            .map(|s| s.parse())
            .collect::<Result<_, _>>()?;
        let document = document("2024-01-03", "anthropic/claude")?.to_string();
        PitchDocument::from_json(&document)?;
        Ok(Self {
            until: first_day()? + Days::new(DAYS - 1),
            returns: [returns(&symbols, 0)?, returns(&symbols, 1)?],
            symbols,
            document,
            week: "2024-01-03".parse()?,
            models: (0..MOST_PITCHES)
                .map(|n| format!("bench/model-{n:03}"))
                .collect(),
            next: AtomicI64::new(0),
        })
    }

    pub fn pitch_id(&self) -> Uuid {
        Uuid::from_u128(PITCH_ID + fastrand::u128(0..PITCHES))
    }

    /// Different ones.
    pub fn pitch_ids(&self) -> [Uuid; IDS_AT_ONCE] {
        let first = fastrand::u128(0..PITCHES);
        // 157 shares no factor with the number of pitches.
        std::array::from_fn(|n| Uuid::from_u128(PITCH_ID + (first + n as u128 * 157) % PITCHES))
    }

    /// Two different accounts.
    pub fn accounts(&self) -> (Uuid, Uuid) {
        let from = fastrand::u128(0..ACCOUNTS);
        let to = (from + fastrand::u128(1..ACCOUNTS)) % ACCOUNTS;
        (
            Uuid::from_u128(ACCOUNT_ID + from),
            Uuid::from_u128(ACCOUNT_ID + to),
        )
    }

    /// The first `n` returns, each time with other values.
    pub fn returns(&self, n: usize) -> &[Return] {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % 2;
        &self.returns[usize::from(turn == 1)][..n]
    }

    /// An instant of research that no pitch rests on yet.
    pub fn research_date(&self) -> DateTime<Utc> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        DateTime::from_timestamp_micros(1_600_000_000_000_000 + number).unwrap_or_default()
    }
}

pub fn first_day() -> Result<NaiveDate> {
    NaiveDate::from_ymd_opt(2019, 1, 1).context("a day")
}

fn returns(symbols: &[Symbol], version: usize) -> Result<Vec<Return>> {
    let per_symbol = MOST_RETURNS / symbols.len();
    let first = first_day()?;
    let row = |n: usize| {
        let value = (n * 7919 + version * 104_729) % 2_000_000;
        Return {
            symbol: symbols[n % symbols.len()],
            date: first + Days::new((n / symbols.len()) as u64),
            log_return: Decimal::new(value as i64 - 1_000_000, 8),
        }
    };
    Ok((0..per_symbol * symbols.len()).map(row).collect())
}

/// A pitch as the desk stores it, 2 KB of JSON.
fn document(week: &str, model: &str) -> Result<Value> {
    let bullet = "The policy path is priced for two cuts, while breadth, credit spreads and the revisions of earnings \
                  all point to growth that holds; positioning is light after four weeks of outflows, and a print below \
                  consensus would force systematic buyers back in above the 50-day average.";
    let document = json!({
        "idea_id": "b5e1c9a2-6f1e-4a53-9f0e-0d6c8f4a7c11",
        "week_id": week,
        "asof_et": "2024-01-03T09:15:00-05:00",
        "pm_model": model,
        "selected_instrument": "SPY",
        "direction": "LONG",
        "horizon": "1W",
        "conviction": 1.5,
        "risk_profile": "BASE",
        "thesis_bullets": [
            format!("Rates: {bullet}"), format!("Flows: {bullet}"), format!("Breadth: {bullet}"), format!("Macro: {bullet}"),
        ],
        "entry_policy": { "mode": "limit", "limit_price": 471.25 },
        "exit_policy": {
            "time_stop_days": 7, "stop_loss_pct": 0.015, "take_profit_pct": 0.025, "exit_before_events": ["NFP", "CPI"],
        },
        "consensus_map": { "gemini": "agree", "perplexity": "disagree", "grok": "neutral" },
        "risk_notes": "A hot print of wages, a failed auction at the long end, or a headline on trade would break the setup; \
                       the stop is below the low of the range, and half of it is taken off ahead of the release if the price has not moved by then; no position is held over the weekend.",
        "model": "claude",
        "timestamp": "2024-01-03T14:15:02.123456",
    });
    let size = document.to_string().len();
    anyhow::ensure!(
        (1900..2200).contains(&size),
        "the document has {size} bytes"
    );
    Ok(document)
}

/// Fills an empty database.
#[expect(
    clippy::disallowed_methods,
    reason = "the data is made by a statement of its own"
)]
pub async fn fill(fixture: &Fixture, db: &Db, pool: &PgPool) -> Result<()> {
    bars::upsert_many(db, &bars(fixture)?).await?;
    for n in 0..ACCOUNTS {
        let id = AccountId::from_uuid(Uuid::from_u128(ACCOUNT_ID + n));
        accounts::open(db, id, Balance::new(Decimal::from(100_000))?, opened()).await?;
    }
    let documents: Vec<String> = (0..PITCHES)
        .map(|n| pitch(n).map(|document| document.to_string()))
        .collect::<Result<_>>()?;
    let ids: Vec<Uuid> = (0..PITCHES)
        .map(|n| Uuid::from_u128(PITCH_ID + n))
        .collect();
    sqlx::query(
        "INSERT INTO pm_pitches (id, week_id, model, account, pitch_data)
         SELECT id, (document ->> 'week_id')::date, document ->> 'pm_model', 'CLAUDE', document
         FROM UNNEST($1::uuid[], $2::jsonb[]) AS new (id, document)",
    )
    .bind(ids)
    .bind(
        documents
            .iter()
            .map(|d| serde_json::from_str(d))
            .collect::<Result<Vec<Value>, _>>()?,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Twenty models pitch in each of a hundred weeks.
fn pitch(n: u128) -> Result<Value> {
    let first = NaiveDate::from_ymd_opt(2022, 1, 5).context("a Wednesday")?;
    let week = first + Days::new(7 * u64::try_from(n / 20)?);
    document(&week.to_string(), &format!("vendor/model-{:02}", n % 20))
}

fn opened() -> Timestamp {
    DateTime::from_timestamp(1_700_000_000, 0)
        .unwrap_or_default()
        .into()
}

/// Random walks, the same in every run.
fn bars(fixture: &Fixture) -> Result<Vec<Bar>> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut bars = Vec::new();
    for symbol in &fixture.symbols {
        let mut close = 100.0_f64;
        for day in 0..DAYS {
            close = (close * (1.0 + 0.02 * (random.f64() - 0.497))).clamp(5.0, 5_000.0);
            let price = |factor: f64| Price::from_str(&format!("{:.4}", close * factor)).map(Some);
            bars.push(Bar {
                symbol: *symbol,
                date: first_day()? + Days::new(day),
                open: price(0.998)?,
                high: price(1.004)?,
                low: price(0.995)?,
                close: price(1.0)?,
                volume: Some(random.i64(1_000_000..90_000_000)),
            });
        }
    }
    Ok(bars)
}

/// One more bar of each symbol, for the day after the newest.
pub fn next_day(fixture: &Fixture) -> Result<Vec<Bar>> {
    let bar = |symbol: &Symbol| -> Result<Bar> {
        Ok(Bar {
            symbol: *symbol,
            date: fixture.until + Days::new(1),
            open: None,
            high: None,
            low: None,
            close: Some(Price::from_str("101.2500")?),
            volume: Some(1_000_000),
        })
    };
    fixture.symbols.iter().map(bar).collect()
}
