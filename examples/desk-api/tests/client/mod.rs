//! A client of few words, the service on a port of its own, and a road to the server that can be cut.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use checked_pg::sqlx::postgres::PgConnectOptions;
use checked_pg_server::EmbeddedServer;
use llm_trading_db::Db;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream, UnixStream},
    sync::{Notify, oneshot},
    task::JoinHandle,
};

/// What the service said.
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Sends a request and leaves the answer unread.
pub async fn send(address: SocketAddr, method: &str, path: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: desk\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn answer(mut stream: TcpStream) -> Answer {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        body: body.to_owned(),
    }
}

pub async fn get(address: SocketAddr, path: &str) -> Answer {
    answer(send(address, "GET", path, "").await).await
}

pub async fn post(address: SocketAddr, path: &str, body: &str) -> Answer {
    answer(send(address, "POST", path, body).await).await
}

/// The service, until it is stopped.
pub struct Service {
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Service {
    pub async fn start(db: Db) -> Self {
        Self::start_with(db, Duration::from_secs(10)).await
    }

    pub async fn start_with(db: Db, deadline: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let stopped = async move {
            stopped.await.unwrap();
        };
        let served = tokio::spawn(desk_api::serve(listener, db, deadline, stopped));
        Self {
            address,
            stop,
            served,
        }
    }

    /// Stops it as a signal would, and sees that it ends well.
    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        let served = tokio::time::timeout(Duration::from_secs(10), self.served).await;
        served.unwrap().unwrap().unwrap();
    }
}

/// A road to the server that can be cut and mended.
pub struct Relay {
    port: u16,
    open: Arc<AtomicBool>,
    cut: Arc<Notify>,
}

impl Relay {
    pub async fn start(server: &EmbeddedServer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let options = server.options();
        let socket = options
            .get_socket()
            .unwrap()
            .join(format!(".s.PGSQL.{}", options.get_port()));
        let (open, cut) = (Arc::new(AtomicBool::new(true)), Arc::new(Notify::new()));
        let (is_open, is_cut) = (Arc::clone(&open), Arc::clone(&cut));
        tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                if !is_open.load(Ordering::SeqCst) {
                    continue; // accepted and closed, as a balancer without a server does
                }
                let mut server = UnixStream::connect(&socket).await.unwrap();
                let cut = Arc::clone(&is_cut);
                tokio::spawn(async move {
                    tokio::select! {
                        () = cut.notified() => {}
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                    }
                });
            }
        });
        Self { port, open, cut }
    }

    pub fn options(&self, server: &EmbeddedServer) -> PgConnectOptions {
        let options = server.options();
        PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port)
            .username(options.get_username())
            .database(options.get_database().unwrap())
            .ssl_mode(checked_pg::sqlx::postgres::PgSslMode::Disable)
    }

    pub fn cut(&self) {
        self.open.store(false, Ordering::SeqCst);
        self.cut.notify_waiters();
    }

    pub fn mend(&self) {
        self.open.store(true, Ordering::SeqCst);
    }
}
