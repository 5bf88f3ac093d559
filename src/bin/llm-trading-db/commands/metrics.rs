//! `metrics`

use anyhow::Result;
use llm_trading_db::{
    db::Db,
    service::metrics::{self, Scope, Window},
};

use crate::output::print;

pub async fn run(db: &Db, window: Window, backfill: bool) -> Result<()> {
    let scope = if backfill { Scope::All } else { Scope::Changed };
    let done = metrics::run(db, window, scope).await?;
    let changed = |counts: llm_trading_db::repo::Upserted| counts.inserted + counts.updated;
    print(format_args!(
        "{} symbols, {} bars: {} daily and {} seven-day returns changed; \
         {} dates computed, {} correlations changed; {} values removed",
        done.symbols,
        done.bars,
        changed(done.daily),
        changed(done.seven_day),
        done.dates,
        changed(done.correlations),
        done.removed,
    ))
}
