//! The private server on real PostgreSQL.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "tests, which connect by hand"
)]

mod ends;
mod shared;
