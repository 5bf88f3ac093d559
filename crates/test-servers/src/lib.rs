//! What tests and measurements of connections need around them: PostgreSQL servers with settings of their own, streaming standbys,
//! pgbouncer, certificates, and a network that falls silent. Real ones all, started from what is installed on this machine.
//!
//! Everything here panics if it fails: a test has no use for an error of its surroundings.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod certificates;
mod cluster;
mod folder;
mod pgbouncer;
mod process;
mod relay;
mod replicated;
mod skip;

pub use certificates::{Authority, Pair, self_signed};
pub use cluster::{Cluster, ClusterSettings, binaries};
pub use folder::Folder;
pub use pgbouncer::{PgBouncer, PoolMode};
pub use relay::{Relay, Traffic};
pub use replicated::{Loss, Replicated};
pub use skip::{impossible, skipped};

use std::net::TcpListener;

/// A port of 127.0.0.1 that nobody listens on.
#[must_use]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}
