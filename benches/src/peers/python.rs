//! The Python peers: one child process that does and times what it is told (`peers.py`).

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::Mutex,
};
use uuid::Uuid;

use super::{Endpoint, Peer, Read};
use crate::{
    fixture::{ACCOUNT_ID, Fixture, PITCH_ID},
    measure::Sample,
    server::url,
    workload::{ASYNCPG, Op, PSYCOPG2},
};

/// The child process.
pub struct Python {
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    pub versions: Vec<(String, String)>,
    _child: Child,
}

impl Python {
    /// Starts the child; installs its packages into a folder of their own first, if they are not there.
    pub async fn start(fixture: &Fixture) -> Result<Arc<Self>> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let packages = packages(here).await?;
        let mut child = Command::new("python3")
            .arg(here.join("peers.py"))
            .env("PYTHONPATH", packages)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("python3 does not start")?;
        let (input, output) = (
            child.stdin.take().context("stdin")?,
            child.stdout.take().context("stdout")?,
        );
        let mut python = Self {
            pipes: Mutex::new((input, BufReader::new(output))),
            versions: Vec::new(),
            _child: child,
        };
        let versions = python
            .ask(&json!({ "do": "fixture", "fixture": describe(fixture) }))
            .await?;
        python.versions = versions
            .as_object()
            .context("versions")?
            .iter()
            .map(|(name, version)| {
                (
                    name.clone(),
                    version.as_str().unwrap_or_default().to_owned(),
                )
            })
            .collect();
        Ok(Arc::new(python))
    }

    pub async fn connect(&self, endpoint: Endpoint) -> Result<()> {
        let dsn = url(endpoint.port);
        self.ask(&json!({ "do": "connect", "dsn": dsn, "connections": endpoint.connections }))
            .await?;
        Ok(())
    }

    pub async fn close(&self) -> Result<()> {
        self.ask(&json!({ "do": "close" })).await.map(drop)
    }

    pub fn peers(self: &Arc<Self>) -> Vec<Arc<dyn Peer>> {
        [ASYNCPG, PSYCOPG2]
            .map(|name| -> Arc<dyn Peer> {
                Arc::new(PythonPeer {
                    name,
                    python: self.clone(),
                })
            })
            .to_vec()
    }

    async fn ask(&self, command: &Value) -> Result<Value> {
        let mut pipes = self.pipes.lock().await;
        pipes.0.write_all(format!("{command}\n").as_bytes()).await?;
        let mut line = String::new();
        pipes.1.read_line(&mut line).await?;
        let mut answer: Value =
            serde_json::from_str(&line).context("the Python peers have ended")?;
        if let Some(error) = answer.get("error") {
            bail!("{error} on {}", command["do"]);
        }
        Ok(answer["ok"].take())
    }
}

/// The folder with the packages of `requirements.txt`.
async fn packages(here: &Path) -> Result<PathBuf> {
    let folder = here.join("../target/benches/python");
    let wanted = here.join("requirements.txt");
    let installed = folder.join("requirements.txt");
    if std::fs::read(&installed).ok() == Some(std::fs::read(&wanted)?) {
        return Ok(folder);
    }
    let status = Command::new("python3")
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--root-user-action=ignore",
        ])
        .args(["--upgrade", "--target"])
        .arg(&folder)
        .arg("--requirement")
        .arg(&wanted)
        .stderr(Stdio::null())
        .status()
        .await?;
    if !status.success() {
        bail!("pip could not install {}", wanted.display());
    }
    std::fs::copy(wanted, installed)?;
    Ok(folder)
}

fn describe(fixture: &Fixture) -> Value {
    let ids = |first: u128, count: u128| -> Vec<String> {
        (first..first + count)
            .map(|id| Uuid::from_u128(id).to_string())
            .collect()
    };
    let rows = |version: usize| -> Vec<Value> {
        let rows = fixture.returns[version].iter();
        rows.map(|row| json!([row.symbol, row.date.to_string(), row.log_return.to_string()]))
            .collect()
    };
    json!({
        "symbols": fixture.symbols,
        "until": fixture.until.to_string(),
        "week": fixture.week.start().to_string(),
        "document": fixture.document,
        "models": fixture.models,
        "pitches": ids(PITCH_ID, crate::fixture::PITCHES),
        "accounts": ids(ACCOUNT_ID, crate::fixture::ACCOUNTS),
        "returns": [rows(0), rows(1)],
    })
}

struct PythonPeer {
    name: &'static str,
    python: Arc<Python>,
}

#[derive(Deserialize)]
struct Times {
    times: Vec<f64>,
    wall: f64,
    cpu: f64,
}

#[async_trait]
impl Peer for PythonPeer {
    fn name(&self) -> &'static str {
        self.name
    }

    fn does(&self, op: Op) -> bool {
        self.name == ASYNCPG || !op.is_job()
    }

    async fn run(&self, op: Op) -> Result<()> {
        let command = json!({ "do": "run", "peer": self.name, "op": op.name(), "size": op.size() });
        self.python.ask(&command).await.map(drop)
    }

    async fn look(&self, read: Read) -> Result<Value> {
        let (read, ids) = match read {
            Read::Pitch(id) => ("pitch", vec![id]),
            Read::Pitches(ids) => ("pitches", ids.to_vec()),
            Read::Bars => ("bars", Vec::new()),
        };
        let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        let command = json!({ "do": "look", "peer": self.name, "read": read, "ids": ids });
        self.python.ask(&command).await
    }

    async fn time(&self, op: Op, tasks: usize, span: Duration) -> Result<Option<Sample>> {
        let command = json!({
            "do": "phase", "peer": self.name, "op": op.name(), "size": op.size(), "tasks": tasks,
            "seconds": span.as_secs_f64(),
        });
        let done: Times = serde_json::from_value(self.python.ask(&command).await?)?;
        let times = done
            .times
            .into_iter()
            .map(Duration::from_secs_f64)
            .collect();
        let (wall, cpu) = (
            Duration::from_secs_f64(done.wall),
            Duration::from_secs_f64(done.cpu),
        );
        Ok(Some(Sample::of(op, times, wall, cpu)))
    }
}
