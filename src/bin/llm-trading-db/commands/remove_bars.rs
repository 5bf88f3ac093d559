//! `remove-bars`: takes back bars that should not be there.

use std::path::PathBuf;

use anyhow::Result;
use chrono::NaiveDate;
use futures_util::TryStreamExt;
use llm_trading_db::{
    db::Db,
    repo::bars::{self, Bar},
    types::Symbol,
};

use super::{changes::Changes, count, date};
use crate::output;

#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("days").required(true).multiple(true).args(["on", "from", "to", "all"]),
    after_help = "Run `metrics` afterwards: it removes what was calculated from these bars."
)]
pub(crate) struct Args {
    /// Ticker
    symbol: Symbol,
    /// The bar of this day
    #[arg(long, value_name = "DATE", value_parser = date, conflicts_with_all = ["from", "to", "all"])]
    on: Option<NaiveDate>,
    /// The bars from this day on
    #[arg(long, value_name = "DATE", value_parser = date)]
    from: Option<NaiveDate>,
    /// The bars up to this day
    #[arg(long, value_name = "DATE", value_parser = date)]
    to: Option<NaiveDate>,
    /// All bars of the symbol
    #[arg(long, conflicts_with_all = ["from", "to"])]
    all: bool,
    /// Lists the bars that were removed in a new CSV file
    #[arg(long, value_name = "FILE")]
    changes: Option<PathBuf>,
}

pub(crate) async fn run(db: &Db, args: &Args) -> Result<()> {
    let from = args.on.or(args.from).unwrap_or(NaiveDate::MIN);
    let to = args.on.or(args.to).unwrap_or(NaiveDate::MAX);
    let mut changes = args.changes.as_deref().map(Changes::create).transpose()?;
    let outcome = db
        .transaction_once(async |tx| -> Result<u64> {
            // Nobody changes them between the list and the removal.
            bars::lock(&mut *tx).await?;
            if let Some(list) = &mut changes {
                let mut bars = bars::range_lossy(&mut *tx, args.symbol, from, to).try_chunks(1000);
                while let Some(chunk) = bars.try_next().await.map_err(|e| e.1)? {
                    let chunk: Vec<Bar> = chunk;
                    list.removed(&chunk)?;
                }
            }
            Ok(match args.all {
                true => bars::delete_all(tx, args.symbol).await?,
                false => bars::delete(tx, args.symbol, from, to).await?,
            })
        })
        .await;
    if let Some(list) = changes {
        list.keep_if_stored(&outcome);
    }
    output::text(&format!(
        "{} of {} removed",
        count(outcome?, "bar"),
        args.symbol
    ))
}
