//! The data layer of a crate with a PostgreSQL schema of its own, in which a mistake in SQL or in its types does not compile.
//!
//! It knows no table. A crate on top of it brings migrations, statements (`sqlx::query_as!` and its kin) and a query cache
//! (`.sqlx`); [`schema!`] collects what the crate was compiled for, and [`Db`] runs it.
#![forbid(unsafe_code)]

pub mod batch;
pub mod config;
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "connecting and BEGIN, COMMIT, SAVEPOINT are what it is for"
)]
pub mod db;
pub mod document;
pub mod error;
pub mod exact;
pub mod http;
pub mod key;
#[doc(hidden)]
pub mod numeric;
pub mod page;
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "it reads tables that only a run knows"
)]
pub mod rows;
mod schema;
#[cfg(feature = "testing")]
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "databases, plans and casts need statements that name what only a run knows"
)]
pub mod testing;
pub mod text;
pub mod time;

pub use config::Config;
pub use db::Db;
pub use error::{Error, Result};
pub use schema::Schema;

// Types of these stand in signatures of this crate and in the code that its macros write.
pub use {chrono, rust_decimal, sqlx, uuid};

/// For the macros of this crate alone.
#[doc(hidden)]
pub mod __private {
    pub use crate::db::SCHEMA_RULES;
    pub use serde;
}
