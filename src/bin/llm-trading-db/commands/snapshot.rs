//! `snapshot`

use anyhow::{Result, bail};
use chrono::NaiveDate;
use comfy_table::Table;
use llm_trading_db::{
    db::Db,
    repo::bars,
    service::market::{self, MarketSnapshot},
    types::Symbol,
};
use rust_decimal::Decimal;

use crate::output::{or_dash, print, print_json, sparkline, table};

pub async fn run(
    db: &Db,
    symbols: Vec<Symbol>,
    as_of: Option<NaiveDate>,
    json: bool,
) -> Result<()> {
    let known = bars::symbols(db).await?;
    if known.is_empty() {
        bail!("there are no bars: bring some with `llm-trading-db import-bars FILE.csv`");
    }
    let unknown: Vec<_> = symbols
        .iter()
        .filter(|symbol| !known.contains(symbol))
        .collect();
    if !unknown.is_empty() {
        bail!(
            "no bars of {}; there are bars of {}",
            list(unknown),
            list(&known)
        );
    }
    let symbols = if symbols.is_empty() { known } else { symbols };
    let as_of = match as_of {
        Some(date) => date,
        // Every known symbol has a newest bar.
        None => bars::latest(db, &symbols)
            .await?
            .iter()
            .map(|bar| bar.date)
            .max()
            .unwrap_or_default(),
    };
    let snapshot = market::snapshot(db, &symbols, as_of).await?;
    if json {
        return print_json(&snapshot);
    }
    print(format_args!("as of {as_of}"))?;
    print(render(&snapshot))
}

fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items
        .into_iter()
        .map(|item| item.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

/// The snapshot as a table, with the course of the newest thirty closes.
pub fn render(snapshot: &MarketSnapshot) -> Table {
    let head = [
        "symbol", "30 days", "date", "price", "change %", "sma 20", "sma 50", "rsi 14",
    ];
    let rows = snapshot.instruments.values().map(|instrument| {
        let bars = instrument.daily_ohlcv_30d.iter().rev();
        let closes: Vec<Decimal> = bars
            .filter_map(|bar| bar.close)
            .map(|close| close.value())
            .collect();
        let indicators = &instrument.indicators;
        vec![
            instrument.symbol.to_string(),
            sparkline(&closes),
            or_dash(instrument.current.map(|current| current.date)),
            or_dash(instrument.current.map(|current| current.price)),
            or_dash(instrument.current.and_then(|current| current.change_pct)),
            or_dash(indicators.sma_20),
            or_dash(indicators.sma_50),
            or_dash(indicators.rsi_14),
        ]
    });
    table(&head, 3, rows)
}
