//! Typed statements, one module of free functions per aggregate: `pitches::get(&db, id)`.
//!
//! A function of one statement takes `impl PgExecutor<'_>`: a [`&Db`](crate::db::Db), a `&PgPool`, a `&mut PgConnection`
//! or a transaction. A function of several takes `tx: &mut Tx`, and the caller opens the transaction.
//! `find…` returns an `Option`; `get…` fails with [`Error::NotFound`](crate::error::Error::NotFound).
//!
//! Any statement can fail with what the server or the road to it reports. An `# Errors` section names only what a function
//! adds to that.
//!
//! Each statement makes one flight to the server. Spans are named `db.<module>.<function>` and carry keys, never
//! documents. `docs/adding-a-query.md` walks through a new one.

mod batch;

pub mod accounts;
pub mod approvals;
pub mod bars;
pub mod conditions;
pub mod correlations;
pub mod decisions;
pub mod events;
pub mod fetch_log;
pub mod logs;
pub mod orders;
pub mod pending;
pub mod performance;
pub mod pitches;
pub mod positions;
pub mod research;
pub mod returns;
pub mod reviews;
pub mod runs;
pub mod snapshots;
pub mod trades;
pub mod users;
pub mod weekly;

pub use batch::Upserted;
