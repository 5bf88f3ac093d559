//! How to reach the database and how the pool behaves: from the environment, from a URL, or built by hand.

mod env;
mod pooler;

pub use pooler::Pooler;

use crate::error::{Error, Result};
use sqlx::{ConnectOptions, postgres::PgConnectOptions};
use std::{fmt, time::Duration};

/// PostgreSQL counts its timeouts in milliseconds, in 32 bits.
const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);

/// How to connect, how many connections to keep, and how long to wait for what.
///
/// ```
/// use checked_pg::config::Config;
/// use std::time::Duration;
///
/// let config = Config::from_url("postgres://desk@localhost/llm_trading")?
///     .max_pool_size(8)
///     .command_timeout(Duration::from_secs(10));
/// # Ok::<(), checked_pg::error::Error>(())
/// ```
#[derive(Clone)]
pub struct Config {
    options: PgConnectOptions,
    application_name: Option<String>,
    log_statements: bool,
    pub(crate) command_timeout: Duration,
    lock_timeout: Duration,
    idle_in_transaction_timeout: Duration,
    client_check_interval: Option<Duration>,
    pub(crate) pooler: Pooler,
    pub(crate) min_pool_size: usize,
    pub(crate) max_pool_size: usize,
    pub(crate) acquire_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) max_inactive_lifetime: Duration,
    pub(crate) max_lifetime: Duration,
    pub(crate) ping_after: Duration,
    pub(crate) drain: Duration,
    pub(crate) migration_patience: Duration,
}

impl Config {
    /// The settings in the environment.
    ///
    /// | variable | meaning | default |
    /// |---|---|---|
    /// | `DATABASE_URL` | `postgres://user:password@host:port/database`; if it is set, the next five are not read | |
    /// | `DATABASE_HOST` | host name, address, or folder of the Unix socket | `localhost` |
    /// | `DATABASE_PORT` | port | 5432 |
    /// | `DATABASE_NAME` | database | `llm_trading` |
    /// | `DATABASE_USER` | user | the user of the operating system |
    /// | `DATABASE_PASSWORD` | password, any characters, as it is | none |
    /// | `DB_MIN_POOL_SIZE` | [connections opened at once](Self::min_pool_size) | 0 |
    /// | `DB_MAX_POOL_SIZE` | [most connections](Self::max_pool_size) | 16 |
    /// | `DB_COMMAND_TIMEOUT` | [longest statement](Self::command_timeout), seconds | 30 |
    /// | `DB_ACQUIRE_TIMEOUT` | [longest wait for a connection](Self::acquire_timeout), seconds | 5 |
    /// | `DB_MAX_INACTIVE_CONNECTION_LIFETIME` | [idle connections are closed](Self::max_inactive_lifetime), seconds | 300 |
    ///
    /// An empty variable counts as unset. The variables of libpq (`PGPASSWORD`, `PGSSLMODE`, …) fill in what these leave open.
    ///
    /// # Errors
    /// [`Error::Invalid`] names the variable and says what would be right.
    pub fn from_env() -> Result<Self> {
        for name in env::VARIABLES {
            if let Err(std::env::VarError::NotUnicode(_)) = std::env::var(name) {
                return Err(Error::invalid(name, "expected UTF-8 text"));
            }
        }
        Self::from_vars(|name| std::env::var(name).ok())
    }

    /// The same as [`from_env`](Self::from_env), from any source of variables.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Result<Self> {
        env::read(&lookup)
    }

    /// A database by its URL, `postgres://user:password@host:port/database`, and defaults for all else.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is no such URL. The URL itself is not repeated: it may hold a password.
    pub fn from_url(url: &str) -> Result<Self> {
        env::parse_url("database URL", url).map(Self::from_options)
    }

    /// A database by sqlx's options, and defaults for all else.
    #[must_use]
    pub fn from_options(options: PgConnectOptions) -> Self {
        Self {
            options,
            application_name: None,
            log_statements: false,
            command_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(10),
            idle_in_transaction_timeout: Duration::from_secs(30),
            client_check_interval: None,
            pooler: Pooler::None,
            min_pool_size: 0,
            max_pool_size: 16,
            acquire_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(5),
            max_inactive_lifetime: Duration::from_secs(300),
            max_lifetime: Duration::from_secs(1800),
            ping_after: Duration::from_secs(5),
            drain: Duration::from_millis(100),
            migration_patience: Duration::from_secs(600),
        }
    }

    /// Which kind of connection pooler (pgbouncer, say) stands between this program and the server.
    #[must_use]
    pub fn pooler(mut self, pooler: Pooler) -> Self {
        self.pooler = pooler;
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

    /// Longest run of a statement (`statement_timeout` on the server); zero: no limit.
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

    /// The name under which the connections show in `pg_stat_activity`; by default that of the URL, else `llm-trading-db`.
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

    /// The options a connection of the pool is made with, for one outside of the pool (`LISTEN`, say).
    ///
    /// Their `Debug` shows the password.
    #[must_use]
    pub fn connect_options(&self) -> PgConnectOptions {
        self.options_with_limits(self.command_timeout, self.lock_timeout)
    }

    /// As [`connect_options`](Self::connect_options), but a migration takes as long as it takes.
    pub(crate) fn migration_options(&self) -> PgConnectOptions {
        self.options_with_limits(Duration::ZERO, Duration::ZERO)
    }

    /// As [`connect_options`](Self::connect_options), for a look at many tables, of which one that is locked must not take long.
    pub(crate) fn impatient_options(&self) -> PgConnectOptions {
        const LIMIT: Duration = Duration::from_secs(1);
        let lock_timeout = match self.lock_timeout {
            Duration::ZERO => LIMIT, // zero is no limit
            limit => limit.min(LIMIT),
        };
        self.options_with_limits(self.command_timeout, lock_timeout)
    }

    fn options_with_limits(&self, statement: Duration, lock: Duration) -> PgConnectOptions {
        let check = self.client_check_interval.unwrap_or(self.drain);
        let settings = [
            ("statement_timeout", statement),
            ("lock_timeout", lock),
            (
                "idle_in_transaction_session_timeout",
                self.idle_in_transaction_timeout,
            ),
            ("client_connection_check_interval", check),
        ];
        let options = self
            .options
            .clone()
            .options(settings.map(|(name, limit)| (name, milliseconds(limit))));
        let options = match (&self.application_name, options.get_application_name()) {
            (Some(name), _) => options.application_name(name),
            (None, None) => options.application_name("llm-trading-db"),
            (None, Some(_)) => options,
        };
        match self.log_statements {
            true => options,
            false => options.disable_statement_logging(),
        }
    }

    /// Where we connect, for messages: no password.
    pub(crate) fn server(&self) -> String {
        let options = &self.options;
        let (user, port) = (options.get_username(), options.get_port());
        let database = options.get_database().unwrap_or(user);
        let host = match options.get_socket() {
            Some(folder) => folder.display().to_string(),
            None => options.get_host().to_owned(),
        };
        format!("database \"{database}\" as user \"{user}\" at {host}:{port}")
    }

    /// The rules between settings; each by itself is checked where it is read.
    pub(crate) fn check(&self) -> Result<()> {
        if self.max_pool_size == 0 {
            return Err(Error::invalid("DB_MAX_POOL_SIZE", "expected at least 1"));
        }
        if self.min_pool_size > self.max_pool_size {
            let why = format!(
                "expected at most DB_MAX_POOL_SIZE ({}), got {}",
                self.max_pool_size, self.min_pool_size
            );
            return Err(Error::invalid("DB_MIN_POOL_SIZE", why));
        }
        if self.drain < Duration::from_millis(1) {
            return Err(Error::invalid("drain", "expected at least 1 ms"));
        }
        if self.client_check_interval > Some(self.drain) {
            let why = format!("expected at most the time of drain ({:?})", self.drain);
            return Err(Error::invalid("client_check_interval", why));
        }
        Ok(())
    }
}

/// Rounded up, since 0 means "no limit" to the server.
fn milliseconds(limit: Duration) -> u128 {
    limit.min(LONGEST).as_nanos().div_ceil(1_000_000)
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // By hand: the Debug of PgConnectOptions shows the password.
        f.debug_struct("Config")
            .field("server", &self.server())
            .field("application_name", &self.application_name)
            .field("log_statements", &self.log_statements)
            .field("pooler", &self.pooler)
            .field("min_pool_size", &self.min_pool_size)
            .field("max_pool_size", &self.max_pool_size)
            .field("command_timeout", &self.command_timeout)
            .field("lock_timeout", &self.lock_timeout)
            .field(
                "idle_in_transaction_timeout",
                &self.idle_in_transaction_timeout,
            )
            .field("acquire_timeout", &self.acquire_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("max_inactive_lifetime", &self.max_inactive_lifetime)
            .field("max_lifetime", &self.max_lifetime)
            .field("ping_after", &self.ping_after)
            .field("drain", &self.drain)
            .field("migration_patience", &self.migration_patience)
            .field("client_check_interval", &self.client_check_interval)
            .finish()
    }
}
