//! What every HTTP service on a [`Db`](crate::Db) writes again: the status of an error. It needs no web framework.

use crate::error::{ConflictKind, Error};

/// The HTTP status that tells a client what it can do about an error.
///
/// | status | of |
/// |---|---|
/// | 404 | a row that does not exist |
/// | 409 | a duplicate key, a missing or a still referenced row, an overlap |
/// | 422 | a value that breaks a rule: of its type, of a check, or missing |
/// | 503 | no connection, a full or closed pool, a broken connection, a collision that no attempt survived: try again later |
/// | 504 | a statement or a lock that took too long |
/// | 500 | anything else; look into the log before you try again, above all after a COMMIT of unknown outcome |
///
/// The text of an [`Error`] repeats no row value and no password, so it can go into the answer.
#[must_use]
pub const fn status(error: &Error) -> u16 {
    match error {
        Error::NotFound { .. } => 404,
        Error::Conflict {
            kind: ConflictKind::Unique | ConflictKind::ForeignKey | ConflictKind::Exclusion,
            ..
        } => 409,
        Error::Conflict { .. } | Error::Invalid { .. } => 422,
        Error::PoolTimeout { .. }
        | Error::PoolClosed
        | Error::Connect { .. }
        | Error::Disconnected { .. }
        | Error::Retryable(_) => 503,
        Error::Timeout(_) => 504,
        _ => 500,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_says_what_a_client_can_do() {
        let conflict = |kind| Error::Conflict {
            kind,
            constraint: "c".to_owned(),
            table: None,
        };
        let unknown = Error::CommitUnknown { why: String::new() };
        for (error, expected) in [
            (Error::not_found("note", 7), 404),
            (conflict(ConflictKind::Unique), 409),
            (conflict(ConflictKind::ForeignKey), 409),
            (conflict(ConflictKind::Check), 422),
            (conflict(ConflictKind::NotNull), 422),
            (Error::invalid("week", "is not one"), 422),
            (Error::PoolClosed, 503),
            (Error::Timeout(crate::error::TimeoutKind::Lock), 504),
            (unknown, 500),
            (Error::Driver("x"), 500),
        ] {
            assert_eq!(status(&error), expected, "{error:?}");
        }
    }
}
