use std::pin::pin;
use tokio::sync::Notify;

/// Wakes those that wait for a condition when it may have changed.
#[derive(Default)]
pub(super) struct Bell(Notify);

impl Bell {
    pub(super) fn ring(&self) {
        self.0.notify_waiters();
    }

    pub(super) async fn wait_until(&self, condition: impl Fn() -> bool) {
        loop {
            let mut rung = pin!(self.0.notified());
            // Before the condition is read, so that a ring in between is not missed.
            rung.as_mut().enable();
            if condition() {
                return;
            }
            rung.await;
        }
    }
}
