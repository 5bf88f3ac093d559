//! Before anything is timed: do all peers do the same?
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the peers are compared by statements that are none of theirs"
)]

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use rust_decimal::Decimal;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::{
    fixture::{Fixture, PITCH_ID},
    peers::{Peer, Read},
    server::Server,
    workload::{Op, PGBENCH},
};

/// How far a stored return or correlation may be from the other's: one unit of the last decimal, where the two round differently.
const TOLERANCE: Decimal = Decimal::from_parts(1, 0, 0, false, 8);

/// Checks what every peer reads, and what it leaves in the tables.
pub async fn all(server: &Server, fixture: &Fixture, peers: &[Arc<dyn Peer>]) -> Result<()> {
    for peer in peers.iter().filter(|peer| peer.name() != PGBENCH) {
        let check = async {
            reads(&peers[0], peer).await?;
            upsert(server, fixture, peer).await?;
            transfer(server, fixture, peer).await?;
            save(server, fixture, peer).await
        };
        check
            .await
            .with_context(|| format!("{} does not do the same", peer.name()))?;
    }
    Ok(())
}

async fn reads(first: &Arc<dyn Peer>, peer: &Arc<dyn Peer>) -> Result<()> {
    let id = |n: u128| Uuid::from_u128(PITCH_ID + n);
    for read in [
        Read::Pitch(id(3)),
        Read::Pitches([id(1999), id(7), id(500)]),
        Read::Bars,
    ] {
        let (expected, actual) = (first.look(read).await?, peer.look(read).await?);
        ensure!(expected == actual, "{read:?}: {actual}, not {expected}");
    }
    Ok(())
}

async fn upsert(server: &Server, fixture: &Fixture, peer: &Arc<dyn Peer>) -> Result<()> {
    const ROWS: usize = 1000;
    let op = Op::Returns(ROWS);
    server.prepare(fixture, op).await?;
    // Once to insert and once to update; then the rows are those of either version.
    for _ in 0..2 {
        peer.run(op).await?;
        let (rows, sum): (i64, Option<Decimal>) =
            sqlx::query_as("SELECT count(*), sum(log_return) FROM daily_log_returns")
                .fetch_one(&server.admin)
                .await?;
        let sums = fixture.returns.each_ref().map(|rows| {
            rows[..ROWS]
                .iter()
                .map(|row| row.log_return)
                .sum::<Decimal>()
        });
        ensure!(rows == ROWS as i64, "{rows} returns, not {ROWS}");
        ensure!(
            sum.is_some_and(|sum| sums.contains(&sum)),
            "the returns add up to {sum:?}, not to one of {sums:?}"
        );
    }
    Ok(())
}

async fn transfer(server: &Server, fixture: &Fixture, peer: &Arc<dyn Peer>) -> Result<()> {
    server.prepare(fixture, Op::Transfer).await?;
    let balances = "SELECT id, balance FROM accounts ORDER BY id";
    let before: Vec<(Uuid, Decimal)> = sqlx::query_as(balances).fetch_all(&server.admin).await?;
    peer.run(Op::Transfer).await?;
    let after: Vec<(Uuid, Decimal)> = sqlx::query_as(balances).fetch_all(&server.admin).await?;
    let mut changes: Vec<Decimal> = before
        .iter()
        .zip(&after)
        .map(|(a, b)| b.1 - a.1)
        .filter(|c| !c.is_zero())
        .collect();
    changes.sort();
    let cent = Decimal::new(1, 2);
    ensure!(
        changes == [-cent, cent],
        "a transfer changed balances by {changes:?}"
    );
    Ok(())
}

async fn save(server: &Server, fixture: &Fixture, peer: &Arc<dyn Peer>) -> Result<()> {
    for n in [1, 100] {
        server.prepare(fixture, Op::Save(n)).await?;
        peer.run(Op::Save(n)).await?;
        let saved: i64 = sqlx::query_scalar(
            "SELECT count(DISTINCT model) FROM pm_pitches
             WHERE research_date IS NOT NULL AND week_id = $1 AND pitch_data = $2::text::jsonb",
        )
        .bind(fixture.week.start())
        .bind(&fixture.document)
        .fetch_one(&server.admin)
        .await?;
        ensure!(saved == n as i64, "{saved} pitches saved, not {n}");
    }
    Ok(())
}

/// Checks that both metrics jobs store the same, value by value.
pub async fn metrics(
    server: &Server,
    fixture: &Fixture,
    ours: &Arc<dyn Peer>,
    other: &Arc<dyn Peer>,
) -> Result<()> {
    const TABLES: [(&str, &str, &str); 3] = [
        ("daily_log_returns", "symbol, date", "log_return"),
        ("rolling_7day_log_returns", "symbol, date", "log_return_7d"),
        (
            "correlation_matrix",
            "symbol_1, symbol_2, date",
            "correlation",
        ),
    ];
    server.prepare(fixture, Op::Metrics).await?;
    ours.run(Op::Metrics).await?;
    for (table, ..) in TABLES {
        let keep = format!("CREATE TABLE expected_{table} AS TABLE {table}");
        sqlx::query(AssertSqlSafe(keep))
            .execute(&server.admin)
            .await?;
    }
    server.prepare(fixture, Op::Metrics).await?;
    other.run(Op::Metrics).await?;
    for (table, key, value) in TABLES {
        let compare = format!(
            "SELECT count(*), count(*) FILTER (
                WHERE a.present IS NULL OR b.present IS NULL
                   OR (a.{value} IS NULL) <> (b.{value} IS NULL) OR abs(a.{value} - b.{value}) > $1)
             FROM (SELECT *, true AS present FROM {table}) AS a
             FULL JOIN (SELECT *, true AS present FROM expected_{table}) AS b USING ({key})"
        );
        let (rows, different): (i64, i64) = sqlx::query_as(AssertSqlSafe(compare))
            .bind(TOLERANCE)
            .fetch_one(&server.admin)
            .await?;
        ensure!(
            rows > 0 && different == 0,
            "{different} of {rows} rows of {table} differ"
        );
        let forget = format!("DROP TABLE expected_{table}");
        sqlx::query(AssertSqlSafe(forget))
            .execute(&server.admin)
            .await?;
    }
    Ok(())
}
