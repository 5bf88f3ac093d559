//! A relay between a peer and the server that counts flights: how often the client sends after it has heard back.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use crate::server::HOST;

pub struct Relay {
    pub port: u16,
    flights: Arc<AtomicU64>,
}

impl Relay {
    pub async fn start(server: u16) -> Result<Self> {
        let listener = TcpListener::bind((HOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let flights = Arc::new(AtomicU64::new(0));
        let counted = flights.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // A peer whose connection fails says so itself.
                if let Ok(server) = TcpStream::connect((HOST, server)).await {
                    join(client, server, counted.clone());
                }
            }
        });
        Ok(Self { port, flights })
    }

    /// Flights since the last call.
    pub fn take(&self) -> u64 {
        self.flights.swap(0, Relaxed)
    }
}

fn join(client: TcpStream, server: TcpStream, flights: Arc<AtomicU64>) {
    let heard_back = Arc::new(AtomicBool::new(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let answered = heard_back.clone();
    tokio::spawn(pump(from_server, to_client, move || {
        answered.store(true, Relaxed)
    }));
    tokio::spawn(pump(from_client, to_server, move || {
        if heard_back.swap(false, Relaxed) {
            flights.fetch_add(1, Relaxed);
        }
    }));
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, seen: impl Fn()) {
    let mut buffer = vec![0; 1 << 18];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        seen();
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
