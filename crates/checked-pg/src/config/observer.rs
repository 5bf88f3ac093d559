//! Who is told of each transaction.

use crate::db::EndedTransaction;
use std::sync::Arc;

/// A function of the caller's.
#[derive(Clone)]
pub(crate) struct Observer(Arc<dyn Fn(&EndedTransaction) + Send + Sync>);

impl Observer {
    pub(super) fn new(tell: impl Fn(&EndedTransaction) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    pub(crate) fn tell(&self, ended: &EndedTransaction) {
        (self.0)(ended);
    }
}
