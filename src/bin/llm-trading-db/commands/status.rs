//! `status`

use anyhow::Result;
use llm_trading_db::{
    db::{Db, MigrationState},
    repo::bars,
};
use serde_json::json;

use crate::output::{print, print_json};

pub async fn run(db: &Db, as_json: bool) -> Result<()> {
    let health = db.health().await?;
    let migrations = db.migrations().await?;
    let versions = |state: MigrationState| -> Vec<i64> {
        migrations
            .iter()
            .filter(|m| m.state == state)
            .map(|m| m.version)
            .collect()
    };
    let [applied, pending, edited, unknown] = [
        MigrationState::Applied,
        MigrationState::Pending,
        MigrationState::Edited,
        MigrationState::Unknown,
    ]
    .map(versions);
    let current = pending.is_empty() && edited.is_empty() && unknown.is_empty();
    let symbols = if current {
        bars::symbols(db).await?.len()
    } else {
        0
    };
    if as_json {
        return print_json(&json!({
            "server_version": health.server_version,
            "latency_us": u64::try_from(health.latency.as_micros())?,
            "pool": { "max_size": health.pool.max_size, "size": health.pool.size, "idle": health.pool.idle, "waiting": health.pool.waiting },
            "migrations": { "applied": applied, "pending": pending, "edited": edited, "unknown": unknown },
            "symbols": symbols,
        }));
    }
    print(format_args!(
        "PostgreSQL {}, answers in {:.1?}",
        health.server_version, health.latency
    ))?;
    print(format_args!(
        "pool: {} of {} connections open, {} idle",
        health.pool.size, health.pool.max_size, health.pool.idle
    ))?;
    print(format_args!("schema: {} migrations applied", applied.len()))?;
    for (versions, advice) in [
        (pending, "pending: run `llm-trading-db migrate`"),
        (edited, "not those that were applied: restore their files"),
        (unknown, "of a newer version of this program: run that one"),
    ] {
        if !versions.is_empty() {
            print(format_args!("  {versions:?} {advice}"))?;
        }
    }
    if current {
        print(format_args!("bars of {symbols} symbols"))?;
    }
    Ok(())
}
