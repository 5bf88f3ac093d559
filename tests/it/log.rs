//! What is logged on this thread.

use std::{
    io,
    sync::{Arc, LazyLock, Mutex},
    thread,
};

use tracing::{
    Dispatch,
    subscriber::{DefaultGuard, NoSubscriber},
};

/// Collects what is logged, from [`start`](Self::start) until its guard is dropped.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

/// Listens on this thread, until the guard is dropped, beside what other threads listen to.
///
/// A process with a single subscriber asks that of the thread which reaches an event first whether anybody wants it, and
/// remembers the answer for all threads: an event first reached by a test that listens to nothing would be lost to one that
/// does. Two subscribers that want nothing make sure that there is never a single one.
pub fn listen(subscriber: impl Into<Dispatch>) -> DefaultGuard {
    static NEVER_ALONE: LazyLock<[Dispatch; 2]> =
        LazyLock::new(|| [(); 2].map(|()| Dispatch::new(NoSubscriber::new())));
    LazyLock::force(&NEVER_ALONE);
    tracing::dispatcher::set_default(&subscriber.into())
}

impl Log {
    pub fn start(&self) -> DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_ansi(false)
            .with_writer(move || log.clone())
            .finish();
        listen(subscriber)
    }

    pub fn peek(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }

    pub fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_event_first_reached_on_another_thread_is_logged_on_this_one() {
    fn event() {
        tracing::info!("reached");
    }
    let log = Log::default();
    let _guard = log.start();
    thread::spawn(event).join().unwrap();
    assert_eq!(log.take(), "");
    event();
    assert!(log.take().contains("reached"));
}
