//! The peers: each does the workloads the way its users do, with its best settings.

mod diesel;
mod document;
mod ours;
pub mod pgbench;
pub mod python;
mod sql;
mod sqlx_pool;
mod tokio_postgres;

use std::{sync::Arc, time::Duration};

use anyhow::{Result, bail};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{fixture::Fixture, measure::Sample, workload::Op};

/// A peer.
#[async_trait]
pub trait Peer: Send + Sync {
    fn name(&self) -> &'static str;

    /// Whether it has an answer to this at all.
    fn does(&self, op: Op) -> bool {
        !op.is_job()
    }

    /// Does it once.
    async fn run(&self, op: Op) -> Result<()>;

    /// Reads what is the same for all peers, and says what it saw.
    async fn look(&self, read: Read) -> Result<Value>;

    /// Times itself, if it runs in another process.
    async fn time(&self, _op: Op, _tasks: usize, _span: Duration) -> Result<Option<Sample>> {
        Ok(None)
    }
}

/// A read with fixed arguments, to compare the peers.
#[derive(Debug, Clone, Copy)]
pub enum Read {
    Pitch(Uuid),
    Pitches([Uuid; 3]),
    Bars,
}

/// How to reach the server, and how.
#[derive(Debug, Clone, Copy)]
pub struct Endpoint {
    pub port: u16,
    pub connections: usize,
}

/// All peers of this process.
pub async fn connect(fixture: &Arc<Fixture>, endpoint: Endpoint) -> Result<Vec<Arc<dyn Peer>>> {
    Ok(vec![
        Arc::new(ours::Ours::connect(fixture, endpoint).await?),
        Arc::new(sqlx_pool::SqlxPool::connect(fixture, endpoint).await?),
        Arc::new(tokio_postgres::TokioPostgres::connect(fixture, endpoint)?),
        Arc::new(diesel::Diesel::connect(fixture, endpoint)?),
    ])
}

/// What a peer saw of a pitch, as all of them say it.
fn seen(
    id: Uuid,
    model: &str,
    conviction: String,
    bullets: &[String],
    created: DateTime<Utc>,
) -> Value {
    json!({
        "id": id.to_string(),
        "model": model,
        "conviction": conviction,
        "bullets": bullets.len(),
        "last": bullets.last(),
        "created": created.timestamp_micros(),
    })
}

/// What a peer saw of bars: symbol, day, close and volume of each.
fn seen_bars<'b>(
    bars: impl ExactSizeIterator<Item = (&'b str, NaiveDate, Option<Decimal>, Option<i64>)> + Clone,
) -> Value {
    let closes: Decimal = bars.clone().filter_map(|bar| bar.2).sum();
    json!({
        "rows": bars.len(),
        "closes": format!("{closes:.4}"),
        "volume": bars.clone().filter_map(|bar| bar.3).sum::<i64>(),
        "last": bars.last().map(|bar| format!("{} {}", bar.0, bar.1)),
    })
}

/// For what only this crate, and pandas, do.
fn not_done(op: Op) -> Result<()> {
    bail!("{op:?} is not for this peer")
}
