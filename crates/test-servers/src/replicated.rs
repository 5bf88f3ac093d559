//! A primary with a standby that follows it, and what makes the standby take over.

use crate::{Cluster, ClusterSettings, cluster::wait_for};

/// How a primary goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Its processes are killed, as by a power failure: connections break, and new ones are refused.
    Killed,
    /// Its processes stop where they stand: connections stay, and nobody answers, new ones neither.
    Silent,
    /// It goes on to answer and refuses all writes, as after a demotion.
    ReadOnly,
}

/// Two servers, of which the second follows the first until it takes over.
#[derive(Debug)]
pub struct Replicated {
    primary: Cluster,
    standby: Cluster,
}

impl Replicated {
    /// Starts both. A commit waits for the standby, so that whatever was acknowledged is on both.
    #[must_use]
    pub fn start() -> Self {
        let replicated = Self::start_asynchronous();
        let primary = &replicated.primary;
        primary.psql("ALTER SYSTEM SET synchronous_standby_names = '*'");
        primary.psql("SELECT pg_reload_conf()");
        wait_for("the standby to be waited for", || {
            primary.psql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'")
                == "1"
        });
        replicated
    }

    /// Starts both. A commit does not wait for the standby, so that the last ones may be lost.
    #[must_use]
    pub fn start_asynchronous() -> Self {
        let settings = ClusterSettings::default();
        let primary = Cluster::start(&settings);
        let standby = primary.standby(&settings);
        Self { primary, standby }
    }

    /// The server that takes writes at first.
    #[must_use]
    pub fn primary(&self) -> &Cluster {
        &self.primary
    }

    /// The server that takes them afterwards.
    #[must_use]
    pub fn standby(&self) -> &Cluster {
        &self.standby
    }

    /// Both hosts, the primary first: `postgres://postgres@127.0.0.1:5432,127.0.0.1:5433/postgres`
    #[must_use]
    pub fn url(&self) -> String {
        let (first, second) = (self.primary.port(), self.standby.port());
        format!("postgres://postgres@127.0.0.1:{first},127.0.0.1:{second}/postgres")
    }

    /// Takes the primary away and promotes the standby; returns when that takes writes. It blocks the thread for about a second.
    pub fn fail_over(&mut self, how: Loss) {
        match how {
            Loss::Killed => self.primary.kill(),
            Loss::Silent => self.primary.pause(),
            Loss::ReadOnly => self.demote(),
        }
        self.standby.promote();
    }

    /// As operators do it: no transaction that may still write is left when the standby is promoted.
    fn demote(&self) {
        let primary = &self.primary;
        primary.psql("ALTER SYSTEM SET default_transaction_read_only = on");
        primary.psql("SELECT pg_reload_conf()");
        wait_for("the setting to be read", || {
            primary.psql("SHOW default_transaction_read_only") == "on"
        });
        wait_for("transactions that began before to end", || {
            primary.psql(
                "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' \
                 AND xact_start < pg_conf_load_time() + interval '10 ms'",
            ) == "0"
        });
    }
}
