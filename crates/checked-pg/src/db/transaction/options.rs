use super::Began;
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};
use std::panic::Location;

/// How a transaction begins and how often it may be run.
///
/// ```
/// use checked_pg::db::{Isolation, TxOptions};
///
/// let report = TxOptions::new().isolation(Isolation::Serializable).read_only().deferrable();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TxOptions {
    name: Option<&'static str>,
    isolation: Option<Isolation>,
    read_only: bool,
    deferrable: bool,
    pub(super) attempts: u32,
}

/// What a transaction sees of those that run at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Isolation {
    /// Each statement sees what was committed before it began: PostgreSQL's default.
    ReadCommitted,
    /// All statements see what was committed before the first one; a lost race for a row fails with 40001 and is run again.
    RepeatableRead,
    /// As if transactions ran one after another; those that could not have fail with 40001 and are run again.
    Serializable,
}

impl TxOptions {
    /// The server's default isolation, read and write, up to ten attempts.
    #[must_use]
    pub fn new() -> Self {
        Self {
            name: None,
            isolation: None,
            read_only: false,
            deferrable: false,
            attempts: 10,
        }
    }

    /// What it is called in its span and in errors; without a name, it goes by the place that began it.
    #[must_use]
    pub fn name(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }

    /// Another isolation level than the server's default.
    #[must_use]
    pub fn isolation(mut self, level: Isolation) -> Self {
        self.isolation = Some(level);
        self
    }

    /// Refuses to write (25006).
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// For [serializable](Isolation::Serializable), [read-only](Self::read_only) transactions: waits at the beginning for a moment in
    /// which it cannot collide, and then never does. Has no effect on others.
    #[must_use]
    pub fn deferrable(mut self) -> Self {
        self.deferrable = true;
        self
    }

    /// How often it may be run in all; 1: never again.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    pub(super) fn began(&self, place: &'static Location<'static>) -> Began {
        Began {
            name: self.name,
            place,
        }
    }

    /// A transaction that is to be read-only finds no better server by running again.
    pub(super) fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// One simple query, so one flight.
    pub(super) fn begin(&self) -> SqlStr {
        let isolation = match self.isolation {
            None => "",
            Some(Isolation::ReadCommitted) => " ISOLATION LEVEL READ COMMITTED",
            Some(Isolation::RepeatableRead) => " ISOLATION LEVEL REPEATABLE READ",
            Some(Isolation::Serializable) => " ISOLATION LEVEL SERIALIZABLE",
        };
        let read_only = if self.read_only { " READ ONLY" } else { "" };
        let deferrable = if self.deferrable { " DEFERRABLE" } else { "" };
        if isolation.is_empty() && !self.read_only && !self.deferrable {
            return "BEGIN".into_sql_str();
        }
        AssertSqlSafe(format!("BEGIN{isolation}{read_only}{deferrable}")).into_sql_str()
    }
}

impl Default for TxOptions {
    fn default() -> Self {
        Self::new()
    }
}
