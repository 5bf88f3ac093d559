//! A network between client and server that can fall silent.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::AbortHandle,
};

/// What happens to bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// They arrive.
    Flows,
    /// They vanish, and no connection ends: a firewall that forgot, a cable that was pulled. New connections are accepted.
    Vanishes,
    /// Each connection is closed once it is accepted: a balancer without a server.
    Closes,
}

/// A port of 127.0.0.1 that leads to another one, as long as the value lives.
#[derive(Debug)]
pub struct Relay {
    port: u16,
    traffic: Arc<watch::Sender<Traffic>>,
    target: Arc<watch::Sender<u16>>,
    task: AbortHandle,
}

impl Relay {
    /// A relay to a port of 127.0.0.1; it works on the runtime that is current.
    pub async fn start(target: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let traffic = Arc::new(watch::Sender::new(Traffic::Flows));
        let target = Arc::new(watch::Sender::new(target));
        let (seen, aim) = (traffic.clone(), target.clone());
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *seen.borrow() != Traffic::Closes {
                    let target = *aim.borrow();
                    tokio::spawn(carry(client, target, seen.subscribe()));
                }
            }
        });
        Self {
            port,
            traffic,
            target,
            task: task.abort_handle(),
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes what happens to bytes from now on.
    pub fn set(&self, traffic: Traffic) {
        self.traffic.send_replace(traffic);
    }

    /// Leads new connections elsewhere, as a balancer does after a failover.
    pub fn aim(&self, target: u16) {
        self.target.send_replace(target);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(client: TcpStream, target: u16, traffic: watch::Receiver<Traffic>) {
    let mut at_start = traffic.clone();
    // A connection that is made during a silence gets through to nobody before that ends.
    if at_start
        .wait_for(|traffic| *traffic != Traffic::Vanishes)
        .await
        .is_err()
    {
        return;
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await else {
        return;
    };
    client.set_nodelay(true).ok();
    server.set_nodelay(true).ok();
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let lost = Arc::new(AtomicBool::new(false));
    tokio::spawn(one_way(
        from_client,
        to_server,
        traffic.clone(),
        lost.clone(),
    ));
    one_way(from_server, to_client, traffic, lost).await;
}

/// Carries bytes until one side ends. A connection of which bytes vanished stays silent: no network hands out what follows them as
/// if nothing were missing.
async fn one_way(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut traffic: watch::Receiver<Traffic>,
    lost: Arc<AtomicBool>,
) {
    let mut buffer = vec![0; 65_536];
    loop {
        let read = from.read(&mut buffer).await.unwrap_or(0);
        let silent = *traffic.borrow() == Traffic::Vanishes;
        if silent && read > 0 {
            lost.store(true, SeqCst);
        } else if silent {
            // Neither does the end of a connection arrive.
            let over = traffic.wait_for(|traffic| *traffic != Traffic::Vanishes);
            over.await.ok();
        }
        if read > 0 && lost.load(SeqCst) {
            continue;
        }
        if read == 0 || to.write_all(&buffer[..read]).await.is_err() {
            to.shutdown().await.ok();
            return;
        }
    }
}
