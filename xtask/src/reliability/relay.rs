//! The road to the server: it can go silent, drop everything, or lead to another server.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Result;
use checked_pg_server::EmbeddedServer;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
};

/// What happens to bytes on the road.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Road {
    Open,
    /// Bytes vanish, and nobody is told. A connection that lived through this never speaks again.
    Silent,
    /// Connections are accepted and closed.
    Closed,
}

pub struct Relay {
    pub port: u16,
    target: Arc<Mutex<PathBuf>>,
    road: watch::Sender<Road>,
}

impl Relay {
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let target = Arc::new(Mutex::new(PathBuf::new()));
        let (road, seen) = watch::channel(Road::Open);
        let to = Arc::clone(&target);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let road = seen.clone();
                let path = to.lock().unwrap_or_else(PoisonError::into_inner).clone();
                tokio::spawn(async move {
                    // Either side may go at any time: that is what the relay is for.
                    drop(carry(client, path, road).await);
                });
            }
        });
        Ok(Self { port, target, road })
    }

    /// New connections lead to this server.
    pub fn to(&self, server: &EmbeddedServer) {
        let options = server.options();
        let folder = options.get_socket().cloned().unwrap_or_default();
        let socket = folder.join(format!(".s.PGSQL.{}", options.get_port()));
        *self.target.lock().unwrap_or_else(PoisonError::into_inner) = socket;
    }

    pub fn set(&self, road: Road) {
        self.road.send_replace(road);
    }
}

async fn carry(
    mut client: TcpStream,
    path: PathBuf,
    mut road: watch::Receiver<Road>,
) -> std::io::Result<()> {
    if *road.borrow_and_update() == Road::Closed {
        return Ok(());
    }
    client.set_nodelay(true)?;
    let mut server = UnixStream::connect(path).await?;
    let (mut up, mut down) = ([0; 16_384], [0; 16_384]);
    loop {
        let now = *road.borrow_and_update();
        match now {
            Road::Open => {}
            Road::Closed => return Ok(()),
            // For good: the client waits for bytes that will not come, as behind a firewall that forgot the flow.
            Road::Silent => std::future::pending().await,
        }
        tokio::select! {
            changed = road.changed() => if changed.is_err() { return Ok(()) },
            read = client.read(&mut up) => match read? {
                0 => return Ok(()),
                n => server.write_all(&up[..n]).await?,
            },
            read = server.read(&mut down) => match read? {
                0 => return Ok(()),
                n => client.write_all(&down[..n]).await?,
            },
        }
    }
}
