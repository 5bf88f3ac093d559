//! Before and during a deploy: roles with the least rights, and programs beside a schema that is newer than they are.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "roles and schemas are made by statements of no crate"
)]

pub(crate) mod as_role;
mod next;
mod roles;
