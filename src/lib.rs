//! The data layer of an LLM trading desk on PostgreSQL, in which mistakes in SQL and in its types do not compile.
//!
//! * **Where**: [`Config`] says which database, [`Db`] is the pool, and [`SCHEMA`] holds the migrations and the statements.
//! * **What**: [`types`] are the desk's keys and numbers, [`documents`] its JSONB documents; each is valid by construction.
//! * **Read and write**: [`repo`] has a module per table, [`service`] what needs several of them.
//! * **Change**: [`guide::adding_a_query`] goes from a new column to its test, here and in a crate of your own.
//!
//! More guides: [coming from asyncpg](guide::from_asyncpg), [operations](guide::operations),
//! [reliability](guide::reliability), [the schema](guide::schema). The mechanism is the crate [`checked_pg`], for any schema.
//!
//! ```no_run
//! use llm_trading_db::{Db, Result, SCHEMA, config, repo::bars, types::Symbol};
//!
//! # async fn f() -> Result<()> {
//! let db = Db::connect(&config::from_env()?).await?;
//! db.migrate(&SCHEMA).await?;
//! for bar in bars::latest(&db, &[Symbol::new("TLT")?]).await? {
//!     println!("{} {:?}", bar.date, bar.close);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! | Cargo feature | what it adds |
//! |---|---|
//! | none (the default) | the library |
//! | `embedded` | a private PostgreSQL server, for tests and tools |
//! | `cli` | the operator's binary; implies `embedded` |
#![forbid(unsafe_code)]

pub use checked_pg::{Config, Db, Error, Result, db, error};
// Types of these stand in signatures: a new major version of one is a new major version of this crate.
pub use checked_pg::{chrono, rust_decimal, sqlx, uuid};
#[cfg(feature = "embedded")]
pub use checked_pg_server as embedded;

pub mod adopt;
pub mod config;
pub mod documents;
pub mod guide;
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

// Its links are those of a checkout, so it is no page here; its example is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
