//! What needs several repositories: the jobs, the market snapshot, a week of the council.

pub mod council;
pub mod journal;
pub mod market;
pub mod metrics;
pub mod performance;
