//! What can go wrong, as one typed enum that never carries parameters, passwords or values of rows, but for the key of a row that
//! cannot be read.
//!
//! PostgreSQL repeats values in the details and in many messages of its errors, and so do `serde_json` and others.
//! An error travels into logs and spans, so [`Error`] keeps what names the *place* (SQLSTATE, table, column, constraint)
//! and the message only where it cannot hold a value. That holds for `Display`, `Debug` and `source()` alike.

mod convert;
mod database;
mod invalid;
mod misfit;

pub(crate) use convert::is_fatal;
pub use database::DatabaseError;
pub use invalid::Invalid;
pub use misfit::Misfit;

use crate::db::{OLDEST, Objection};
use std::{borrow::Cow, fmt, time::Duration};

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong in this crate.
///
/// Any `sqlx::Error` becomes one with `?`, so functions of your own that use the `sqlx` macros return it just as well. What your
/// functions may report themselves, such as [`RowCount`](Self::RowCount), can be made by anybody; what only this crate knows, such as
/// [`PoolTimeout`](Self::PoolTimeout), may get further fields.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The row that was asked for does not exist.
    #[error("{what} {key} not found")]
    NotFound {
        /// What was looked for, such as `note`.
        what: &'static str,
        /// The key it was looked for by.
        key: String,
    },
    /// A constraint of the database refused the write.
    #[error("{kind} `{constraint}`{}", OnTable(table.as_deref()))]
    Conflict {
        /// The kind of constraint.
        kind: ConflictKind,
        /// The constraint's name; for [`ConflictKind::NotNull`], which has none, the column's.
        constraint: String,
        /// The table, where PostgreSQL names it (it does not for a domain's check).
        table: Option<String>,
    },
    /// A value breaks a rule of its type, or a setting is wrong.
    #[error("{field}: {why}")]
    Invalid {
        /// The type, the path of the field or the variable.
        field: Cow<'static, str>,
        /// What is wrong and what would be right.
        why: Cow<'static, str>,
    },
    /// PostgreSQL asks for the whole transaction to be run again (a serialization failure or a deadlock).
    ///
    /// Out of [`Db::transaction`](crate::db::Db::transaction) it means that all attempts met this fate.
    #[error("the transaction collided with another one, run it again: {0}")]
    Retryable(#[source] DatabaseError),
    /// Every connection was busy for the whole acquire timeout.
    #[error(
        "no free connection after {waited:.1?} ({size} open, {idle} idle, {waiting} waiting): \
         raise Config::max_pool_size, or hold connections for less long"
    )]
    #[non_exhaustive]
    PoolTimeout {
        /// How long this caller waited.
        waited: Duration,
        /// Open connections.
        size: usize,
        /// Open connections that nobody uses.
        idle: usize,
        /// Callers that waited, this one included.
        waiting: usize,
    },
    /// The pool was closed.
    #[error("the pool is closed")]
    PoolClosed,
    /// No connection could be made: an unreachable server, a wrong password, a missing database.
    #[error("cannot connect to {server}: {why}")]
    #[non_exhaustive]
    Connect {
        /// Which database, as which user, at which address.
        server: String,
        /// What went wrong and what to do.
        why: String,
    },
    /// The connection broke while a statement was under way; whether that statement took effect is not known.
    #[error("the connection to the server broke: {why}")]
    Disconnected {
        /// How it broke.
        why: String,
    },
    /// The server gave up on a statement, or we on the server.
    #[error("{0}")]
    Timeout(TimeoutKind),
    /// No answer to a statement came in time, and it is not one that only reads: it may have taken effect, may still do so, or may
    /// not. Never run it again blindly: read first what the database says.
    #[error("the outcome of the statement is unknown, look before you run it again: {why}")]
    OutcomeUnknown {
        /// What was waited for.
        why: String,
    },
    /// A statement touched another number of rows than it must. A transaction that passes this on is rolled back; a statement by
    /// itself has already happened.
    #[error("expected {expected} rows, got {actual}")]
    RowCount {
        /// How many rows it had to be.
        expected: u64,
        /// How many it was.
        actual: u64,
    },
    /// A value in the database does not fit the type that reads it; the row is named by its key.
    /// [`readable`](crate::rows::readable) reads the rows beside it, and [`misfits`](crate::rows::Types::misfits) lists all such
    /// rows of a database.
    #[error("cannot decode {0}")]
    Decode(Box<Misfit>),
    /// The connection broke while COMMIT was under way: the transaction may or may not be durable. Never run again
    /// blindly: read first what the database says.
    #[error("the outcome of COMMIT is unknown, look before you run it again: {why}")]
    CommitUnknown {
        /// How the connection broke.
        why: String,
    },
    /// A `&Db` was used inside of one of its own transactions, by the same task. It would have run outside of that transaction:
    /// pass the `Tx` instead. For what is meant to be outside, use another task.
    #[error(
        "inside of the {transaction}, {used} was given the pool itself and would run outside of it: pass `tx` instead"
    )]
    #[non_exhaustive]
    InsideTransaction {
        /// The transaction: its name, and the place that began it.
        transaction: String,
        /// What was to run, and where, as far as that can be told.
        used: String,
    },
    /// The migrations of this program and of the database do not go together.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// Any other error of the server.
    #[error("{}", Advised(.0))]
    Database(DatabaseError),
    /// sqlx and the server, or sqlx and this program, did not understand each other.
    #[error("the database driver failed: {0}")]
    Driver(&'static str),
}

impl Error {
    /// The row of kind `what` with this key does not exist.
    pub fn not_found(what: &'static str, key: impl fmt::Display) -> Self {
        Self::NotFound {
            what,
            key: key.to_string(),
        }
    }

    /// True if running the whole transaction again may well succeed.
    ///
    /// [`Db::transaction`](crate::db::Db::transaction) does so by itself, a few times.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Retryable(_))
    }

    /// The constraint that refused the write, to turn it into an error of your own.
    ///
    /// ```
    /// # fn on_insert(error: checked_pg::error::Error) {
    /// if error.constraint() == Some("balance_not_negative") {
    ///     // not enough money
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Conflict { constraint, .. } => Some(constraint),
            Self::Database(error) => error.constraint(),
            _ => None,
        }
    }

    /// A value or a setting breaks a rule: which, and what would be right.
    pub fn invalid(field: impl Into<Cow<'static, str>>, why: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid {
            field: field.into(),
            why: why.into(),
        }
    }
}

/// The kind of constraint that refused a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConflictKind {
    /// Another row has this key (23505).
    Unique,
    /// The row that is referred to does not exist, or is still referred to (23503).
    ForeignKey,
    /// A check of a table or of a domain (23514).
    Check,
    /// A missing value (23502).
    NotNull,
    /// Another row overlaps (23P01).
    Exclusion,
}

impl fmt::Display for ConflictKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unique => "a row with this key exists already, says",
            Self::ForeignKey => "a row referred to is missing, or a row is still referred to, says",
            Self::Check => "a value is not allowed by check",
            Self::NotNull => "a value is missing for column",
            Self::Exclusion => "another row overlaps, says",
        })
    }
}

/// Which limit of the server a statement ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeoutKind {
    /// `statement_timeout` (57014); an administrator who cancels the statement looks the same.
    Statement,
    /// `lock_timeout`, or `NOWAIT` (55P03).
    Lock,
    /// The server said nothing at all until a little after the limit for a statement: it is stopped, or the network swallows what is
    /// sent.
    NoAnswer,
}

impl fmt::Display for TimeoutKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Statement => {
                "the statement was cancelled: it took longer than Config::command_timeout allows"
            }
            Self::Lock => "gave up waiting for a lock that another transaction holds",
            Self::NoAnswer => "gave up waiting for an answer: the server said nothing in the time that Config::command_timeout allows",
        })
    }
}

/// Why the migrations of this program and of the database do not go together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// The database has a migration this program does not know.
    #[error(
        "the database has migration {version}, which this program does not know: \
         a newer version migrated it, so run that version or a later one"
    )]
    #[non_exhaustive]
    Ahead {
        /// The first unknown migration.
        version: i64,
    },
    /// A migration was changed after it was applied.
    #[error(
        "migration {version} is not the one that was applied to the database: \
         restore its file, and put the change into a new migration"
    )]
    #[non_exhaustive]
    Edited {
        /// The migration.
        version: i64,
    },
    /// Some of the statements of a migration ran and some did not. Only one that is no transaction can end like this.
    #[error(
        "migration {version} is half applied: see with its file which of its statements took effect; then either run the others by \
         hand and set `success` to true in its row of the table of migrations, or undo them and delete that row"
    )]
    #[non_exhaustive]
    HalfApplied {
        /// The migration.
        version: i64,
    },
    /// A migration failed; what it had done is rolled back, and those before it stay applied.
    #[error("migration {version} failed{}: {source}{}", At(*place), Kept(*kept))]
    #[non_exhaustive]
    Failed {
        /// The migration.
        version: i64,
        /// Where in its file, if the server says so.
        place: Option<Place>,
        /// How many statements of it stay: none, unless it is one that is no transaction.
        kept: usize,
        /// What the server said, in its own words.
        source: Box<Error>,
    },
    /// A migration met a lock that another session did not give up; what it had done is rolled back.
    #[error(
        "migration {version} waited {waited:.0?} for a lock: end what holds it, or migrate when it is done: {by}"
    )]
    #[non_exhaustive]
    Blocked {
        /// The migration.
        version: i64,
        /// How long it tried.
        waited: Duration,
        /// Who holds the lock.
        by: String,
    },
    /// The server is older than any that the migrations are tried on.
    #[error(
        "the server is PostgreSQL {server}: upgrade it to PostgreSQL {OLDEST} or later; nothing was applied"
    )]
    #[non_exhaustive]
    TooOld {
        /// Its version.
        server: String,
    },
    /// The server takes no writes.
    #[error("migrations are missing, and {why}")]
    #[non_exhaustive]
    ReadOnly {
        /// Why, and what to do.
        why: &'static str,
    },
    /// The database is one into which these migrations must not go; none has begun.
    #[error("{0}")]
    Objection(Objection),
    /// The set of migrations is itself wrong.
    #[error("the migrations of this program are not usable: {0}")]
    Unusable(Cow<'static, str>),
}

/// A place in a file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

struct At(Option<Place>);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(place) => write!(f, " at {place}"),
            None => Ok(()),
        }
    }
}

struct Kept(usize);

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            1 => f.write_str("; the statement before it stays, so the migration is half applied"),
            kept => write!(
                f,
                "; the {kept} statements before it stay, so the migration is half applied"
            ),
        }
    }
}

struct Advised<'a>(&'a DatabaseError);

impl fmt::Display for Advised<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)?;
        match self.0.lacks_right() {
            true => f.write_str("; `Db::verify` names the GRANT that is missing"),
            false => Ok(()),
        }
    }
}

struct OnTable<'a>(Option<&'a str>);

impl fmt::Display for OnTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(table) => write!(f, " of table `{table}`"),
            None => Ok(()),
        }
    }
}
