//! What `cargo checked-pg` does, for programs that do it themselves: the query cache and its locks, the rules over the
//! sources, the page of the schema.
#![forbid(unsafe_code)]
#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a tool, which reads the catalog of a throwaway server"
)]

pub mod check;
pub mod compile;
pub mod doctor;
pub mod inspect;
pub mod migrations;
pub mod mutants;
pub mod new;
pub mod overrides;
pub mod prepare;
pub mod project;
pub mod rollout;
pub mod schema;

pub use project::Project;
