//! Timing a peer on a workload, and what to make of several rounds.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use nix::sys::resource::{UsageWho, getrusage};

use crate::{peers::Peer, workload::Op};

/// One peer on one workload in one round.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Operations per second, each counted as its size in rows or reads.
    pub rate: f64,
    /// Client CPU per operation, user and system; `None` where the client is not a library.
    pub cpu: Option<Duration>,
    /// Median and 99th percentile of the time of an operation.
    pub p50: Option<Duration>,
    pub p99: Option<Duration>,
}

impl Sample {
    /// From the times of all operations of a phase.
    pub fn of(op: Op, mut times: Vec<Duration>, wall: Duration, cpu: Duration) -> Self {
        times.sort_unstable();
        let count = times.len().max(1);
        let quantile =
            |q: usize| times.get((times.len() * q / 100).min(times.len().saturating_sub(1)));
        Self {
            rate: (times.len() * op.size()) as f64 / wall.as_secs_f64(),
            cpu: Some(cpu / u32::try_from(count).unwrap_or(u32::MAX)),
            p50: quantile(50).copied(),
            p99: quantile(99).copied(),
        }
    }
}

/// Runs `op` in `tasks` tasks for `span`; a job only once.
pub async fn phase(peer: Arc<dyn Peer>, op: Op, tasks: usize, span: Duration) -> Result<Sample> {
    if let Some(sample) = peer.time(op, tasks, span).await? {
        return Ok(sample);
    }
    let (start, cpu) = (Instant::now(), cpu_time()?);
    let end = start + span;
    let running: Vec<_> = (0..tasks)
        .map(|_| {
            let peer = peer.clone();
            tokio::spawn(async move {
                let mut times = Vec::with_capacity(1 << 14);
                loop {
                    let begun = Instant::now();
                    if begun >= end && !(op.is_job() && times.is_empty()) {
                        return anyhow::Ok(times);
                    }
                    peer.run(op).await?;
                    times.push(begun.elapsed());
                    if op.is_job() {
                        return Ok(times);
                    }
                }
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in running {
        times.extend(task.await??);
    }
    Ok(Sample::of(
        op,
        times,
        start.elapsed(),
        cpu_time()?.saturating_sub(cpu),
    ))
}

/// User and system time of this process so far: only the peer that is measured works in it.
fn cpu_time() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let duration = |time: nix::sys::time::TimeVal| {
        Duration::from_micros(
            u64::try_from(time.tv_sec() * 1_000_000 + time.tv_usec()).unwrap_or(0),
        )
    };
    Ok(duration(usage.user_time()) + duration(usage.system_time()))
}

/// The middle value; of an even number the lower of the two in the middle.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len().checked_sub(1)? / 2).copied()
}
