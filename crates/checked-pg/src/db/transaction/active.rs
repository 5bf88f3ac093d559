//! Which transactions the task that runs is in, so that `&db` inside of one of its own is noticed.

use crate::error::{Error, Result};
use std::{fmt, panic::Location, sync::Arc};

tokio::task_local! {
    static INNERMOST: Arc<Active>;
}

/// A transaction whose closure is under way.
pub(in crate::db) struct Active {
    pool: usize,
    began: Began,
    outer: Option<Arc<Active>>,
}

/// What a transaction goes by, and the place that began it.
#[derive(Debug, Clone, Copy)]
pub(in crate::db) struct Began {
    pub(in crate::db) name: Option<&'static str>,
    pub(in crate::db) place: &'static Location<'static>,
}

impl fmt::Display for Began {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            Some(name) => write!(f, "transaction `{name}` that began at {}", self.place),
            None => write!(f, "transaction that began at {}", self.place),
        }
    }
}

/// Runs `work`, which is the closure of this transaction.
pub(super) async fn inside<T>(pool: usize, began: Began, work: impl Future<Output = T>) -> T {
    let outer = INNERMOST.try_with(Arc::clone).ok();
    let active = Arc::new(Active { pool, began, outer });
    INNERMOST.scope(active, work).await
}

/// Refuses to take another connection of this pool inside of one of its transactions: what runs on it would not be part of the
/// transaction, and if all who hold a connection wait for a second one, all wait for ever.
pub(in crate::db) fn refuse_inside(pool: usize, used: impl FnOnce() -> String) -> Result<()> {
    let found = INNERMOST.try_with(|innermost| {
        let mut next = Some(innermost);
        while let Some(active) = next {
            if active.pool == pool {
                return Some(active.began);
            }
            next = active.outer.as_ref();
        }
        None
    });
    match found {
        Ok(Some(began)) => Err(Error::InsideTransaction {
            transaction: began.to_string(),
            used: used(),
        }),
        _ => Ok(()),
    }
}
