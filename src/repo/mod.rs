//! Typed statements, one module of free functions per aggregate: `pitches::get(&db, id)`.
//!
//! A function of one statement takes `impl PgExecutor<'_>`: a [`&Db`](crate::db::Db), a `&PgPool`, a `&mut PgConnection`
//! or a transaction. A function of several takes `tx: &mut Tx`, and the caller opens the transaction.
//!
//! The first word of a name says what a function does and returns; any other word is a noun, and reads what it names. A test
//! compares this table with the functions.
//!
//! | word | does | returns |
//! |---|---|---|
//! | `get` | reads the row of a key, or fails with [`Error::NotFound`](crate::error::Error::NotFound) | `row`, `Vec` |
//! | `find` | reads the row of a key, if there is one | `Option` |
//! | `list`, `all`, `recent`, `last` | reads rows in the order that its docs name | `Vec` |
//! | `of` | reads what belongs to the row of another table | `Vec`, `Option` |
//! | `latest` | reads the newest row, or the newest of each key | `Option`, `Vec` |
//! | `range`, `daily` | reads rows one by one, however many | `Stream`, `Vec` |
//! | a noun | reads what it names | `Vec`, `BTreeMap`, `Option`, `row` |
//! | `open`, `add` | writes a row whose key must be new | `()` |
//! | `append` | writes rows that are never changed; says which are new, or their ids | `bool`, `u64`, `Vec`, `row` |
//! | `save` | writes rows, or replaces those of the same natural key; returns their ids | `row`, `Vec`, `()` |
//! | `upsert`, `import` | writes rows, or replaces those of the same key; says how many | `Upserted` |
//! | `insert`, `replace`, `set`, `note` | writes what it names | `()` |
//! | `start`, `queue`, `propose`, `decide` | writes a step of a process; may say whether it is new | `()`, `bool` |
//! | `begin`, `advance`, `finish` | moves a process on; may say that somebody else has done so | `()`, `bool` |
//! | `delete`, `keep` | removes rows; says how many | `u64` |
//! | `deposit`, `withdraw`, `transfer` | changes what is booked; returns what is there afterwards, or how many rows it was | `row`, `u64` |
//! | `lock` | keeps others out until the transaction ends | `Vec`, `()` |
//!
//! What becomes of a key that is given twice in one call, and of one that a row has already, is the same for one row and for many,
//! for a batch and for a stream:
//!
//! | | the key twice in one call | there with the same values | there with other values |
//! |---|---|---|---|
//! | `open`, `add` | [`Error::Invalid`](crate::error::Error::Invalid) | [`Error::Conflict`](crate::error::Error::Conflict) | `Error::Conflict` |
//! | `append` of events | `Error::Invalid` | stays, is not new | `Error::Invalid` |
//! | `upsert`, `import` | `Error::Invalid` | stays, is unchanged | replaced |
//! | `save` | `Error::Invalid` | stays, keeps its id | replaced, keeps its id |
//!
//! Entries of the logs get their ids here, so each is new. In a file, a line that repeats another one is told and counts once.
//!
//! A row that goes in as it comes out has one type, such as [`bars::Bar`]: a new column breaks those who write it, on purpose.
//! Where the database adds to what is given, `NewTrade` goes in and a `#[non_exhaustive]` `Trade` comes out.
//!
//! Any statement can fail with what the server or the road to it reports. An `# Errors` section names only what a function
//! adds to that.
//!
//! Each statement makes one flight to the server. Spans are named `db.<module>.<function>` and carry keys, never
//! documents. [`adding_a_query`](crate::guide::adding_a_query) walks through a new one.

mod batch;

pub mod accounts;
pub mod approvals;
pub mod bars;
pub mod compat;
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
pub mod rows;
pub mod runs;
pub mod snapshots;
pub mod trades;
pub mod users;
pub mod weekly;

pub use batch::Upserted;
