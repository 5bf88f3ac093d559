//! Compile-time checked data layer of an LLM trading desk on PostgreSQL.
#![forbid(unsafe_code)]

// The overrides in sqlx.toml name types by the path a dependent crate uses; this makes the same path resolve in here.
#[allow(
    unused_extern_crates,
    reason = "the overrides alone use it, and the lint does not see them"
)]
extern crate self as llm_trading_db;

pub mod config;
pub mod db;
pub mod documents;
#[cfg(feature = "embedded")]
pub mod embedded;
pub mod error;
pub mod repo;
pub mod service;
pub mod types;
