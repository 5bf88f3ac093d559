//! Every function of every repository, on a real server.

mod accounts;
mod bars;
mod conditions;
mod correlations;
mod decisions;
mod events;
mod fetch_log;
mod logs;
mod performance;
mod pitches;
mod research;
mod returns;
mod reviews;
mod snapshots;
mod users;
mod weekly;

use llm_trading_db::repo::Upserted;

/// The counts of a batch: inserted, updated, unchanged.
fn counts(upserted: Upserted) -> (u64, u64, u64) {
    (upserted.inserted, upserted.updated, upserted.unchanged)
}
