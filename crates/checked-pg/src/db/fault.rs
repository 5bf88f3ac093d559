//! What an error says about the connection and about the statement.

use super::statement::Traits;
use crate::error::is_fatal;
use sqlx::{Error, postgres::PgDatabaseError};
use std::io::ErrorKind;

/// True if the session is surely still there and in step after this error. After any other, the connection is closed.
pub(super) fn leaves_connection_usable(error: &Error) -> bool {
    match error {
        // FATAL ends the session: 57P01 admin_shutdown, 57P05 idle_session_timeout, 25P03 …
        Error::Database(error) => error
            .try_downcast_ref::<PgDatabaseError>()
            .is_some_and(|error| !is_fatal(error)),
        Error::RowNotFound | Error::Encode(_) | Error::Decode(_) | Error::ColumnDecode { .. } => {
            true
        }
        Error::TypeNotFound { .. }
        | Error::ColumnNotFound(_)
        | Error::ColumnIndexOutOfBounds { .. } => true,
        // Io, Tls, Protocol, and whatever sqlx adds.
        _ => false,
    }
}

/// True if the statement, of which nothing has come back yet, provably had no effect: the server had already ended the session,
/// or the socket was closed before the last byte of the request, its Sync and hence its commit, was sent.
///
/// An end of file or a reset while reading proves nothing. Nor does any error of a statement that may commit before its end, such as a
/// `CALL`.
pub(super) fn proves_statement_did_not_run(error: &Error) -> bool {
    match error {
        Error::Database(error) => {
            // 25P03: it ended the session for doing nothing in a transaction.
            matches!(error.code().as_deref(), Some("57P01" | "57P05" | "25P03"))
        }
        Error::Io(error) => error.kind() == ErrorKind::BrokenPipe,
        _ => false,
    }
}

/// How a statement that failed may run once more without harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    Never,
    /// It did not run: on another connection.
    Elsewhere,
    /// It may have run, but only reads, by its text: on another connection, if nothing hides behind the text.
    IfItReads,
    /// The server takes no writes: on a new connection, which may lead to another server.
    OnAnotherServer,
    /// What the connection knows of it is out of date.
    PreparedAnew,
}

/// What an error says of a statement by itself, of which nothing has come back to the caller yet.
pub(super) fn again(error: &Error, traits: Traits) -> Again {
    if traits.may_commit_inside {
        return Again::Never;
    }
    if proves_statement_did_not_run(error) {
        return Again::Elsewhere;
    }
    match error {
        // A statement that failed has changed nothing; several, or a procedure, may have committed before.
        Error::Database(_) if traits.several || traits.may_change_session => Again::Never,
        Error::Database(_) if is_out_of_date(error) => Again::PreparedAnew,
        Error::Database(_) if is_read_only(error) => Again::OnAnotherServer,
        _ if traits.only_reads && is_break(error) => Again::IfItReads,
        _ => Again::Never,
    }
}

/// True if a statement failed before it ran since what was prepared does not fit any more: a column's type was changed, the name is
/// not known to the session, or a type was dropped and made anew, with another number than the one that sqlx remembers.
pub(super) fn is_out_of_date(error: &Error) -> bool {
    let Error::Database(error) = error else {
        return false;
    };
    match error.try_downcast_ref::<PgDatabaseError>() {
        Some(error) if error.code() == "0A000" => error.routine() == Some("RevalidateCachedQuery"),
        // Such internal messages are never translated.
        Some(error) if error.code() == "XX000" => {
            error.message().starts_with("cache lookup failed for type ")
        }
        Some(error) => error.code() == "26000",
        None => false,
    }
}

/// True if the server refuses to write.
pub(super) fn is_read_only(error: &Error) -> bool {
    matches!(error, Error::Database(error) if error.code().as_deref() == Some("25006"))
}

/// True if the connection broke, and not if we gave it up.
fn is_break(error: &Error) -> bool {
    match error {
        Error::Io(error) => !error
            .get_ref()
            .is_some_and(|inner| inner.is::<crate::Error>()),
        Error::Database(_) => !leaves_connection_usable(error),
        _ => false,
    }
}

/// True while a server starts, stops or is out of slots: worth another try to connect.
pub(super) fn is_transient_on_connect(error: &Error) -> bool {
    match error {
        Error::Io(error) => matches!(
            error.kind(),
            ErrorKind::ConnectionRefused
                | ErrorKind::ConnectionReset
                | ErrorKind::BrokenPipe
                | ErrorKind::UnexpectedEof
                | ErrorKind::NotFound // the socket's file, while the server restarts
        ),
        // 57P01: the new session was terminated before it had proven itself.
        Error::Database(error) => {
            matches!(error.code().as_deref(), Some("53300" | "57P01" | "57P03"))
        }
        // Closed before it said whether it does TLS: sqlx looks at the zero that it started with.
        Error::Protocol(why) => why.starts_with("unexpected response from SSLRequest: 0x00"),
        _ => false,
    }
}
