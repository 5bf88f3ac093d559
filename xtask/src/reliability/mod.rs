//! `docs/reliability.md`: what callers see while something breaks, and how soon it is over. The same load and the same faults for
//! `Db`, for sqlx's own pool and for asyncpg, in one run.

mod clients;
mod faults;
mod load;
mod relay;
mod report;
mod stage;

use std::{fs, time::Duration};

use anyhow::{Context, Result, ensure};

use crate::project;
use clients::Client;
use faults::Fault;
use load::Outcome;
use stage::Stage;

/// Longest run of a statement, and longest wait for a connection, for every client that has such a limit.
const LIMIT: Duration = Duration::from_secs(1);
/// Load before the fault, under it, and after it.
const BEFORE: Duration = Duration::from_millis(500);
const UNDER: Duration = Duration::from_secs(3);
const AFTER: Duration = Duration::from_secs(5);

/// One line of the page.
struct Row {
    fault: Fault,
    client: &'static str,
    outcome: Outcome,
    lost: usize,
}

/// Runs every fault against every client, writes the page, and fails if `Db` broke a promise. With `only`, the faults whose names hold
/// it, which prints only.
pub async fn run(only: Option<&str>) -> Result<()> {
    let may_mount = stage::may_mount()?;
    let mut rows = Vec::new();
    let wanted = |fault: &Fault| only.is_none_or(|only| fault.name().contains(only));
    for fault in Fault::ALL.into_iter().filter(wanted) {
        if fault == Fault::DiskFull && !may_mount {
            eprintln!(
                "SKIPPED: {}: only root can mount a small disk",
                fault.name()
            );
            continue;
        }
        for name in clients::NAMES {
            if name == clients::ASYNCPG && !fault.is_for_everybody() {
                continue;
            }
            let row = measure(fault, name).await;
            let row = row.with_context(|| format!("{name}: {}", fault.name()))?;
            eprintln!("{}", report::line(&row));
            rows.push(row);
        }
    }
    if only.is_none() {
        let page = project("docs/reliability.md");
        let text = fs::read_to_string(&page).context("docs/reliability.md")?;
        fs::write(&page, report::renew(&text, &rows)?)?;
    }
    let broken: Vec<String> = rows.iter().filter_map(report::broken).collect();
    ensure!(broken.is_empty(), "{}", broken.join("\n"));
    Ok(())
}

async fn measure(fault: Fault, client: &'static str) -> Result<Row> {
    let stage = Stage::new(fault).await?;
    let outcome = load::under(fault, &stage, Client::connect(client, &stage).await?).await?;
    let lost = stage.lost(&outcome.acknowledged)?;
    Ok(Row {
        fault,
        client,
        outcome,
        lost,
    })
}
