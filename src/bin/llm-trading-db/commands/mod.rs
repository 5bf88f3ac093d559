//! One file per command.

pub mod import_bars;
pub mod import_events;
pub mod leaderboard;
pub mod matrix;
pub mod metrics;
pub mod migrate;
pub mod performance;
pub mod snapshot;
pub mod status;
