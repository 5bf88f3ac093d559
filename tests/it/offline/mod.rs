//! What can be proven without a database: the query cache is the one of these sources and migrations, and no statement
//! escapes the check.

mod cache;
mod rules;
mod source;
#[path = "../../../xtask/src/sql.rs"]
mod sql;
