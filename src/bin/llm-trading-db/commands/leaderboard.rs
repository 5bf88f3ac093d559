//! `leaderboard`: the accounts by return.

use anyhow::Result;
use llm_trading_db::{
    db::Db,
    repo::{
        performance::{self, Place},
        rows::{Replay, readable},
    },
    types::Weeks,
};

use super::{all_read, performance::left_out};
use crate::output::{self, Format, hundredths, or_dash, percent, signed_percent};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Over the newest N weeks; without it over all weeks
    #[arg(long, value_name = "N")]
    weeks: Option<Weeks>,

    #[command(flatten)]
    format: Format,
}

pub(crate) async fn run(db: &Db, args: &Args) -> Result<()> {
    let list = |replay: Replay| performance::leaderboard(replay, args.weeks);
    let list = readable(db, list).await?;
    let complete = all_read(&list.misfits);
    let places = list.rows;
    if args.format.json {
        output::json(&places)?;
        return complete;
    }
    if places.is_empty() && complete.is_ok() {
        let option = args
            .weeks
            .map_or_else(String::new, |weeks| format!(" --weeks {weeks}"));
        crate::say(&format!(
            "nothing calculated yet: run `llm-trading-db performance{option}`"
        ));
        return Ok(());
    }
    output::text(&render(&places))?;
    for problem in performance::problems(db, args.weeks).await? {
        crate::say(&left_out(&problem));
    }
    complete
}

/// The places as a table.
pub(crate) fn render(places: &[Place]) -> String {
    let headings = [
        "#",
        "account",
        "return",
        "sharpe",
        "drawdown",
        "volatility",
        "win rate",
        "weeks",
    ];
    let mut table = output::table(&headings, 2);
    for place in places {
        table.add_row([
            place.rank.to_string(),
            format!("{}{}", place.account, if place.stale { " *" } else { "" }),
            signed_percent(place.total_return),
            or_dash(place.sharpe_ratio.map(hundredths)),
            or_dash(place.max_drawdown.map(signed_percent)),
            or_dash(place.volatility.map(percent)),
            or_dash(place.win_rate.map(percent)),
            place.weeks_traded.to_string(),
        ]);
    }
    let stale = places.iter().any(|place| place.stale);
    let note = if stale { STALE } else { "" };
    format!("{table}{note}")
}

const STALE: &str =
    "\n* stale: not brought up to date by the last `llm-trading-db performance`, which tells why";
