//! What the schema promises beside the columns of its tables: checks, keys, references, indexes, defaults, triggers, views,
//! functions; by name, for their texts differ between versions of the server.

use super::Finding;
use crate::error::Result;
use sqlx::PgConnection;
use std::collections::BTreeSet;

/// Lists the rules, each as `table logs: constraint logs_pkey`, and what they are of, as `table logs`.
pub const LIST: &str = include_str!("rules.sql");

/// What is missing of `expected`, the list in a database as the migrations make it, and constraints that came in addition, unless
/// they came with migrations that say they go with this program. An index or a default more does no harm.
pub(super) async fn verify(
    conn: &mut PgConnection,
    expected: &str,
    compatible: bool,
) -> Result<Vec<Finding>> {
    let live: Vec<String> = sqlx::query_scalar(LIST).fetch_all(conn).await?;
    let live: BTreeSet<&str> = live.iter().map(String::as_str).collect();
    let expected: BTreeSet<&str> = expected.lines().collect();
    let missing = expected.difference(&live).filter(|rule| {
        let of = rule.split_once(": ").map(|(of, _)| of);
        of.is_none_or(|of| live.contains(of))
    });
    let new = live.difference(&expected).filter(|rule| {
        let constraint = rule.split_once(": constraint ");
        !compatible && constraint.is_some_and(|(of, _)| expected.contains(of))
    });
    let missing = missing.map(|rule| {
        Finding::new(
            format!("{rule} is missing"),
            "put it back as the migrations have it; a constraint, an index or a trigger can also be there and not in force",
        )
    });
    let new = new.map(|rule| {
        Finding::new(
            format!("{rule} is new"),
            "it may refuse what this program writes: drop it, or put it into a migration",
        )
    });
    Ok(missing.chain(new).collect())
}
