//! Every function of every repository, on a real server.

mod accounts;
mod approvals;
mod bars;
mod compat;
mod conditions;
mod correlations;
mod decisions;
mod events;
mod fetch_log;
mod locked;
mod logs;
mod orders;
mod performance;
mod pitches;
mod positions;
mod reads;
mod research;
mod returns;
mod reviews;
mod runs;
mod snapshots;
mod trades;
mod users;
mod weekly;
mod writes;

use llm_trading_db::repo::Upserted;

/// The counts of a batch: inserted, updated, unchanged.
fn counts(upserted: Upserted) -> (u64, u64, u64) {
    (upserted.inserted, upserted.updated, upserted.unchanged)
}
