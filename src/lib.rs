#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

// The overrides in sqlx.toml name types by the path a dependent crate uses; this makes the same path resolve in here.
#[allow(
    unused_extern_crates,
    reason = "the overrides alone use it, and the lint does not see them"
)]
extern crate self as llm_trading_db;

pub mod config;
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "connecting and BEGIN, COMMIT, SAVEPOINT are what it is for"
)]
pub mod db;
pub mod documents;
#[cfg(feature = "embedded")]
pub mod embedded;
pub mod error;
pub mod repo;
pub mod service;
pub mod types;

/// The `sqlx.toml` of this crate. What follows `[macros.type-overrides]` in there is for you to copy if statements of your own
/// touch the tables or the domains of this crate; a test of yours can compare the copy with this.
pub const SQLX_TOML: &str = include_str!("../sqlx.toml");

// The guide pages hold examples, too; they are compiled here and shown on the project's pages.
#[cfg(doctest)]
#[doc = include_str!("../docs/adding-a-query.md")]
struct AddingAQuery;

#[cfg(doctest)]
#[doc = include_str!("../docs/from-asyncpg.md")]
struct FromAsyncpg;
