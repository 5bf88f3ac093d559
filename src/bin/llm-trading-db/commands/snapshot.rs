//! `snapshot`: the market on a day.

use anyhow::{Context, Result, bail, ensure};
use chrono::NaiveDate;
use llm_trading_db::{
    db::Db,
    error::Error,
    repo::{
        bars,
        rows::{Misfit, Replay, readable},
    },
    service::market::{self, InstrumentSnapshot, MarketSnapshot},
    types::Symbol,
};

use super::{all_read, date};
use crate::{
    chart::sparkline,
    output::{self, Format, or_dash},
};

/// Symbols listed in a message.
const LISTED: usize = 20;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Symbols to show, separated by commas; without it all that have bars
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    symbols: Vec<Symbol>,

    /// Leaves out what came after this day; without it after the newest bar
    #[arg(long, value_name = "DATE", value_parser = date)]
    as_of: Option<NaiveDate>,

    #[command(flatten)]
    format: Format,
}

pub(crate) async fn run(db: &Db, args: &Args) -> Result<()> {
    let (symbols, mut misfits) = symbols(db, &args.symbols).await?;
    let as_of = match args.as_of {
        Some(date) => date,
        None => newest_bar(db, &symbols).await?,
    };
    let (snapshot, of_bars) = readable_snapshot(db, &symbols, as_of).await?;
    misfits.extend(of_bars);
    let complete = all_read(&misfits);
    if snapshot.instruments.is_empty() {
        complete?;
        bail!("there are no bars on or before {as_of}");
    }
    match args.format.json {
        true => output::json(&snapshot)?,
        false => output::text(&render(&snapshot))?,
    }
    complete
}

/// The snapshot without the symbols that have a row that cannot be read, and these rows.
async fn readable_snapshot(
    db: &Db,
    symbols: &[Symbol],
    as_of: NaiveDate,
) -> Result<(MarketSnapshot, Vec<Misfit>)> {
    match market::snapshot(db, symbols, as_of).await {
        Err(Error::Decode(_)) => {}
        other => return Ok((other?, Vec::new())),
    }
    let mut whole = market::snapshot(db, &[], as_of).await?;
    let mut misfits = Vec::new();
    for symbol in symbols {
        match market::snapshot(db, &[*symbol], as_of).await {
            Ok(mut one) => whole.instruments.append(&mut one.instruments),
            Err(Error::Decode(misfit)) => misfits.push(*misfit),
            Err(error) => return Err(error.into()),
        }
    }
    Ok((whole, misfits))
}

/// The symbols asked for, all of them known, or all that are known.
async fn symbols(db: &Db, asked: &[Symbol]) -> Result<(Vec<Symbol>, Vec<Misfit>)> {
    let found = readable(db, |replay: Replay| bars::symbols(replay)).await?;
    let known = found.rows;
    ensure!(
        !known.is_empty(),
        "there are no bars yet: run `llm-trading-db import-bars FILE.csv`"
    );
    let unknown: Vec<_> = asked
        .iter()
        .filter(|symbol| !known.contains(symbol))
        .copied()
        .collect();
    ensure!(
        unknown.is_empty(),
        "no bars of {}: there are those of {}",
        list(&unknown),
        list(&known)
    );
    Ok(match asked {
        [] => (known, found.misfits),
        asked => (asked.to_vec(), Vec::new()),
    })
}

fn list(symbols: &[Symbol]) -> String {
    let shown: Vec<_> = symbols.iter().take(LISTED).map(Symbol::as_str).collect();
    match symbols.len().saturating_sub(LISTED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The day of the newest bar of any of the symbols.
pub(crate) async fn newest_bar(db: &Db, symbols: &[Symbol]) -> Result<NaiveDate> {
    let newest = readable(db, |replay: Replay| bars::latest(replay, symbols)).await?;
    newest
        .rows
        .iter()
        .map(|bar| bar.date)
        .max()
        .context("there are no bars of these symbols")
}

/// The snapshot as a table, with the closes of the last thirty bars as a sparkline.
pub(crate) fn render(snapshot: &MarketSnapshot) -> String {
    let headings = [
        "symbol",
        "last 30 closes",
        "date",
        "price",
        "change %",
        "sma 20",
        "sma 50",
        "rsi 14",
    ];
    let mut table = output::table(&headings, 3);
    for instrument in snapshot.instruments.values() {
        let InstrumentSnapshot {
            symbol,
            current,
            daily_ohlcv_30d,
            indicators,
            ..
        } = instrument;
        let closes = daily_ohlcv_30d.iter().rev().map(|bar| bar.close);
        table.add_row([
            symbol.to_string(),
            sparkline(closes),
            or_dash(current.map(|current| current.date)),
            or_dash(current.map(|current| current.price)),
            or_dash(current.and_then(|current| current.change_pct)),
            or_dash(indicators.sma_20),
            or_dash(indicators.sma_50),
            or_dash(indicators.rsi_14),
        ]);
    }
    format!("Market on {}\n{table}", snapshot.as_of)
}
