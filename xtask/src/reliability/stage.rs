//! What a fault has to play with: a server, perhaps its standby, a pooler or a small disk, and the road that the clients take.

use std::{
    collections::HashMap,
    fs,
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result, ensure};
use test_servers::{Cluster, ClusterSettings, Folder, PgBouncer, PoolMode};
use tokio::task::block_in_place;

use super::{clients::note_of, faults::Fault, relay::Relay};

pub struct Stage {
    server: Mutex<Cluster>,
    pub standby: Option<Cluster>,
    pub pooler: Option<(PgBouncer, PoolMode)>,
    pub disk: Option<SmallDisk>,
    pub relay: Relay,
}

impl Stage {
    pub async fn new(fault: Fault) -> Result<Self> {
        let (server, standby, pooler, disk) = block_in_place(|| set_up(fault))?;
        let relay = Relay::start().await?;
        relay.to(pooler
            .as_ref()
            .map_or(server.port(), |(pooler, _)| pooler.port()));
        Ok(Self {
            server: Mutex::new(server),
            standby,
            pooler,
            disk,
            relay,
        })
    }

    pub fn server(&self) -> MutexGuard<'_, Cluster> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs SQL as the administrator.
    pub fn psql(&self, sql: &str) -> String {
        block_in_place(|| self.server().psql(sql))
    }

    /// Of the ids that were acknowledged, how many are not there as they were told.
    pub fn lost(&self, acknowledged: &[i64]) -> Result<usize> {
        let rows = "SELECT id || ' ' || note FROM public.calls";
        let rows = match &self.standby {
            Some(standby) => block_in_place(|| standby.psql(rows)),
            None => self.psql(rows),
        };
        let mut there = HashMap::new();
        for row in rows.lines() {
            let (id, note) = row.split_once(' ').context("a row without a note")?;
            there.insert(id.parse::<i64>()?, note);
        }
        let kept = |id: &&i64| there.get(*id) == Some(&note_of(**id));
        Ok(acknowledged.len() - acknowledged.iter().filter(kept).count())
    }
}

type Parts = (
    Cluster,
    Option<Cluster>,
    Option<(PgBouncer, PoolMode)>,
    Option<SmallDisk>,
);

fn set_up(fault: Fault) -> Result<Parts> {
    let server = Cluster::start(&ClusterSettings::default().set("max_connections", "60"));
    let disk = match fault {
        Fault::DiskFull => Some(SmallDisk::mount()?),
        _ => None,
    };
    let place = match &disk {
        Some(disk) => {
            server.psql(&format!(
                "CREATE TABLESPACE small LOCATION '{}'",
                disk.folder.path().display()
            ));
            "TABLESPACE small"
        }
        None => "",
    };
    server.psql(&format!(
        "CREATE TABLE calls (id bigint PRIMARY KEY, note text NOT NULL) {place}; CREATE TABLE copied (t text); \
         CREATE SCHEMA shadow; CREATE TABLE shadow.calls (LIKE calls); CREATE ROLE caller LOGIN; \
         GRANT SELECT, INSERT ON calls, shadow.calls, copied TO caller; GRANT USAGE ON SCHEMA shadow TO caller"
    ));
    let standby = fault.needs_standby().then(|| {
        let standby = server.standby(&ClusterSettings::default().set("max_connections", "60"));
        server.psql("ALTER SYSTEM SET synchronous_standby_names = '*'");
        server.psql("SELECT pg_reload_conf()");
        standby
    });
    let pooler = match fault.pooler() {
        Some(mode) => {
            let settings = "ignore_startup_parameters = extra_float_digits,options\nmin_pool_size = 3\nserver_round_robin = 1\n\
                            default_pool_size = 5";
            let pooler = PgBouncer::start(&server, mode, settings);
            Some((pooler.context("pgbouncer is not installed")?, mode))
        }
        None => None,
    };
    Ok((server, standby, pooler, disk))
}

/// A file system of a few megabytes, which only this process and its children see.
pub struct SmallDisk {
    folder: Folder,
}

impl SmallDisk {
    fn mount() -> Result<Self> {
        let folder = Folder::new();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m", "small"])
            .arg(folder.path())
            .status()?;
        ensure!(mounted.success(), "a small disk cannot be mounted");
        folder.give("");
        Ok(Self { folder })
    }

    /// Fills it to the last byte.
    pub fn fill(&self) -> Result<()> {
        let file = self.folder.path().join("filler");
        let filled = Command::new("dd")
            .arg("if=/dev/zero")
            .arg(format!("of={}", file.display()))
            .args(["bs=64k", "status=none"])
            .output()?;
        ensure!(!filled.status.success(), "the disk has no end");
        Ok(())
    }

    /// Makes room again.
    pub fn free(&self) -> Result<()> {
        Ok(fs::remove_file(self.folder.path().join("filler"))?)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, since the server may still be at it; with this process the mount is gone in any case.
        drop(
            Command::new("umount")
                .arg("--lazy")
                .arg(self.folder.path())
                .status(),
        );
    }
}

/// Whether this process may mount a small disk that nobody else sees. If it could if it were started again, starts it again, and ends
/// with it.
pub fn may_mount() -> Result<bool> {
    const MARK: &str = "RELIABILITY_IN_ITS_OWN_MOUNTS";
    if std::env::var_os(MARK).is_some() {
        return Ok(true);
    }
    let id = Command::new("id").arg("-u").output()?;
    if id.stdout != b"0\n" {
        return Ok(false);
    }
    let again = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "--"])
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .env(MARK, "1")
        .status();
    match again {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(_) => Ok(false),
    }
}
