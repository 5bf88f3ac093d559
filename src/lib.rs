#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

// The overrides in sqlx.toml name types by the path a dependent crate uses; this makes the same path resolve in here.
#[allow(
    unused_extern_crates,
    reason = "the overrides alone use it, and the lint does not see them"
)]
extern crate self as llm_trading_db;

pub use checked_pg::{Config, Db, Error, Result, config, db, error};
#[cfg(feature = "embedded")]
pub use checked_pg_server as embedded;

pub mod documents;
pub mod repo;
pub mod service;
pub mod types;

/// The migrations and statements of this crate, for [`Db::migrate`], [`Db::verify`] and [`Db::health`].
pub static SCHEMA: checked_pg::Schema = checked_pg::schema!().guarded(concat!(
    "WITH relation AS (",
    include_str!("adopt/sql/old_tables.sql"),
    ")",
    include_str!("adopt/sql/guard.sql")
));

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
