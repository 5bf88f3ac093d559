//! Behind a pooler in transaction mode: all that runs, runs in a transaction, and nothing that has a name outlives it.
//!
//! Between two transactions such a pooler may change the session under a connection. sqlx prepares a statement in one round and binds
//! it in another, and names it by a counter of the connection, `sqlx_s_1` and so on. In another session that name is unknown, or it is
//! that of another client's statement, which would then run in place of ours. So each transaction begins where no statement has such a
//! name, and takes its own away again when it ends.

use super::{Db, lease::Lease};
use crate::{
    config::{Limits, Pooler, set_for_transaction},
    error::Result,
};
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};
use std::time::Duration;

/// Removes the prepared statements that others left in the session: those of sqlx and of SQL. A pooler that renames statements keeps
/// its own.
pub(super) const FORGET: &str = "DO $forget$ DECLARE found record; BEGIN \
     FOR found IN SELECT name FROM pg_catalog.pg_prepared_statements WHERE from_sql OR pg_catalog.starts_with(name, 'sqlx_s_') \
     LOOP EXECUTE pg_catalog.format('DEALLOCATE %I', found.name); END LOOP; END $forget$";

impl Db {
    /// True if a transaction is all that a pooler leaves together.
    pub(super) fn is_in_rounds(&self) -> bool {
        self.config().pooler == Pooler::Transaction
    }

    /// A connection for a look at the server by statements of ours: in a transaction, where that must be.
    pub(super) async fn lease_for_a_look(
        &self,
        limit: Duration,
        used: impl Fn() -> String,
    ) -> Result<Lease> {
        if !self.is_in_rounds() {
            return self.acquire(limit, used).await;
        }
        let begin = SqlStr::from_static("BEGIN");
        let mut patience = self.patience();
        let mut lease = self.begin(begin, limit, &mut patience, used).await?;
        lease.doubt();
        Ok(lease)
    }

    /// The first flight of a transaction. In transaction mode it brings the settings, which nothing else does.
    pub(super) fn first_flight(&self, begin: SqlStr) -> SqlStr {
        if !self.is_in_rounds() {
            return begin;
        }
        let settings = self.config().settings_by_statement(Limits::Usual);
        let set = set_for_transaction(&settings);
        AssertSqlSafe(format!("{}; {FORGET}; {set}", begin.as_str())).into_sql_str()
    }
}
