//! Tests on a real server: one binary, one private server, a database of its own for each test.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod bank;
mod cancel;
mod config;
mod embedded;
mod errors;
mod executor;
mod failures;
mod pool;
mod relay;
mod support;
mod transactions;
