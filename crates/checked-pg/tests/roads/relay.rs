//! The network between the tests' clients and servers behaves as one.

use test_servers::{Relay, Traffic};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
};

#[tokio::test]
async fn nothing_arrives_behind_bytes_that_vanished() {
    let echo = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let relay = Relay::start(echo.local_addr().unwrap().port()).await;
    let mut client = TcpStream::connect(("127.0.0.1", relay.port()))
        .await
        .unwrap();
    let (mut server, _) = echo.accept().await.unwrap();
    let mut heard = [0; 5];
    client.write_all(b"first").await.unwrap();
    server.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"first");

    relay.set(Traffic::Vanishes);
    // More than any buffer holds: once all is written, some has vanished.
    client.write_all(&vec![b'x'; 32 << 20]).await.unwrap();
    relay.set(Traffic::Flows);

    tokio::spawn(async move {
        let (mut asks, mut answers) = server.split();
        copy(&mut asks, &mut answers).await.ok();
    });
    client.write_all(b"behind").await.unwrap();
    client.shutdown().await.unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer.len(), 0);
}
