//! What `cargo checked-pg` finds on a server of its own.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

mod doctor;
mod domains;
mod nulls;
mod shop;
mod statements;
