//! `performance`: weekly results and statistics of the accounts.

use anyhow::Result;
use chrono::{DateTime, Utc};
use llm_trading_db::{
    db::Db,
    service::performance::{self, Summary},
    types::Weeks,
};

use super::count;
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Statistics of the newest N weeks, this one included
    #[arg(long, value_name = "N", conflicts_with = "all")]
    weeks: Option<Weeks>,

    /// Statistics of all weeks, which is the default
    #[arg(long)]
    all: bool,
}

pub(crate) async fn run(db: &Db, args: &Args) -> Result<()> {
    let Summary { weeks, accounts } = performance::run(db, args.weeks, now()).await?;
    let over = match args.weeks {
        Some(span) => count(u64::from(span.get().unsigned_abs()), "week"),
        None => "all weeks".to_owned(),
    };
    output::text(&format!(
        "{} and, over {over}, {} brought up to date",
        count(
            weeks.inserted + weeks.updated + weeks.unchanged,
            "weekly result"
        ),
        count(
            accounts.inserted + accounts.updated + accounts.unchanged,
            "account"
        ),
    ))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the clock"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}
