use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, UnixListener, UnixStream},
    sync::Notify,
};

/// A relay in front of a server's socket. It counts what clients send, and loses, holds or swallows it on demand; and since it runs
/// on the test's own runtime, no answer arrives before the client has yielded, however fast the server is.
pub struct Relay {
    folder: PathBuf,
    port: u16,
    wire: Arc<Wire>,
}

struct Wire {
    /// The server's socket, for the connections to come.
    target: Mutex<PathBuf>,
    flights: AtomicU32,
    loses_next_answer: AtomicBool,
    accepted: AtomicU32,
    /// Connections with a smaller number are silent: what is sent on them goes nowhere.
    silent_below: AtomicU32,
    closes_new: AtomicBool,
    holds: AtomicBool,
    let_go: Notify,
    older: AtomicBool,
}

impl Relay {
    /// Starts a relay to the server of these options.
    pub async fn start(server: &PgConnectOptions) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Relaxed);
        let folder = std::env::temp_dir().join(format!("relay{}-{number}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let socket = format!(".s.PGSQL.{}", server.get_port());
        let local = UnixListener::bind(folder.join(&socket)).unwrap();
        let network = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = network.local_addr().unwrap().port();
        let wire = Arc::new(Wire {
            target: Mutex::new(socket_of(server)),
            flights: AtomicU32::new(0),
            loses_next_answer: AtomicBool::new(false),
            accepted: AtomicU32::new(0),
            silent_below: AtomicU32::new(0),
            closes_new: AtomicBool::new(false),
            holds: AtomicBool::new(false),
            let_go: Notify::new(),
            older: AtomicBool::new(false),
        });
        let relayed = wire.clone();
        tokio::spawn(async move {
            loop {
                let accepted: io::Result<(Box<dyn Reads>, Box<dyn Writes>)> = tokio::select! {
                    client = local.accept() => client.map(|(client, _)| {
                        let (read, write) = client.into_split();
                        (Box::new(read) as _, Box::new(write) as _)
                    }),
                    client = network.accept() => client.map(|(client, _)| {
                        let (read, write) = client.into_split();
                        (Box::new(read) as _, Box::new(write) as _)
                    }),
                };
                let Ok(client) = accepted else { return };
                let number = relayed.accepted.fetch_add(1, Relaxed);
                if !relayed.closes_new.load(Relaxed) {
                    tokio::spawn(relay(client, number, relayed.clone()));
                }
            }
        });
        Self { folder, port, wire }
    }

    /// The folder of its socket.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// As a client over TCP sees it.
    pub fn over_tcp(&self, server: &PgConnectOptions, sslmode: PgSslMode) -> PgConnectOptions {
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port)
            .username(server.get_username())
            .ssl_mode(sslmode);
        match server.get_database() {
            Some(database) => options.database(database),
            None => options,
        }
    }

    /// How often clients have sent something since the last call.
    pub fn take_flights(&self) -> u32 {
        self.wire.flights.swap(0, Relaxed)
    }

    /// How many connections there were.
    pub fn accepted(&self) -> u32 {
        self.wire.accepted.load(Relaxed)
    }

    /// The server gets what is sent next and acts on it, but the connection breaks before its answer arrives.
    pub fn lose_next_answer(&self) {
        self.wire.loses_next_answer.store(true, Relaxed);
    }

    /// From now on nothing gets through, in neither direction and without a word, on the connections that there are.
    pub fn silence_those_there_are(&self) {
        self.wire.silent_below.store(self.accepted(), Relaxed);
    }

    /// From now on nothing gets through, on no connection.
    pub fn silence(&self) {
        self.wire.silent_below.store(u32::MAX, Relaxed);
    }

    /// New connections get through again.
    pub fn speak(&self) {
        self.silence_those_there_are();
    }

    /// Answers are held back from now on, and arrive when they are let go.
    pub fn hold(&self) {
        self.wire.holds.store(true, Relaxed);
    }

    pub fn let_go(&self) {
        self.wire.holds.store(false, Relaxed);
        self.wire.let_go.notify_waiters();
    }

    /// Whether new connections are accepted and closed at once, as by a balancer without a server.
    pub fn close_new(&self, on: bool) {
        self.wire.closes_new.store(on, Relaxed);
    }

    /// From now on, the server calls itself a PostgreSQL 14.
    pub fn make_older(&self) {
        self.wire.older.store(true, Relaxed);
    }

    /// New connections lead to another server, as after a failover.
    pub fn lead_to(&self, server: &PgConnectOptions) {
        *self.wire.target.lock().unwrap() = socket_of(server);
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

fn socket_of(server: &PgConnectOptions) -> PathBuf {
    socket_folder(server).join(format!(".s.PGSQL.{}", server.get_port()))
}

/// Changes the version in what a server says of itself to everyone who connects.
fn make_older(said: &mut [u8]) {
    const PARAMETER: &[u8] = b"server_version\0";
    let found = said
        .windows(PARAMETER.len())
        .position(|window| window == PARAMETER);
    if let Some(at) = found {
        said[at + PARAMETER.len()..][..2].copy_from_slice(b"14");
    }
}

trait Reads: AsyncRead + Send + Unpin {}
impl<T: AsyncRead + Send + Unpin> Reads for T {}
trait Writes: AsyncWrite + Send + Unpin {}
impl<T: AsyncWrite + Send + Unpin> Writes for T {}

async fn relay(client: (Box<dyn Reads>, Box<dyn Writes>), number: u32, wire: Arc<Wire>) {
    let (mut from_client, mut to_client) = client;
    let target = wire.target.lock().unwrap().clone();
    let server = UnixStream::connect(&target).await.unwrap();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = wire.clone();
    tokio::spawn(async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from_server.read(&mut buffer).await {
            let let_go = answers.let_go.notified();
            if answers.holds.load(Relaxed) {
                let_go.await;
            }
            if answers.older.load(Relaxed) {
                make_older(&mut buffer[..length]);
            }
            let lost = answers.loses_next_answer.swap(false, Relaxed);
            if lost {
                return;
            }
            let silent = number < answers.silent_below.load(Relaxed);
            if !silent && to_client.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    });
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
        wire.flights.fetch_add(1, Relaxed);
        let silent = number < wire.silent_below.load(Relaxed);
        if !silent && to_server.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
