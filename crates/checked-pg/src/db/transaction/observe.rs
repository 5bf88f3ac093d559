//! Tells of each transaction that has ended.

use super::Began;
use crate::config::Observer;
use std::{
    panic::Location,
    time::{Duration, Instant},
};

/// A transaction that has ended, for whoever counts and measures: see [`Config::on_transaction`](crate::config::Config::on_transaction).
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct EndedTransaction {
    /// Its [name](super::TxOptions::name), if it has one.
    pub name: Option<&'static str>,
    /// Where it was begun.
    pub place: &'static Location<'static>,
    /// How often it was run: 1, and 1 more for each collision and each connection that was out of date.
    pub attempts: u32,
    /// From the call to its end: the waits for connections, all attempts, and the pauses between them.
    pub duration: Duration,
    /// How it ended.
    pub outcome: TransactionOutcome,
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransactionOutcome {
    /// It was committed.
    Committed,
    /// Its caller got an error: it was rolled back, unless that is [`Error::CommitUnknown`](crate::Error::CommitUnknown).
    Failed,
    /// Its caller left, or panicked: it was rolled back.
    Abandoned,
}

/// Watches a transaction to its end, however that comes.
pub(super) struct Watch<'a>(Option<Watched<'a>>);

struct Watched<'a> {
    observer: &'a Observer,
    began: Began,
    start: Instant,
    attempts: u32,
    outcome: TransactionOutcome,
}

impl<'a> Watch<'a> {
    /// Without an observer it does nothing, and looks at no clock.
    pub(super) fn new(observer: Option<&'a Observer>, began: Began) -> Self {
        Self(observer.map(|observer| Watched {
            observer,
            began,
            start: Instant::now(),
            attempts: 0,
            outcome: TransactionOutcome::Abandoned,
        }))
    }

    pub(super) fn attempt(&mut self) {
        if let Some(watched) = &mut self.0 {
            watched.attempts += 1;
        }
    }

    pub(super) fn ended<T, E>(mut self, result: Result<T, E>) -> Result<T, E> {
        if let Some(watched) = &mut self.0 {
            watched.outcome = match result {
                Ok(_) => TransactionOutcome::Committed,
                Err(_) => TransactionOutcome::Failed,
            };
        }
        result
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if let Some(watched) = self.0.take() {
            watched.observer.tell(&EndedTransaction {
                name: watched.began.name,
                place: watched.began.place,
                attempts: watched.attempts,
                duration: watched.start.elapsed(),
                outcome: watched.outcome,
            });
        }
    }
}
