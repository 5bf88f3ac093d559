//! The desk's vocabulary: newtypes over the database's domains, each valid by construction.

mod invalid;

pub use invalid::Invalid;
