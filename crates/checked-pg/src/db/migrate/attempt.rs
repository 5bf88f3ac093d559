//! Attempts at a migration that did not succeed, and whether to make another one.

use super::script;
use crate::error::{DatabaseError, Error, MigrationError, Place, Result, is_fatal};
use sqlx::{
    migrate::Migration,
    postgres::{PgDatabaseError, PgErrorPosition},
};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long those who waited behind a migration get their turn.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What the server refused.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sent {
    /// A statement of ours.
    Ours,
    /// The migration.
    Whole,
    /// The statement that begins at this byte of it.
    Statement(usize),
}

/// An attempt that did not succeed.
pub(super) struct Failure {
    pub(super) error: sqlx::Error,
    sent: Sent,
    /// The attempt as a whole can be made again.
    again: bool,
}

impl Failure {
    pub(super) fn new(error: sqlx::Error, sent: Sent) -> Self {
        // Lock not available, deadlock, serialization failure.
        const AGAIN: [&str; 3] = ["55P03", "40P01", "40001"];
        let again = server(&error).is_some_and(|error| AGAIN.contains(&error.code()));
        Self { error, sent, again }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::new(error, Sent::Ours)
    }
}

pub(super) fn server(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

/// Attempts that met a lock, and the pauses between them.
pub(super) struct Waits {
    begun: Instant,
    patience: Duration,
    pause: Duration,
    blocker: Option<String>,
}

impl Waits {
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            begun: Instant::now(),
            patience,
            pause: FIRST_PAUSE,
            blocker: None,
        }
    }

    /// Waits before the next attempt, unless there is to be none.
    pub(super) async fn next(
        &mut self,
        migration: &Migration,
        sql: &str,
        failure: Failure,
        blocker: Option<String>,
    ) -> Result<()> {
        if !failure.again {
            return Err(failed(migration, sql, failure));
        }
        self.blocker = blocker.or(self.blocker.take());
        let waited = self.begun.elapsed();
        if waited + self.pause > self.patience {
            return Err(Error::Migration(MigrationError::Blocked {
                version: migration.version,
                waited,
                by: self.blocker.take().unwrap_or("another session".to_owned()),
            }));
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}

pub(super) fn name(migration: &Migration) -> String {
    format!(
        "migration {} ({})",
        migration.version, migration.description
    )
}

/// The same, after so many statements that stay.
pub(super) fn kept(error: Error, statements: usize) -> Error {
    match error {
        Error::Migration(MigrationError::Failed {
            version,
            place,
            source,
            ..
        }) => Error::Migration(MigrationError::Failed {
            version,
            place,
            kept: statements,
            source,
        }),
        other => other,
    }
}

pub(super) fn failed(migration: &Migration, sql: &str, failure: Failure) -> Error {
    let place = server(&failure.error).and_then(|error| place(error, sql, failure.sent));
    let source = match server(&failure.error) {
        // Not sorted into kinds: of a definition the server's own words say more.
        Some(error) if !is_fatal(error) => Error::Database(DatabaseError::of_definition(error)),
        _ => failure.error.into(),
    };
    Error::Migration(MigrationError::Failed {
        version: migration.version,
        place,
        kept: 0,
        source: Box::new(source),
    })
}

/// Where the server found the error; without its word, where the statement begins.
fn place(error: &PgDatabaseError, sql: &str, sent: Sent) -> Option<Place> {
    let position = match error.position() {
        Some(PgErrorPosition::Original(position)) => Some(position),
        // In what a function runs.
        Some(PgErrorPosition::Internal { .. }) | None => None,
    };
    let position = match sent {
        Sent::Ours => return None,
        Sent::Whole => position?,
        Sent::Statement(start) => sql[..start].chars().count() + position.unwrap_or(1),
    };
    let (line, column) = script::place(sql, position);
    Some(Place { line, column })
}
