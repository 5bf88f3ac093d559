//! Tests on a real server: one binary, one private server, a database of its own for each test.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod documents;
mod embedded;
mod fixtures;
mod offline;
mod repo;
mod statements;
mod support;
