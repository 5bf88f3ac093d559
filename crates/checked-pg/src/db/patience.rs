//! How long a caller waits for the server.

use super::{Db, statement::Traits};
use crate::error::{Error, TimeoutKind};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// So much longer than the server's own limit does a caller wait for it, so that as a rule the server is the one who says so.
pub(super) const GRACE: Duration = Duration::from_millis(150);

/// What is left of the time for the answers to one question. Only waiting counts: what a caller does between two rows of a stream
/// is its own affair.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    limit: Option<Duration>,
    left: Duration,
}

/// The time is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expired {
    limit: Duration,
}

impl Patience {
    pub(super) fn new(limit: Option<Duration>) -> Self {
        Self {
            limit,
            left: limit.unwrap_or_default(),
        }
    }

    pub(super) async fn wait<T>(&mut self, answer: impl Future<Output = T>) -> Result<T, Expired> {
        let Some(limit) = self.limit else {
            return Ok(answer.await);
        };
        let start = Instant::now();
        let answer = timeout(self.left, answer).await;
        self.left = self.left.saturating_sub(start.elapsed());
        answer.map_err(|_| Expired { limit })
    }
}

impl Expired {
    /// The error of a statement by itself.
    pub(super) fn alone(self, traits: Traits) -> sqlx::Error {
        if traits.only_reads {
            return self.in_transaction();
        }
        let why = self.why();
        Error::OutcomeUnknown { why }.into()
    }

    /// The error of a statement in a transaction, which will not be committed.
    pub(super) fn in_transaction(self) -> sqlx::Error {
        Error::Timeout(TimeoutKind::NoAnswer).into()
    }

    pub(super) fn why(self) -> String {
        format!("no answer in {:.1?}", self.limit)
    }
}

impl Db {
    /// For the answers to one question.
    pub(super) fn patience(&self) -> Patience {
        let limit = self.config().command_timeout;
        Patience::new((!limit.is_zero()).then_some(limit + GRACE))
    }
}
