//! `leaderboard`: the accounts by return.

use anyhow::Result;
use chrono::{DateTime, Utc};
use llm_trading_db::{
    db::Db,
    repo::performance::{self, Place},
    types::{Account, Weeks},
};
use serde::Serialize;

use crate::output::{self, Format, Number, hundredths, or_dash, percent, signed_percent};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Over the newest N weeks; without it over all weeks
    #[arg(long, value_name = "N")]
    weeks: Option<Weeks>,

    #[command(flatten)]
    format: Format,
}

/// A place as JSON. Returns and ratios are fractions.
#[derive(Serialize)]
struct Row {
    rank: i64,
    account: Account,
    total_return: Number,
    sharpe_ratio: Option<Number>,
    max_drawdown: Option<Number>,
    volatility: Option<Number>,
    win_rate: Option<Number>,
    weeks_traded: i32,
    profitable_weeks: i32,
    calculated_at: DateTime<Utc>,
}

pub(crate) async fn run(db: &Db, args: &Args) -> Result<()> {
    let places = performance::leaderboard(db, args.weeks).await?;
    if args.format.json {
        return output::json(&places.iter().map(Row::from).collect::<Vec<_>>());
    }
    if places.is_empty() {
        let option = args
            .weeks
            .map_or_else(String::new, |weeks| format!(" --weeks {weeks}"));
        crate::say(&format!(
            "nothing calculated yet: run `llm-trading-db performance{option}`"
        ));
        return Ok(());
    }
    output::text(&render(&places))
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
            place.account.to_string(),
            signed_percent(place.total_return),
            or_dash(place.sharpe_ratio.map(hundredths)),
            or_dash(place.max_drawdown.map(signed_percent)),
            or_dash(place.volatility.map(percent)),
            or_dash(place.win_rate.map(percent)),
            place.weeks_traded.to_string(),
        ]);
    }
    table.to_string()
}

impl From<&Place> for Row {
    fn from(place: &Place) -> Self {
        Self {
            rank: place.rank,
            account: place.account,
            total_return: Number(place.total_return),
            sharpe_ratio: place.sharpe_ratio.map(Number),
            max_drawdown: place.max_drawdown.map(Number),
            volatility: place.volatility.map(Number),
            win_rate: place.win_rate.map(Number),
            weeks_traded: place.weeks_traded,
            profitable_weeks: place.profitable_weeks,
            calculated_at: place.calculated_at,
        }
    }
}
