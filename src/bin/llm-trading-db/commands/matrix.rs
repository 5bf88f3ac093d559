//! `matrix`

use anyhow::{Result, anyhow};
use chrono::NaiveDate;
use llm_trading_db::{db::Db, repo::correlations};

use crate::output::{heat_map, print, print_json};

pub async fn run(db: &Db, date: Option<NaiveDate>, json: bool) -> Result<()> {
    let matrix = match date {
        Some(date) => correlations::matrix(db, date)
            .await?
            .ok_or_else(|| anyhow!("no correlations of {date}: is it a trading day, and has `llm-trading-db metrics` run?"))?,
        None => correlations::latest_matrix(db)
            .await?
            .ok_or_else(|| anyhow!("there are no correlations: run `llm-trading-db metrics`"))?,
    };
    if json {
        return print_json(&matrix);
    }
    print(format_args!(
        "correlations of seven-day returns, {}",
        matrix.date
    ))?;
    print(heat_map(&matrix))
}
