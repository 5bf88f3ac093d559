//! What the models see of the market: a snapshot for research, one for a checkpoint within the week, and the metrics.
//!
//! Percentages are of exact decimals, rounded half to even to two places; only the seven-bar change is made from its logarithm. Zero is a value; what is not known is `None`.
//! The snapshots take two statements, whatever the number of symbols.

pub mod indicators;

use std::{cmp::Reverse, collections::BTreeMap};

use chrono::NaiveDate;
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::Serialize;

use crate::{
    db::{Db, Isolation, Tx, TxOptions},
    error::Result,
    repo::{
        bars::{self, Bar},
        correlations::{self, Matrix},
        returns::{self, Return},
        snapshots::{self, Snapshot},
    },
    types::{Price, Symbol, WeekId, exact},
};
use indicators::{Closes, percent_change};

/// Bars shown per symbol.
const BARS_SHOWN: u32 = 30;
/// Closes read per symbol: the newest, fifty before it, and at a checkpoint that of a day that is not over.
const CLOSES_READ: u32 = 52;
const LAST_HOUR: i32 = 23;

/// The market as known at the end of a trading day.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MarketSnapshot {
    /// The day; later bars and prices are left out.
    pub as_of: NaiveDate,
    /// The symbols that have at least one bar or hourly price.
    pub instruments: BTreeMap<Symbol, InstrumentSnapshot>,
}

/// One symbol of a [`MarketSnapshot`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct InstrumentSnapshot {
    /// Ticker.
    pub symbol: Symbol,
    /// The newest price.
    pub current: Option<Current>,
    /// The newest thirty bars, newest first.
    pub daily_ohlcv_30d: Vec<Ohlcv>,
    /// Technical indicators of the closes.
    pub indicators: Indicators,
}

/// The newest price of a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Current {
    /// In US dollars: an hourly price of a day after the newest close, else that close.
    pub price: Price,
    /// Day of the price.
    pub date: NaiveDate,
    /// Change from the newest close of a day before, in per cent.
    #[serde(serialize_with = "exact::option::serialize")]
    pub change_pct: Option<Decimal>,
}

/// One bar of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Ohlcv {
    /// Trading day.
    pub date: NaiveDate,
    /// First price.
    pub open: Option<Price>,
    /// Highest price.
    pub high: Option<Price>,
    /// Lowest price.
    pub low: Option<Price>,
    /// Last price.
    pub close: Option<Price>,
    /// Shares traded.
    pub volume: Option<i64>,
}

/// Technical indicators; each is `None` without enough closes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Indicators {
    /// Mean of the newest twenty closes.
    #[serde(serialize_with = "exact::option::serialize")]
    pub sma_20: Option<Decimal>,
    /// Mean of the newest fifty closes.
    #[serde(serialize_with = "exact::option::serialize")]
    pub sma_50: Option<Decimal>,
    /// Relative strength over the newest fourteen changes, see [`Closes::rsi`].
    #[serde(serialize_with = "exact::option::serialize")]
    pub rsi_14: Option<Decimal>,
    /// The current price is above `sma_20`.
    pub above_sma20: Option<bool>,
    /// The current price is above `sma_50`.
    pub above_sma50: Option<bool>,
    /// The newest close is above the twentieth close before it.
    pub uptrend_20d: Option<bool>,
    /// The newest close is above the fiftieth close before it.
    pub uptrend_50d: Option<bool>,
}

/// A symbol at a checkpoint within a week.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Checkpoint {
    /// Ticker.
    pub symbol: Symbol,
    /// The newest price at the checkpoint.
    pub current: Option<Current>,
    /// Opening price of the first bar on or after the week's Wednesday; its close if it has no opening price.
    pub week_open: Option<Price>,
    /// Day of that bar.
    pub week_open_date: Option<NaiveDate>,
    /// Change of the current price from the week's open, in per cent.
    #[serde(serialize_with = "exact::option::serialize")]
    pub change_since_open_pct: Option<Decimal>,
    /// Technical indicators of the closes.
    pub indicators: Indicators,
}

/// The market as known at the end of the trading day `as_of`.
#[tracing::instrument(name = "service.market.snapshot", skip_all, fields(symbols = symbols.len(), %as_of), err(level = "debug"))]
pub async fn snapshot(db: &Db, symbols: &[Symbol], as_of: NaiveDate) -> Result<MarketSnapshot> {
    let data = load(db, symbols, as_of, LAST_HOUR).await?;
    let instruments = data
        .into_iter()
        .map(|(symbol, data)| {
            let current = data.current();
            let snapshot = InstrumentSnapshot {
                symbol,
                current,
                daily_ohlcv_30d: data
                    .bars
                    .iter()
                    .rev()
                    .take(BARS_SHOWN as usize)
                    .map(Ohlcv::from)
                    .collect(),
                indicators: data.indicators(current),
            };
            (symbol, snapshot)
        })
        .collect();
    Ok(MarketSnapshot { as_of, instruments })
}

/// The symbols at an hour (0 to 23, at the exchange) of a trading day of a week, by symbol. On the day itself only hourly
/// prices up to that hour count; its bar is not known yet.
#[tracing::instrument(name = "service.market.checkpoint", skip_all, fields(symbols = symbols.len(), %week, %date, hour), err(level = "debug"))]
pub async fn checkpoint(
    db: &Db,
    symbols: &[Symbol],
    week: WeekId,
    date: NaiveDate,
    hour: i32,
) -> Result<Vec<Checkpoint>> {
    let data = load(db, symbols, date, hour).await?;
    let checkpoints = data.into_iter().map(|(symbol, mut data)| {
        let open = data
            .bars
            .iter()
            .find(|bar| bar.date >= week.start())
            .copied();
        let week_open = open.and_then(|bar| bar.open.or(bar.close.filter(|_| bar.date < date)));
        // The day is not over: of its own bar only the open is known.
        data.bars.retain(|bar| bar.date < date);
        let current = data.current();
        Checkpoint {
            symbol,
            current,
            week_open,
            week_open_date: open.map(|bar| bar.date),
            change_since_open_pct: current
                .zip(week_open)
                .and_then(|(current, open)| percent_change(open.value(), current.price.value())),
            indicators: data.indicators(current),
        }
    });
    Ok(checkpoints.collect())
}

/// What the metrics job found last, read as of one instant.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MarketMetrics {
    /// The newest seven-bar return of each symbol, highest first.
    pub returns_7d: Vec<SevenDayReturn>,
    /// The newest correlations; `None` before the history is as long as their window.
    pub correlations: Option<Matrix>,
}

/// The newest seven-bar return of a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SevenDayReturn {
    /// Ticker.
    pub symbol: Symbol,
    /// Day of the later bar; a symbol that lags behind the others has its own.
    pub date: NaiveDate,
    /// ln(close / close seven bars before).
    #[serde(with = "exact")]
    pub log_return_7d: Decimal,
    /// The same as a change in per cent: 100 · (exp(`log_return_7d`) − 1), two decimals.
    #[serde(with = "exact::option")]
    pub change_pct: Option<Decimal>,
}

/// The newest returns and correlations, in three statements.
#[tracing::instrument(name = "service.market.metrics", skip_all, err(level = "debug"))]
pub async fn metrics(db: &Db) -> Result<MarketMetrics> {
    let options = TxOptions::new()
        .isolation(Isolation::RepeatableRead)
        .read_only();
    let read = async |tx: &mut Tx| -> Result<(Vec<Return>, Option<Matrix>)> {
        let symbols = bars::symbols(&mut *tx).await?;
        let returns = returns::latest_7day(&mut *tx, &symbols).await?;
        Ok((returns, correlations::latest_matrix(tx).await?))
    };
    let (mut returns, correlations) = db.transaction_with(options, read).await?;
    returns.sort_by_key(|row| Reverse(row.log_return));
    let returns_7d = returns.iter().map(|row| SevenDayReturn {
        symbol: row.symbol,
        date: row.date,
        log_return_7d: row.log_return,
        change_pct: change_of(row.log_return),
    });
    Ok(MarketMetrics {
        returns_7d: returns_7d.collect(),
        correlations,
    })
}

/// A log return as a change in per cent.
fn change_of(log_return: Decimal) -> Option<Decimal> {
    let change = log_return.to_f64()?.exp_m1() * 100.0;
    Some(Decimal::try_from(change).ok()?.round_dp(2))
}

/// What is known of a symbol: bars oldest first, and the newest hourly price.
#[derive(Default)]
struct Known {
    bars: Vec<Bar>,
    hourly: Option<Snapshot>,
}

async fn load(
    db: &Db,
    symbols: &[Symbol],
    until: NaiveDate,
    hour: i32,
) -> Result<BTreeMap<Symbol, Known>> {
    // Both reads see the same instant.
    let options = TxOptions::new()
        .isolation(Isolation::RepeatableRead)
        .read_only();
    let read = async |tx: &mut Tx| -> Result<(Vec<Bar>, Vec<Snapshot>)> {
        let bars = bars::last_closes(&mut *tx, symbols, BARS_SHOWN, CLOSES_READ, until).await?;
        Ok((bars, snapshots::latest(tx, symbols, until, hour).await?))
    };
    let (bars, hourly) = db.transaction_with(options, read).await?;
    let mut known: BTreeMap<Symbol, Known> = BTreeMap::new();
    for bar in bars {
        known.entry(bar.symbol).or_default().bars.push(bar);
    }
    for snapshot in hourly {
        known.entry(snapshot.symbol).or_default().hourly = Some(snapshot);
    }
    Ok(known)
}

impl Known {
    /// Dated closes, oldest first.
    fn closes(&self) -> impl DoubleEndedIterator<Item = (NaiveDate, Price)> {
        self.bars
            .iter()
            .filter_map(|bar| Some((bar.date, bar.close?)))
    }

    fn current(&self) -> Option<Current> {
        let close = self.closes().next_back();
        let hourly = self
            .hourly
            .and_then(|hourly| Some((hourly.date, hourly.price?)));
        // A close ends its day, so an hourly price is newer only on a later day.
        let (date, price) = match (hourly, close) {
            (Some(hourly), Some(close)) if hourly.0 > close.0 => hourly,
            (hourly, close) => close.or(hourly)?,
        };
        let previous = self.closes().rev().find(|(other, _)| *other < date);
        Some(Current {
            price,
            date,
            change_pct: previous
                .and_then(|(_, close)| percent_change(close.value(), price.value())),
        })
    }

    fn indicators(&self, current: Option<Current>) -> Indicators {
        let values: Vec<Decimal> = self.closes().map(|(_, close)| close.value()).collect();
        let closes = Closes::new(self.closes().map(|(date, close)| (date, close.value())));
        let (sma_20, sma_50) = (closes.sma(20), closes.sma(50));
        let above = |mean: Option<Decimal>| Some(current?.price.value() > mean?);
        let uptrend = |closes: usize| {
            let newest = values.last()?;
            Some(newest > &values[values.len().checked_sub(closes + 1)?])
        };
        Indicators {
            sma_20,
            sma_50,
            rsi_14: closes.rsi(14),
            above_sma20: above(sma_20),
            above_sma50: above(sma_50),
            uptrend_20d: uptrend(20),
            uptrend_50d: uptrend(50),
        }
    }
}

impl From<&Bar> for Ohlcv {
    fn from(bar: &Bar) -> Self {
        Self {
            date: bar.date,
            open: bar.open,
            high: bar.high,
            low: bar.low,
            close: bar.close,
            volume: bar.volume,
        }
    }
}
