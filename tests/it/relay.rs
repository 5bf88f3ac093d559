//! A relay in front of the server's socket. It counts what clients send and loses answers on demand; and since it runs on the
//! test's own runtime, no answer arrives before the client has yielded, however fast the server is.

use sqlx::postgres::PgConnectOptions;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
};

pub struct Relay {
    folder: PathBuf,
    wire: Arc<Wire>,
}

#[derive(Default)]
struct Wire {
    flights: AtomicU32,
    loses_next_answer: AtomicBool,
}

impl Relay {
    /// Starts a relay to the server of these options.
    pub fn start(server: &PgConnectOptions) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Relaxed);
        let folder = std::env::temp_dir().join(format!("relay{}-{number}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let socket = format!(".s.PGSQL.{}", server.get_port());
        let listener = UnixListener::bind(folder.join(&socket)).unwrap();
        let server = socket_folder(server).join(&socket);
        let wire = Arc::new(Wire::default());
        let relayed = wire.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&server).await.unwrap();
                tokio::spawn(relay(client, server, relayed.clone()));
            }
        });
        Self { folder, wire }
    }

    /// The folder of its socket.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How often clients have sent something since the last call.
    pub fn take_flights(&self) -> u32 {
        self.wire.flights.swap(0, Relaxed)
    }

    /// The server gets what is sent next and acts on it, but the connection breaks before its answer arrives.
    pub fn lose_next_answer(&self) {
        self.wire.loses_next_answer.store(true, Relaxed);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

pub fn socket_folder(server: &PgConnectOptions) -> PathBuf {
    match server.get_socket() {
        Some(folder) => folder.clone(),
        None => server.get_host().into(),
    }
}

async fn relay(client: UnixStream, server: UnixStream, wire: Arc<Wire>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = wire.clone();
    tokio::spawn(async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from_server.read(&mut buffer).await {
            let lost = answers.loses_next_answer.swap(false, Relaxed);
            if lost || to_client.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    });
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
        wire.flights.fetch_add(1, Relaxed);
        if to_server.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
