//! The kit for tests, with the feature `testing`: a migrated database for each test, and what a crate asserts of its statements
//! and keys.
//!
//! ```toml
//! [dev-dependencies]
//! checked-pg = { version = "0.1", features = ["testing"] }
//! ```
//!
//! [`database`] makes a database for one test from a migrated template, on a private server that all processes of `cargo test` or
//! cargo-nextest share. The server stops when the last of them ends, also one that was killed.
//!
//! Three assertions close what the compiler cannot see:
//!
//! | assertion | a mistake that it finds |
//! |---|---|
//! | [`assert_statements_are_executed`] | a NOT NULL column left out, ON CONFLICT without a key: they compile, and every run fails |
//! | [`Plans`] | a statement that reads a large table from one end to the other |
//! | [`Parity`] | a domain that accepts what its type refuses, or the other way round |
//!
//! The kit panics where a test would: a test that gets no database has failed.

mod executed;
mod mutant;
mod parity;
mod plans;
mod template;
mod values;

use std::fmt::Display;

use sqlx::postgres::PgConnectOptions;

use crate::{Config, Db, Schema};

pub(crate) use self::{executed::record, mutant::mutated};
pub use self::{
    executed::{assert_every_statement_is_executed, assert_statements_are_executed},
    parity::Parity,
    plans::Plans,
};

/// A pool on an empty database of its own, to which `schemas` were applied in their order: those of the crates below come first.
///
/// ```no_run
/// # static SCHEMA: checked_pg::Schema = checked_pg::Schema::empty();
/// # async fn f() {
/// let db = checked_pg::testing::database(&[&SCHEMA]).await;
/// # }
/// ```
///
/// # Panics
/// If there is no server and none can be fetched, or if a migration fails; the message says which, and what to do.
pub async fn database(schemas: &[&Schema]) -> Db {
    must(Db::connect(&config(schemas).await).await)
}

/// The configuration of a [`database`] of its own, for a pool with other settings.
///
/// # Panics
/// As [`database`].
pub async fn config(schemas: &[&Schema]) -> Config {
    Config::from_options(options(schemas).await)
}

/// How to connect to a [`database`] of its own, for what is no pool.
///
/// # Panics
/// As [`database`].
pub async fn options(schemas: &[&Schema]) -> PgConnectOptions {
    must(template::database(schemas).await)
}

/// The address of a database that [`options`] leads to, as `DATABASE_URL` and psql take it: for programs that a test starts.
///
/// # Panics
/// If `options` name no database.
#[must_use]
pub fn url(options: &PgConnectOptions) -> String {
    let database = must(options.get_database().ok_or("the options name no database"));
    template::server().url_for(database)
}

/// The value, or the end of the test.
#[track_caller]
fn must<T, E: Display>(outcome: Result<T, E>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}
