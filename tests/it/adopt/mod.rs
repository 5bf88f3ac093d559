//! Databases of the Python layer: known when they are seen, and adopted.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the old tables are in no migration, so no macro can check statements on them"
)]

mod adopting;
mod adversary;
mod later;
mod many;
mod notes;
pub mod old;
mod random;
mod recognition;
mod rights;
mod rows;
mod variants;
