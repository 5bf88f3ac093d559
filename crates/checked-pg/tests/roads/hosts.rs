//! Several hosts.

use crate::support::{ask_at, refusal, server};
use checked_pg::config::Config;
use std::time::{Duration, Instant};
use test_servers::{Relay, Traffic, free_port};

const PORT: &str = "SELECT current_setting('port')";

#[tokio::test]
async fn the_next_host_is_tried_when_one_is_down_silent_or_closes() {
    let port = server().port();
    let silent = Relay::start(port).await;
    silent.set(Traffic::Vanishes);
    let closes = Relay::start(port).await;
    closes.set(Traffic::Closes);
    for first in [free_port(), silent.port(), closes.port()] {
        let url = format!("postgres://postgres@127.0.0.1:{first},127.0.0.1:{port}/postgres");
        let config = Config::from_url(&url)
            .unwrap()
            .connect_timeout(Duration::from_secs(2));
        let begun = Instant::now();
        assert_eq!(ask_at(&config, PORT).await, port.to_string());
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "{:?}",
            begun.elapsed()
        );
        // It is tried last for a while, so that the next connection waits for nothing.
        let begun = Instant::now();
        ask_at(&config, PORT).await;
        assert!(
            begun.elapsed() < Duration::from_millis(500),
            "{:?}",
            begun.elapsed()
        );
    }
}

#[tokio::test]
async fn each_host_that_fails_is_told() {
    let (one, two) = (free_port(), free_port());
    let url = format!("postgres://u@127.0.0.1:{one},127.0.0.1:{two}/desk");
    let config = Config::from_url(&url)
        .unwrap()
        .connect_timeout(Duration::from_millis(300));
    let line = refusal(&config).await;
    for port in [one, two] {
        assert!(
            line.contains(&format!("127.0.0.1:{port}: Connection refused")),
            "{line}"
        );
    }
}

#[tokio::test]
async fn hosts_have_addresses_of_their_own() {
    let port = server().port();
    let url = format!("postgres://postgres@db.invalid:{port}/postgres?hostaddr=127.0.0.1");
    assert_eq!(
        ask_at(&Config::from_url(&url).unwrap(), PORT).await,
        port.to_string()
    );
    let socket = server().socket().display();
    let url = format!("host={socket} port={port} user=postgres sslmode=require");
    let config = Config::from_url(&url).unwrap();
    assert_eq!(
        ask_at(
            &config,
            "SELECT coalesce(inet_client_addr()::text, 'socket')"
        )
        .await,
        "socket"
    );
}
