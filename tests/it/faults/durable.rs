use llm_trading_db::embedded::EmbeddedServer;
use std::{
    ops::Deref,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

/// A server of its own that writes its log for standbys, which the one that the tests share does without.
pub struct DurableServer {
    server: Option<EmbeddedServer>,
    folder: PathBuf,
}

impl DurableServer {
    pub fn start() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Relaxed);
        let name = format!("durable{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let server = Some(EmbeddedServer::persistent(&folder).unwrap());
        Self { server, folder }
    }
}

impl Deref for DurableServer {
    type Target = EmbeddedServer;

    fn deref(&self) -> &EmbeddedServer {
        self.server.as_ref().unwrap()
    }
}

impl Drop for DurableServer {
    fn drop(&mut self) {
        self.server.take().unwrap().stop().unwrap();
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}
