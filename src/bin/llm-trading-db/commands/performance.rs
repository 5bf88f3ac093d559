//! `performance`

use anyhow::Result;
use chrono::{DateTime, Utc};
use llm_trading_db::{
    db::Db,
    service::performance,
    types::{Invalid, Weeks},
};

use crate::output::print;

pub async fn run(db: &Db, weeks: Option<Weeks>, all: bool) -> Result<()> {
    let lookbacks = match (weeks, all) {
        (Some(weeks), _) => vec![Some(weeks)],
        (None, true) => vec![None],
        (None, false) => usual_lookbacks()?,
    };
    for lookback in lookbacks {
        let done = performance::run(db, lookback, now()).await?;
        let accounts = done.accounts.inserted + done.accounts.updated;
        let weeks = done.weeks.inserted + done.weeks.updated;
        let over =
            lookback.map_or_else(|| "all weeks".to_owned(), |weeks| format!("{weeks} weeks"));
        print(format_args!(
            "{accounts} accounts over {over}, {weeks} weekly results"
        ))?;
    }
    Ok(())
}

/// Those that readers of the old database know: four weeks, eight, all.
pub fn usual_lookbacks() -> Result<Vec<Option<Weeks>>, Invalid> {
    Ok(vec![Some(Weeks::new(4)?), Some(Weeks::new(8)?), None])
}

#[expect(
    clippy::disallowed_methods,
    reason = "the binary is where time comes from"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}
