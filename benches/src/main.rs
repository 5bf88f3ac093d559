//! `just bench`: measures this crate and its peers, interleaved in one run, and writes `docs/performance.md`.

mod against;
mod fixture;
mod flights;
mod measure;
mod peers;
mod plot;
mod report;
mod results;
mod server;
mod verify;
mod workload;

use std::{path::Path, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail, ensure};

use fixture::Fixture;
use flights::Relay;
use measure::Sample;
use peers::{Endpoint, Peer, pgbench::Pgbench, python::Python};
use results::Results;
use server::Server;
use workload::{ALL, ASYNCPG, OURS, PGBENCH, Workload};

const USAGE: &str =
    "usage: just bench [--quick] [--only PREFIX]... [--peer NAME]... [--rounds N] [--seconds S] [--against REF]
  --quick         3 short rounds
  --only PREFIX   the workloads whose names begin so, such as W1 or W3-100
  --peer NAME     this peer, such as tokio-postgres
  --against REF   this code and that of another commit alternately, and their paired ratios on W0, W1, W1x16, W4 and W5
Only a run of all peers on all workloads with 5 rounds or more writes docs/performance.md.";

/// Connections of each pool.
const CONNECTIONS: usize = 16;
/// Operations over which flights are counted.
const COUNTED: u32 = 10;
/// A round of a job takes seconds.
const JOB_ROUNDS: usize = 5;

struct Options {
    rounds: usize,
    span: Duration,
    only: Vec<String>,
    peers: Vec<String>,
    against: Option<String>,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self {
            rounds: 7,
            // In less, the kernel has not yet moved client and server to where they stay.
            span: Duration::from_secs(1),
            only: Vec::new(),
            peers: Vec::new(),
            against: None,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || {
                arguments
                    .next()
                    .with_context(|| format!("{argument} needs a value\n{USAGE}"))
            };
            match argument.as_str() {
                "--quick" => (options.rounds, options.span) = (3, Duration::from_millis(250)),
                "--only" => options.only.push(value()?),
                "--peer" => options.peers.push(value()?),
                "--against" => options.against = Some(value()?),
                "--rounds" => {
                    options.rounds = value()?.parse().context("--rounds needs a whole number")?
                }
                "--seconds" => {
                    let seconds: f64 = value()?.parse().context("--seconds needs a number")?;
                    options.span = Duration::try_from_secs_f64(seconds)
                        .context("--seconds needs a positive number")?;
                }
                _ => bail!("{argument} is no option\n{USAGE}"),
            }
        }
        ensure!(options.rounds > 0, "--rounds needs at least 1");
        Ok(options)
    }

    fn workloads(&self) -> Vec<&'static Workload> {
        let wanted = |workload: &&Workload| {
            self.only.is_empty()
                || self
                    .only
                    .iter()
                    .any(|prefix| workload.id.starts_with(prefix.as_str()))
        };
        ALL.iter().filter(wanted).collect()
    }

    fn is_whole(&self) -> bool {
        self.only.is_empty() && self.peers.is_empty() && self.rounds >= 5
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    if let Some(reference) = &options.against {
        return against::run(reference, options.rounds, options.span.as_secs_f64());
    }
    let workloads = options.workloads();
    ensure!(
        !workloads.is_empty(),
        "no workload begins with {}",
        options.only.join(" or ")
    );
    let fixture = Arc::new(Fixture::new()?);
    let server = Server::start(&fixture).await?;
    let python = match Python::start(&fixture).await {
        Ok(python) => Some(python),
        Err(error) => {
            eprintln!("the Python peers are not run: {error:#}");
            None
        }
    };

    let mut results = Results::default();
    count_flights(&server, &fixture, python.as_ref(), &workloads, &mut results).await?;
    let endpoint = Endpoint {
        port: server.port,
        connections: CONNECTIONS,
    };
    let mut peers = peers::connect(&fixture, endpoint).await?;
    if let Some(python) = &python {
        python.connect(endpoint).await?;
        peers.extend(python.peers());
    }
    if let Some(pgbench) = Pgbench::find(server.port, &fixture).await? {
        peers.push(Arc::new(pgbench));
    }
    eprintln!("checking that all peers do the same");
    verify::all(&server, &fixture, &peers).await?;
    let find = |name| peers.iter().find(|peer| peer.name() == name);
    if let (Some(ours), Some(pandas)) = (find(OURS), find(ASYNCPG))
        && workloads.iter().any(|workload| workload.op.is_job())
    {
        verify::metrics(&server, &fixture, ours, pandas).await?;
    }
    if !options.peers.is_empty() {
        peers.retain(|peer| options.peers.iter().any(|name| name == peer.name()));
        ensure!(
            !peers.is_empty(),
            "no peer is called {}",
            options.peers.join(" or ")
        );
    }
    for workload in &workloads {
        measure(&server, &fixture, &peers, workload, &options, &mut results).await?;
    }
    finish(
        &options,
        &results,
        &circumstances(&server, python.as_deref(), &options).await?,
    )?;
    drop(peers);
    server.stop()
}

/// Through a relay, each peer on one connection of its own.
async fn count_flights(
    server: &Server,
    fixture: &Arc<Fixture>,
    python: Option<&Arc<Python>>,
    workloads: &[&'static Workload],
    results: &mut Results,
) -> Result<()> {
    let relay = Relay::start(server.port).await?;
    let endpoint = Endpoint {
        port: relay.port,
        connections: 1,
    };
    let mut peers = peers::connect(fixture, endpoint).await?;
    if let Some(python) = python {
        python.connect(endpoint).await?;
        peers.extend(python.peers());
    }
    for workload in workloads.iter().filter(|workload| !workload.op.is_job()) {
        for peer in &peers {
            server.prepare(fixture, workload.op).await?;
            for _ in 0..3 {
                peer.run(workload.op).await?;
            }
            // What is sent after the last answer, such as a release in the background, belongs to the warm-up.
            tokio::time::sleep(Duration::from_millis(5)).await;
            relay.take();
            for _ in 0..COUNTED {
                peer.run(workload.op).await?;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
            results.cell_mut(workload.id, peer.name()).flights =
                Some(relay.take() as f64 / f64::from(COUNTED));
        }
    }
    match python {
        Some(python) => python.close().await,
        None => Ok(()),
    }
}

async fn measure(
    server: &Server,
    fixture: &Fixture,
    peers: &[Arc<dyn Peer>],
    workload: &'static Workload,
    options: &Options,
    results: &mut Results,
) -> Result<()> {
    let peers: Vec<_> = peers.iter().filter(|peer| peer.does(workload.op)).collect();
    let (op, mut failed) = (workload.op, Vec::new());
    let rounds = if op.is_job() {
        options.rounds.min(JOB_ROUNDS)
    } else {
        options.rounds
    };
    for round in 0..rounds {
        for n in 0..peers.len() {
            // Each round begins with another one.
            let peer = peers[(n + round) % peers.len()];
            let name = peer.name();
            if failed.contains(&name) {
                continue;
            }
            server.prepare(fixture, op).await?;
            match time(peer, workload, options.span).await {
                Ok(sample) => results.cell_mut(workload.id, name).rounds.push(sample),
                Err(error) if name != OURS => {
                    eprintln!("{name} is left out of {}: {error:#}", workload.id);
                    results.cell_mut(workload.id, name).rounds.clear();
                    failed.push(name);
                }
                Err(error) => return Err(error.context(workload.id)),
            }
        }
    }
    let shown: Vec<String> = peers
        .iter()
        .filter_map(|peer| {
            let rate = results
                .cell(workload.id, peer.name())?
                .median(|sample| Some(sample.rate))?;
            let ratio = results.ratio(workload.id, peer.name())?;
            Some(format!("{} {rate:.1} ({ratio:.2})", peer.name()))
        })
        .collect();
    eprintln!("{} {}: {}", workload.id, workload.unit, shown.join(", "));
    Ok(())
}

/// Warms a peer up, and times it.
async fn time(peer: &Arc<dyn Peer>, workload: &Workload, span: Duration) -> Result<Sample> {
    let (op, tasks) = (workload.op, workload.tasks);
    if !op.is_job() && peer.name() != PGBENCH {
        measure::phase(peer.clone(), op, tasks, span / 10).await?;
    }
    measure::phase(peer.clone(), op, tasks, span).await
}

#[expect(clippy::disallowed_methods, reason = "a run has a date")]
async fn circumstances(
    server: &Server,
    python: Option<&Python>,
    options: &Options,
) -> Result<String> {
    let mut settings = Vec::new();
    for name in [
        "fsync",
        "synchronous_commit",
        "full_page_writes",
        "shared_buffers",
        "random_page_cost",
    ] {
        settings.push(format!("`{name}={}`", server.setting(name).await?));
    }
    let python = python.map_or_else(
        || "Python peers not run".to_owned(),
        |python| {
            python
                .versions
                .iter()
                .map(|(name, version)| format!("{name} {version}"))
                .collect::<Vec<_>>()
                .join(", ")
        },
    );
    let job = if options.rounds > JOB_ROUNDS {
        format!(" ({JOB_ROUNDS} of W6)")
    } else {
        String::new()
    };
    Ok(format!(
        "- {date}, commit {commit}, {machine}\n\
         - PostgreSQL {version} on the same machine over TCP, {settings}\n\
         - {rustc}; {crates}\n\
         - {python}; {pgbench}\n\
         - {rounds} rounds{job} of {span:?} for each peer, interleaved, {CONNECTIONS} connections each\n",
        date = chrono::Utc::now().format("%Y-%m-%d %H:%M UTC"),
        commit = report::said(
            "git",
            &[
                "describe",
                "--always",
                "--dirty",
                "--abbrev=10",
                "--exclude=*"
            ]
        ),
        machine = report::machine(),
        version = server.version,
        settings = settings.join(", "),
        rustc = report::said("rustc", &["--version"]),
        crates = report::crates()?,
        pgbench = report::said("pgbench", &["--version"]),
        rounds = options.rounds,
        span = options.span,
    ))
}

fn finish(options: &Options, results: &Results, circumstances: &str) -> Result<()> {
    let tables = report::tables(results, circumstances);
    if !options.is_whole() {
        println!("{tables}");
        return Ok(());
    }
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let (page, plot) = (docs.join("performance.md"), docs.join("performance.svg"));
    std::fs::write(&plot, plot::svg(results))
        .with_context(|| format!("cannot write {}", plot.display()))?;
    let text =
        format!("![Throughput of the peers relative to this crate](performance.svg)\n\n{tables}");
    report::insert(&page, &text)?;
    eprintln!("wrote {} and {}", page.display(), plot.display());
    Ok(())
}
