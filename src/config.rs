//! How to reach the database and how the pool behaves: from the environment, from a URL, or built by hand.

pub use checked_pg::config::*;

use crate::error::Result;

/// What the desk uses where neither its address nor the environment says otherwise: the database `llm_trading`, and the name
/// `llm-trading-db` in `pg_stat_activity`.
pub const FALLBACK: Fallback = Fallback::new()
    .database("llm_trading")
    .application_name("llm-trading-db");

/// The settings in the environment, as [`Config::from_env`] reads them, on top of [`FALLBACK`].
///
/// # Errors
/// [`Error::Invalid`](crate::Error::Invalid) names the variable and says what would be right.
pub fn from_env() -> Result<Config> {
    Config::from_env_or(FALLBACK)
}

/// The same as [`from_env`], from any source of variables.
///
/// # Errors
/// As [`from_env`].
pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Result<Config> {
    Config::from_vars_or(FALLBACK, lookup)
}
