//! A relay in front of the server's socket. It counts what clients send; and since it runs on the test's own runtime, no answer
//! arrives before the client has yielded, however fast the server is.

use sqlx::postgres::PgConnectOptions;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
};

pub struct Relay {
    folder: PathBuf,
    flights: Arc<AtomicU32>,
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
        let flights = Arc::new(AtomicU32::new(0));
        let counter = flights.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&server).await.unwrap();
                tokio::spawn(relay(client, server, counter.clone()));
            }
        });
        Self { folder, flights }
    }

    /// The folder of its socket.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How often clients have sent something since the last call.
    pub fn take_flights(&self) -> u32 {
        self.flights.swap(0, Relaxed)
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

async fn relay(client: UnixStream, server: UnixStream, flights: Arc<AtomicU32>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
        flights.fetch_add(1, Relaxed);
        if to_server.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
