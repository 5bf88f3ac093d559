//! What a program sets by hand.

use super::{
    Config, Credentials, Pooler, TargetSessionAttrs, credentials::Asked, observer::Observer,
    road::Password,
};
use crate::db::EndedTransaction;
use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

impl Config {
    /// Which kind of connection pooler (pgbouncer, say) stands between this program and the server.
    ///
    /// One that is not declared is refused when a connection is made: it would drop the time limits, and might run the statement of
    /// another client in place of ours. Without a pooler, settings go with the first message of a connection. In session mode they
    /// are set by a statement.
    ///
    /// In transaction mode every statement runs in a transaction, which sets them, and nothing else is kept from one transaction to
    /// the next. That costs: a statement by itself takes five flights or six instead of one (BEGIN, prepare, run, forget,
    /// COMMIT). LISTEN is refused, as is what must run outside of a transaction (`VACUUM`, say).
    #[must_use]
    pub fn pooler(mut self, pooler: Pooler) -> Self {
        self.pooler = pooler;
        self.pooler_is_proven = Arc::default();
        self
    }

    /// The password is what this file holds, without the line break at its end; it is read for each new connection, so that a password
    /// is changed without a restart. `DATABASE_PASSWORD_FILE` in the environment.
    ///
    /// For a file in the format of `~/.pgpass` there is libpq's `passfile`, which is read for each new connection, too.
    #[must_use]
    pub fn password_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.road.password = Password::File(file.into());
        self
    }

    /// Asks for user and password for each new connection: for passwords that last minutes, as those of cloud providers and of vaults.
    ///
    /// The time that the answer takes is part of [`connect_timeout`](Self::connect_timeout), and an error is the connection's.
    /// Connections that are open stay open; [`max_lifetime`](Self::max_lifetime) bounds for how long.
    ///
    /// ```
    /// # use checked_pg::config::{Config, Credentials};
    /// # async fn token() -> Result<String, std::io::Error> { Ok(String::new()) }
    /// let config = Config::from_url("postgres://clerk@localhost/journal")?
    ///     .credentials(|| async { token().await.map(Credentials::password) });
    /// # Ok::<(), checked_pg::error::Error>(())
    /// ```
    #[must_use]
    pub fn credentials<F, W, E>(mut self, ask: F) -> Self
    where
        F: Fn() -> W + Send + Sync + 'static,
        W: Future<Output = Result<Credentials, E>> + Send + 'static,
        E: fmt::Display,
    {
        self.road.password = Password::Asked(Asked::new(ask));
        self
    }

    /// Whether row level security may hide rows from us; off by default.
    ///
    /// While it is off, a statement from which a policy would hide rows fails (`row_security = off` on the server), so that a missing
    /// right never looks like missing data. Switch it on where policies are meant to filter what this program sees.
    #[must_use]
    pub fn row_security(mut self, on: bool) -> Self {
        self.row_security = on;
        self
    }

    /// Is told of each transaction when it has ended: its name, the number of its attempts, how long it took, and how it ended. For
    /// the counters and histograms of whichever library a program uses; [`Db::status`](crate::db::Db::status) has the numbers of the
    /// pool.
    ///
    /// It is called on the task of the transaction, also when that is dropped, so it must return soon and not panic.
    ///
    /// ```
    /// # use checked_pg::config::Config;
    /// # struct Histogram;
    /// # impl Histogram { fn record(&self, _labels: &[(&str, &str)], _seconds: f64) {} }
    /// # let histogram = Histogram;
    /// let config = Config::from_url("postgres://clerk@localhost/journal")?.on_transaction(move |ended| {
    ///     let name = ended.name.unwrap_or(ended.place.file());
    ///     let outcome = format!("{:?}", ended.outcome);
    ///     histogram.record(&[("transaction", name), ("outcome", &outcome)], ended.duration.as_secs_f64());
    /// });
    /// # Ok::<(), checked_pg::error::Error>(())
    /// ```
    #[must_use]
    pub fn on_transaction(
        mut self,
        tell: impl Fn(&EndedTransaction) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Some(Observer::new(tell));
        self
    }

    /// Which of several hosts will do; the first that answers, by default. As libpq's parameter of this name.
    ///
    /// The hosts are tried in order, each for its share of the [`connect_timeout`](Self::connect_timeout), and again until that is over;
    /// one that failed in the last seconds is tried after the others.
    #[must_use]
    pub fn target_session_attrs(mut self, target: TargetSessionAttrs) -> Self {
        self.road.target = target;
        self
    }

    /// Whether several hosts are tried in random order, anew for each connection; off by default. libpq's `load_balance_hosts`.
    #[must_use]
    pub fn load_balance_hosts(mut self, on: bool) -> Self {
        self.road.random = on;
        self
    }

    /// Connections that [`Db::connect`](crate::db::Db::connect) opens at once and that stay open when idle.
    /// At least one is always opened, so that a wrong setting shows at once.
    #[must_use]
    pub fn min_pool_size(mut self, connections: usize) -> Self {
        self.min_pool_size = connections;
        self
    }

    /// Most connections open at once; at least 1.
    #[must_use]
    pub fn max_pool_size(mut self, connections: usize) -> Self {
        self.max_pool_size = connections;
        self
    }

    /// Longest run of a statement (`statement_timeout` on the server); zero: no limit. This and the following limits go before those
    /// in the URL's `options`.
    #[must_use]
    pub fn command_timeout(mut self, limit: Duration) -> Self {
        self.command_timeout = limit;
        self
    }

    /// Longest wait of a statement for a lock (`lock_timeout` on the server); zero: no limit.
    #[must_use]
    pub fn lock_timeout(mut self, limit: Duration) -> Self {
        self.lock_timeout = limit;
        self
    }

    /// How long a migration tries to get a lock that others hold, a second at a time; ten minutes by default.
    #[must_use]
    pub fn migration_patience(mut self, limit: Duration) -> Self {
        self.migration_patience = limit;
        self
    }

    /// Longest pause between two statements of a transaction (`idle_in_transaction_session_timeout` on the server);
    /// zero: no limit.
    #[must_use]
    pub fn idle_in_transaction_timeout(mut self, limit: Duration) -> Self {
        self.idle_in_transaction_timeout = limit;
        self
    }

    /// Longest wait for a free connection.
    #[must_use]
    pub fn acquire_timeout(mut self, limit: Duration) -> Self {
        self.acquire_timeout = limit;
        self
    }

    /// Longest wait for a new connection; in that time, a server that starts or restarts is tried again.
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// A connection that is idle for longer is closed, down to [`min_pool_size`](Self::min_pool_size); zero: never.
    #[must_use]
    pub fn max_inactive_lifetime(mut self, limit: Duration) -> Self {
        self.max_inactive_lifetime = limit;
        self
    }

    /// A connection that is older is closed when it comes back, or while it is idle; zero: never. Each gets up to a tenth less, so that
    /// connections made together do not end together. It bounds how long a connection clings to a server, a plan or a right
    /// that is out of date.
    #[must_use]
    pub fn max_lifetime(mut self, limit: Duration) -> Self {
        self.max_lifetime = limit;
        self
    }

    /// A connection that is idle for longer is pinged before its next use.
    #[must_use]
    pub fn ping_after(mut self, idle: Duration) -> Self {
        self.ping_after = idle;
        self
    }

    /// How many prepared statements each connection keeps; 512 by default. A statement beyond them takes the place of the one that was
    /// used longest ago, which costs a flight more when that is used again.
    #[must_use]
    pub fn statement_cache(mut self, statements: usize) -> Self {
        self.statement_cache = statements;
        self
    }

    /// How long the statement of a cancelled caller may take to end before its connection is closed; at least 1 ms.
    #[must_use]
    pub fn drain(mut self, limit: Duration) -> Self {
        self.drain = limit;
        self
    }

    /// How soon a running statement notices that its client has gone (`client_connection_check_interval` on the server).
    ///
    /// By default, and at most, the time of [`drain`](Self::drain): if it were longer, connections would be closed and replaced
    /// faster than the server ends their statements, and backends would pile up. Zero switches it off, which is for servers that
    /// refuse the setting (Windows): there, a cancelled caller's statement and its locks last up to the command timeout.
    #[must_use]
    pub fn client_check_interval(mut self, interval: Duration) -> Self {
        self.client_check_interval = Some(interval);
        self
    }

    /// The name under which the connections show in `pg_stat_activity`; by default that of the URL, else the file name
    /// of the program.
    #[must_use]
    pub fn application_name(mut self, name: &str) -> Self {
        self.application_name = Some(name.to_owned());
        self
    }

    /// Whether sqlx logs each statement, without its parameters, at `DEBUG` and slow ones at `WARN`; off by default.
    #[must_use]
    pub fn log_statements(mut self, on: bool) -> Self {
        self.log_statements = on;
        self
    }
}
