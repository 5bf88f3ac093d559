//! One program at a time: the advisory lock that sqlx's own migrator takes, too.

use crate::error::Result;
use crc::{CRC_32_ISO_HDLC, Crc};
use sqlx::PgConnection;
use std::time::Duration;
use tokio::time::sleep;

/// Waits until no other program migrates this database.
///
/// It asks again and again instead of waiting on the server: a session that waits there is a transaction which CREATE INDEX
/// CONCURRENTLY of the other one waits for in turn.
pub(super) async fn take(conn: &mut PgConnection) -> Result<()> {
    let database = sqlx::query_scalar!(r#"SELECT current_database()::text AS "name!""#)
        .fetch_one(&mut *conn)
        .await?;
    let key = key(&database);
    let mut pause = Duration::from_millis(50);
    let mut told = false;
    loop {
        let taken = sqlx::query_scalar!(r#"SELECT pg_try_advisory_lock($1) AS "taken!""#, key)
            .fetch_one(&mut *conn)
            .await?;
        if taken {
            return Ok(());
        }
        if !told && pause >= Duration::from_millis(800) {
            told = true;
            tell(conn, key).await?;
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

/// Takes the turn until the transaction ends, if nobody has it.
pub(super) async fn take_in_transaction(conn: &mut PgConnection) -> Result<bool> {
    let database = sqlx::query_scalar!(r#"SELECT current_database()::text AS "name!""#)
        .fetch_one(&mut *conn)
        .await?;
    let key = key(&database);
    let taken = sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock($1) AS "taken!""#, key);
    Ok(taken.fetch_one(conn).await?)
}

async fn tell(conn: &mut PgConnection, key: i64) -> Result<()> {
    let holder = sqlx::query!(
        r#"
        SELECT pid AS "pid!", coalesce(application_name, '') AS "application!"
        FROM pg_locks
        JOIN pg_stat_activity USING (pid)
        WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND pg_locks.database = datid
          AND (classid::bigint << 32) | objid::bigint = $1
        "#,
        key
    )
    .fetch_optional(conn)
    .await?;
    if let Some(holder) = holder {
        tracing::warn!(
            "waiting for another program that migrates this database: process {} ({})",
            holder.pid,
            holder.application
        );
    }
    Ok(())
}

/// As sqlx has it.
fn key(database: &str) -> i64 {
    const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
    0x3d32_ad9e * i64::from(CRC.checksum(database.as_bytes()))
}
