//! What an error says about the connection and about the statement.

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
/// An end of file or a reset while reading proves nothing. And there is one exception: a `CALL` of a procedure that commits
/// inside may have done so.
pub(super) fn proves_statement_did_not_run(error: &Error) -> bool {
    match error {
        Error::Database(error) => matches!(error.code().as_deref(), Some("57P01" | "57P05")),
        Error::Io(error) => error.kind() == ErrorKind::BrokenPipe,
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
                | ErrorKind::UnexpectedEof
                | ErrorKind::NotFound // the socket's file, while the server restarts
        ),
        Error::Database(error) => matches!(error.code().as_deref(), Some("53300" | "57P03")),
        _ => false,
    }
}
