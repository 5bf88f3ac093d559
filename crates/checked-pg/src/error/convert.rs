//! From sqlx's errors, which hold values, to ours, which do not.

use super::{ConflictKind, DatabaseError, Error, Invalid, MigrationError, Misfit, TimeoutKind};
use crate::db::placed;
use sqlx::{
    error::BoxDynError,
    migrate::MigrateError,
    postgres::{PgDatabaseError, PgSeverity},
};
use std::io;

impl From<Invalid> for Error {
    fn from(Invalid { field, why }: Invalid) -> Self {
        Self::Invalid { field, why }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match error {
            E::Database(error) => match error.try_downcast_ref::<PgDatabaseError>() {
                Some(error) => from_server(error),
                None => Self::Driver("an error of another database"),
            },
            E::Io(error) => from_io(error),
            E::RowNotFound => Self::not_found("row", "of this statement"),
            E::ColumnDecode { index, source } => from_decode(index, &source),
            E::Decode(source) => from_decode("a value".to_owned(), &source),
            E::Encode(source) => match source.downcast::<Invalid>() {
                Ok(invalid) => (*invalid).into(),
                Err(_) => Self::Driver("a parameter could not be encoded"),
            },
            E::ColumnNotFound(column) => {
                let misfit = Misfit::of_column(column, "the statement does not return it");
                Self::Decode(Box::new(misfit))
            }
            E::ColumnIndexOutOfBounds { index, len } => {
                let why = format!("the statement returns {len} columns");
                Self::Decode(Box::new(Misfit::of_column(index.to_string(), why)))
            }
            E::TypeNotFound { type_name } => Self::Database(DatabaseError::new(
                "42704",
                &format!("type \"{type_name}\" does not exist: is the database migrated?"),
            )),
            E::Migrate(error) => (*error).into(),
            E::PoolClosed => Self::PoolClosed,
            E::PoolTimedOut => Self::Driver("a pool of sqlx had no free connection in time"),
            E::Tls(_) => Self::Driver("the TLS session failed"),
            E::Protocol(_) => Self::Driver("the server's answer was not understood"),
            E::WorkerCrashed => Self::Driver("a background task ended early"),
            E::Configuration(_) | E::InvalidArgument(_) => Self::Driver("a setting was refused"),
            _ => Self::Driver("an error of a kind that this crate does not know"),
        }
    }
}

/// Lets our own errors travel through `sqlx::Executor`, whose errors are sqlx's. `From<sqlx::Error>` is the way back.
impl From<Error> for sqlx::Error {
    fn from(error: Error) -> Self {
        Self::Io(io::Error::other(error))
    }
}

fn from_io(error: io::Error) -> Error {
    let kind = error.kind();
    match error.into_inner().map(|inner| inner.downcast::<Error>()) {
        Some(Ok(ours)) => *ours,
        // The kind alone: a payload's text is anybody's.
        _ => Error::Disconnected {
            why: kind.to_string(),
        },
    }
}

fn from_server(error: &PgDatabaseError) -> Error {
    let sanitized = DatabaseError::from(error);
    if is_fatal(error) {
        return Error::Disconnected {
            why: sanitized.to_string(),
        };
    }
    let conflict = |kind| {
        let name = match kind {
            ConflictKind::NotNull => error.column(),
            _ => error.constraint(),
        };
        match name {
            Some(name) => Error::Conflict {
                kind,
                constraint: name.to_owned(),
                table: error.table().map(str::to_owned),
            },
            // Raised by a function that did not say which.
            None => Error::Database(sanitized.clone()),
        }
    };
    match error.code() {
        "23505" => conflict(ConflictKind::Unique),
        "23503" => conflict(ConflictKind::ForeignKey),
        "23514" => conflict(ConflictKind::Check),
        "23502" => conflict(ConflictKind::NotNull),
        "23P01" => conflict(ConflictKind::Exclusion),
        "40001" | "40P01" => Error::Retryable(sanitized),
        "57014" => Error::Timeout(TimeoutKind::Statement),
        "55P03" => Error::Timeout(TimeoutKind::Lock),
        _ => Error::Database(sanitized),
    }
}

/// True if the server ended the session with this error.
pub(crate) fn is_fatal(error: &PgDatabaseError) -> bool {
    matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic)
        || error.code().starts_with("08")
}

fn from_decode(column: String, source: &BoxDynError) -> Error {
    let mut misfit = Misfit::of_column(column, "");
    misfit.because(source);
    Error::Decode(Box::new(placed(misfit)))
}

impl From<MigrateError> for Error {
    fn from(error: MigrateError) -> Self {
        use MigrateError as M;
        match error {
            M::Execute(error) => error.into(),
            M::ExecuteMigration(source, version) => MigrationError::Failed {
                version,
                place: None,
                kept: 0,
                source: Box::new(source.into()),
            }
            .into(),
            M::VersionMissing(version) => MigrationError::Ahead { version }.into(),
            M::VersionMismatch(version) => MigrationError::Edited { version }.into(),
            M::Dirty(version) => MigrationError::HalfApplied { version }.into(),
            _ => MigrationError::Unusable("sqlx does not accept them".into()).into(),
        }
    }
}
