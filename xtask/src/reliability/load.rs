//! The load: callers that call again and again, and what became of their calls.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use tokio::{
    io::AsyncBufReadExt,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    AFTER, BEFORE, Stage, UNDER,
    clients::{Client, note_of},
    faults::Fault,
};

/// Callers at once: twice as many as connections.
pub const WORKERS: usize = 8;
/// So long after its end the load waits for the last answers.
const GRACE: Duration = Duration::from_secs(2);
/// Pause of a caller between two calls.
const PAUSE: Duration = Duration::from_millis(2);

/// One call.
struct Call {
    start: Duration,
    end: Duration,
    id: i64,
    said: Said,
}

#[derive(PartialEq)]
enum Said {
    Done,
    /// An answer to another question.
    Wrong,
    Failed,
}

/// What became of the calls.
pub struct Outcome {
    pub calls: usize,
    pub acknowledged: Vec<i64>,
    pub wrong: usize,
    pub failed: usize,
    pub longest: Duration,
    /// From the end of the cause to the end of the last call that failed; `None` if calls failed to the end.
    pub healed: Option<Duration>,
}

/// Calls before, under and after a fault.
pub async fn under(fault: Fault, stage: &Stage, client: Client) -> Result<Outcome> {
    let began = Instant::now();
    let calls = match client {
        Client::Asyncpg(asyncpg) => {
            let mut lines = asyncpg.lines.lines();
            let reading = async {
                let mut calls = Vec::new();
                while let Some(line) = lines.next_line().await? {
                    calls.push(parse(&line)?);
                }
                anyhow::Ok(calls)
            };
            let (calls, ended) = tokio::join!(reading, disturb(fault, stage, None, began));
            (calls?, ended?)
        }
        client => {
            let client = Arc::new(client);
            let mut workers = JoinSet::new();
            for number in 1..=WORKERS {
                workers.spawn(worker(Arc::clone(&client), number, began));
            }
            let reading = async {
                let mut calls = Vec::new();
                while let Some(of_worker) = workers.join_next().await {
                    calls.extend(of_worker?);
                }
                anyhow::Ok(calls)
            };
            let (calls, ended) = tokio::join!(reading, disturb(fault, stage, Some(&client), began));
            (calls?, ended?)
        }
    };
    let (calls, ended) = calls;
    Ok(judge(&calls, ended))
}

/// The fault in its time; when it was over.
async fn disturb(
    fault: Fault,
    stage: &Stage,
    client: Option<&Arc<Client>>,
    began: Instant,
) -> Result<Duration> {
    sleep(BEFORE).await;
    fault.happen(stage, client, UNDER).await?;
    Ok(began.elapsed())
}

async fn worker(client: Arc<Client>, number: usize, began: Instant) -> Vec<Call> {
    let mut calls = Vec::new();
    let first = i64::try_from(number).unwrap_or(0) * 1_000_000;
    for id in first + 1.. {
        if began.elapsed() > BEFORE + UNDER + AFTER {
            break;
        }
        let start = began.elapsed();
        let answer = async {
            match &*client {
                Client::Ours(ours) => ours.call(id).await.ok(),
                Client::Sqlx(sqlx) => sqlx.call(id).await.ok(),
                Client::Asyncpg(_) => None,
            }
        };
        // A call that waits for ever fails when the load ends.
        let left = (BEFORE + UNDER + AFTER + GRACE).saturating_sub(start);
        let answer = timeout(left, answer).await.unwrap_or(None);
        let said = match answer {
            Some((back, note)) if back == id && note == note_of(id) => Said::Done,
            Some(_) => Said::Wrong,
            None => Said::Failed,
        };
        let end = began.elapsed();
        calls.push(Call {
            start,
            end,
            id,
            said,
        });
        sleep(PAUSE).await;
    }
    calls
}

fn parse(line: &str) -> Result<Call> {
    let parts: Vec<&str> = line.split(' ').collect();
    let [start, end, id, said] = parts[..] else {
        anyhow::bail!("asyncpg's load says {line}");
    };
    let seconds = |text: &str| anyhow::Ok(Duration::from_secs_f64(text.parse()?));
    Ok(Call {
        start: seconds(start).context("start")?,
        end: seconds(end).context("end")?,
        id: id.parse()?,
        said: match said {
            "ok" => Said::Done,
            "wrong" => Said::Wrong,
            _ => Said::Failed,
        },
    })
}

fn judge(calls: &[Call], ended: Duration) -> Outcome {
    let of = |said: Said| calls.iter().filter(move |call| call.said == said);
    let last_failure = of(Said::Failed)
        .map(|call| call.end)
        .max()
        .unwrap_or_default();
    let last_success = of(Said::Done)
        .map(|call| call.end)
        .max()
        .unwrap_or_default();
    Outcome {
        calls: calls.len(),
        acknowledged: of(Said::Done).map(|call| call.id).collect(),
        wrong: of(Said::Wrong).count(),
        failed: of(Said::Failed).count(),
        longest: calls
            .iter()
            .map(|call| call.end.saturating_sub(call.start))
            .max()
            .unwrap_or_default(),
        healed: (last_success > last_failure && last_success > ended)
            .then(|| last_failure.saturating_sub(ended)),
    }
}
