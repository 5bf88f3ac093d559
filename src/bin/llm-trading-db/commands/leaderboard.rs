//! `leaderboard`

use anyhow::Result;
use comfy_table::Table;
use llm_trading_db::{
    db::Db,
    repo::performance::{self, Place},
    types::Weeks,
};

use crate::output::{or_dash, percent, print, print_json, table};

pub async fn run(db: &Db, weeks: Option<Weeks>, json: bool) -> Result<()> {
    let places = performance::leaderboard(db, weeks).await?;
    if json {
        return print_json(&places);
    }
    if places.is_empty() {
        return print("no performance over that lookback yet: run `llm-trading-db performance`");
    }
    print(render(&places))
}

/// The leaderboard as a table.
pub fn render(places: &[Place]) -> Table {
    let head = [
        "rank",
        "account",
        "return",
        "sharpe",
        "drawdown",
        "volatility",
        "won",
        "weeks",
    ];
    let rows = places.iter().map(|place| {
        vec![
            place.rank.to_string(),
            place.account.to_string(),
            percent(Some(place.total_return)),
            or_dash(place.sharpe_ratio.map(|ratio| ratio.round_dp(2))),
            percent(place.max_drawdown),
            percent(place.volatility),
            format!("{}/{}", place.profitable_weeks, place.weeks_traded),
            place.weeks_traded.to_string(),
        ]
    });
    table(&head, 2, rows)
}
