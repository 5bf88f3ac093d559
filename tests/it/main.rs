//! Tests on a real server: one binary, one private server, a database of its own for each test.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

/// The row with other values: it cannot be built here, since it may get fields.
macro_rules! like {
    ($row:expr, {$($field:ident: $value:expr),* $(,)?}) => {{
        let mut expected = $row.clone();
        $(expected.$field = $value;)*
        expected
    }};
}

mod adopt;
mod bank;
mod batches;
mod cancel;
mod casts;
mod cli;
mod compat;
mod concurrency;
mod config;
mod council;
mod documents;
mod domains;
mod embedded;
mod errors;
mod executor;
mod failures;
mod faults;
mod figures;
mod fixtures;
mod import;
mod instants;
mod log;
mod market;
mod metrics;
mod migrations;
mod misfits;
mod offline;
mod old_rows;
mod one_bad_row;
mod own_process;
mod performance;
mod plans;
mod pool;
mod repo;
mod retries;
mod rollout;
mod schema;
mod sessions;
mod spawned;
mod statements;
mod storm;
mod support;
mod texts;
mod transactions;
mod verify;
