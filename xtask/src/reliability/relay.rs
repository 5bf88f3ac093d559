//! The road to the server: it can go silent, drop everything, or lead to another server.

use std::sync::{
    Arc,
    atomic::{AtomicU16, Ordering::Relaxed},
};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
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

/// Flows of an earlier one are forgotten.
type Epoch = u32;

pub struct Relay {
    pub port: u16,
    target: Arc<AtomicU16>,
    road: watch::Sender<(Road, Epoch)>,
}

impl Relay {
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let target = Arc::new(AtomicU16::new(0));
        let (road, seen) = watch::channel((Road::Open, 0));
        let to = Arc::clone(&target);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let road = seen.clone();
                let port = to.load(Relaxed);
                tokio::spawn(async move {
                    // Either side may go at any time: that is what the relay is for.
                    drop(carry(client, port, road).await);
                });
            }
        });
        Ok(Self { port, target, road })
    }

    /// New connections lead to this port.
    pub fn to(&self, port: u16) {
        self.target.store(port, Relaxed);
    }

    pub fn set(&self, road: Road) {
        self.road.send_modify(|(now, _)| *now = road);
    }

    /// All flows that there are fall silent for good, and nobody is told.
    pub fn forget(&self) {
        self.road.send_modify(|(_, epoch)| *epoch += 1);
    }
}

async fn carry(
    mut client: TcpStream,
    port: u16,
    mut road: watch::Receiver<(Road, Epoch)>,
) -> std::io::Result<()> {
    let (now, began) = *road.borrow_and_update();
    if now == Road::Closed {
        return Ok(());
    }
    client.set_nodelay(true)?;
    let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
    server.set_nodelay(true)?;
    let (mut up, mut down) = ([0; 16_384], [0; 16_384]);
    loop {
        let (now, epoch) = *road.borrow_and_update();
        match now {
            _ if epoch != began => std::future::pending().await,
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
