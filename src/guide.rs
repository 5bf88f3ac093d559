//! The guides of `docs`, whose examples are compiled.

#[doc = include_str!("../docs/adding-a-query.md")]
pub mod adding_a_query {}

#[doc = include_str!("../docs/from-asyncpg.md")]
pub mod from_asyncpg {}

#[doc = include_str!("../docs/operations.md")]
pub mod operations {}

#[doc = include_str!("../docs/reliability.md")]
pub mod reliability {}

#[doc = include_str!("../docs/schema.md")]
pub mod schema {}
