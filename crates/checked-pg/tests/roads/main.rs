//! The way to a server: addresses, parameters, TLS, poolers, failovers. On real servers that the tests start themselves.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test asks sessions what they are by statements of its own"
)]

mod abandoned;
mod failover;
mod history;
mod honoured;
mod hosts;
mod model;
mod observed;
mod once;
mod parameters;
mod poolers;
mod relay;
mod rotation;
mod rounds;
mod rows;
mod session;
mod support;
mod tls;
mod transfers;
mod unseen;
mod versions;
