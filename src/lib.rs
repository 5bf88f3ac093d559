#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub use checked_pg::{Config, Db, Error, Result, db, error};
#[cfg(feature = "embedded")]
pub use checked_pg_server as embedded;

pub mod adopt;
pub mod config;
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

// The guide pages hold examples, too; they are compiled here and shown on the project's pages.
#[cfg(doctest)]
#[doc = include_str!("../docs/adding-a-query.md")]
struct AddingAQuery;

#[cfg(doctest)]
#[doc = include_str!("../docs/from-asyncpg.md")]
struct FromAsyncpg;
