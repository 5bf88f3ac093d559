//! `desk-api [ADDRESS]`: the desk of `DATABASE_URL` over HTTP, by default on 127.0.0.1:8080.

use std::time::Duration;

use anyhow::{Context, Result};
use llm_trading_db::{Db, SCHEMA, config};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

#[tokio::main]
async fn main() -> Result<()> {
    tracing_subscriber::fmt().with_env_filter("info").init();
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:8080");
    let db = Db::connect(&config::from_env()?).await?;
    db.migrate(&SCHEMA).await?;
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    desk_api::serve(listener, db, Duration::from_secs(10), stop).await?;
    Ok(())
}
