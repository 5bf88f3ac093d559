//! How to reach the database and how the pool behaves: from the environment, from a URL, or built by hand.

mod conninfo;
mod credentials;
mod env;
mod fallback;
mod observer;
mod parameters;
mod passfile;
mod pooler;
mod road;
mod session;
mod setters;
mod startup;
mod tls;

pub use self::{
    credentials::Credentials, env::variable_of, fallback::Fallback, pooler::Pooler,
    road::TargetSessionAttrs,
};
pub(crate) use self::{
    credentials::from_file,
    observer::Observer,
    road::{Host, Password, Road},
    session::{Limits, Setting, quoted, set_for_transaction},
    startup::time_limit,
};

use crate::error::{Error, Result};
use conninfo::{Conninfo, Lookup};
use road::Defaults;
use sqlx::postgres::PgConnectOptions;
use std::{
    fmt,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

/// PostgreSQL counts its timeouts in milliseconds, in 32 bits.
const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);

/// How to connect, how many connections to keep, and how long to wait for what.
///
/// ```
/// use checked_pg::config::Config;
/// use std::time::Duration;
///
/// let config = Config::from_url("postgres://clerk@localhost/journal")?
///     .max_pool_size(8)
///     .command_timeout(Duration::from_secs(10));
/// # Ok::<(), checked_pg::error::Error>(())
/// ```
#[derive(Clone)]
pub struct Config {
    pub(crate) road: Road,
    /// Settings for the session from the parameter `options`, without the time limits below.
    settings: Vec<(String, String)>,
    /// The time limits that the parameter `options` sets, by the name of the method that would.
    limits_in_options: Vec<(&'static str, Duration)>,
    application_name: Option<String>,
    fallback_name: Option<&'static str>,
    log_statements: bool,
    pub(crate) command_timeout: Duration,
    lock_timeout: Duration,
    idle_in_transaction_timeout: Duration,
    client_check_interval: Option<Duration>,
    pub(crate) pooler: Pooler,
    /// The pooler was seen to do what was declared; all copies of a configuration learn of it.
    pub(crate) pooler_is_proven: Arc<AtomicBool>,
    row_security: bool,
    statement_cache: usize,
    pub(crate) min_pool_size: usize,
    pub(crate) max_pool_size: usize,
    pub(crate) acquire_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) max_inactive_lifetime: Duration,
    pub(crate) max_lifetime: Duration,
    pub(crate) ping_after: Duration,
    pub(crate) drain: Duration,
    pub(crate) migration_patience: Duration,
    pub(crate) observer: Option<Observer>,
}

impl Config {
    /// The settings in the environment.
    ///
    /// | variable | meaning | default |
    /// |---|---|---|
    /// | `DATABASE_URL` | as [`from_url`](Self::from_url); if it is set, the next five are not read | |
    /// | `DATABASE_HOST` | host name, address, or folder of the Unix socket; several with commas in between | `localhost` |
    /// | `DATABASE_PORT` | port, or one for each host | 5432 |
    /// | `DATABASE_NAME` | database | that of the user's name |
    /// | `DATABASE_USER` | user | the user of the operating system |
    /// | `DATABASE_PASSWORD` | password, any characters, as it is | none |
    /// | `DATABASE_PASSWORD_FILE` | [file that holds the password](Self::password_file); with `DATABASE_URL`, too | none |
    /// | `DB_MIN_POOL_SIZE` | [connections opened at once](Self::min_pool_size) | 0 |
    /// | `DB_MAX_POOL_SIZE` | [most connections](Self::max_pool_size) | 16 |
    /// | `DB_COMMAND_TIMEOUT` | [longest statement](Self::command_timeout), seconds | 30 |
    /// | `DB_LOCK_TIMEOUT` | [longest wait for a lock](Self::lock_timeout), seconds | 10 |
    /// | `DB_IDLE_IN_TRANSACTION_TIMEOUT` | [longest pause in a transaction](Self::idle_in_transaction_timeout), seconds | 30 |
    /// | `DB_ACQUIRE_TIMEOUT` | [longest wait for a connection](Self::acquire_timeout), seconds | 5 |
    /// | `DB_CONNECT_TIMEOUT` | [longest wait for a new connection](Self::connect_timeout), seconds | 5 |
    /// | `DB_MAX_INACTIVE_CONNECTION_LIFETIME` | [idle connections are closed](Self::max_inactive_lifetime), seconds | 300 |
    /// | `DB_MAX_LIFETIME` | [old connections are closed](Self::max_lifetime), seconds | 1800 |
    /// | `DB_MIGRATION_PATIENCE` | [how long a migration tries to get a lock](Self::migration_patience), seconds | 600 |
    /// | `DB_PING_AFTER` | [idle connections are pinged](Self::ping_after), seconds | 5 |
    /// | `DB_DRAIN` | [how long a cancelled statement may take to end](Self::drain), seconds | 0.1 |
    /// | `DB_CLIENT_CHECK_INTERVAL` | [how soon the server notices that we are gone](Self::client_check_interval), seconds | 0.1 |
    /// | `DB_STATEMENT_CACHE` | [prepared statements that a connection keeps](Self::statement_cache) | 512 |
    /// | `DB_POOLER` | [a pooler in between](Self::pooler): `none`, `session`, `transaction` | `none` |
    /// | `DB_ROW_SECURITY` | [policies filter what we read](Self::row_security): `on`, `off` | `off` |
    ///
    /// An empty variable counts as unset. The variables of libpq (`PGHOST`, `PGPASSWORD`, `PGSSLMODE`, …) fill in what these leave
    /// open; one that cannot be honoured is refused.
    ///
    /// # Errors
    /// [`Error::Invalid`] names the variable and says what would be right.
    pub fn from_env() -> Result<Self> {
        Self::from_env_or(Fallback::new())
    }

    /// The same as [`from_env`](Self::from_env), where a program has a database and a name of its own to fall back to.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn from_env_or(fallback: Fallback) -> Result<Self> {
        env::check_text()?;
        env::read(&env::of_process, fallback)
    }

    /// The same as [`from_env`](Self::from_env), from any source of variables.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Result<Self> {
        Self::from_vars_or(Fallback::new(), lookup)
    }

    /// The same as [`from_env_or`](Self::from_env_or), from any source of variables.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn from_vars_or(
        fallback: Fallback,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        env::read(&lookup, fallback)
    }

    /// A database by its URL, `postgres://user:password@host:port/database`, or by a connection string such as `host=db dbname=journal`;
    /// both as libpq reads them. libpq's variables in the environment fill in what it leaves open.
    ///
    /// Several hosts stand with commas in between; see [`target_session_attrs`](Self::target_session_attrs).
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is no such text, or names a parameter that cannot be honoured. The text itself is not repeated: it may
    /// hold a password.
    pub fn from_url(url: &str) -> Result<Self> {
        env::check_text()?;
        let conninfo = Conninfo::parse("database URL", url)?;
        let config = Self::on(conninfo, Defaults::default(), &env::of_process)?;
        config.check()?;
        Ok(config)
    }

    /// A database by sqlx's options, and defaults for all else; for the size of the [cache of statements](Self::statement_cache), too,
    /// which the options do not show.
    #[must_use]
    pub fn from_options(options: PgConnectOptions) -> Self {
        let given = options.get_options().unwrap_or_default();
        // What cannot be read is the server's to refuse; and the rest goes with the options themselves.
        let settings = startup::settings(given).unwrap_or_default();
        let mut config = Self::to(Road::given(options));
        for (name, value) in &settings {
            config.take_limit(name, value).unwrap_or_default();
        }
        config
    }

    fn on(mut conninfo: Conninfo, defaults: Defaults, lookup: Lookup<'_>) -> Result<Self> {
        conninfo.fill_in(lookup)?;
        conninfo.check()?;
        let mut config = Self::to(Road::new(&conninfo, defaults, lookup)?);
        if let Some(given) = conninfo.get("connect_timeout") {
            let seconds = given.text.trim().parse::<std::num::NonZero<u32>>();
            let seconds =
                seconds.map_err(|_| given.expected("a whole number of seconds, at least 1,"))?;
            config.connect_timeout = Duration::from_secs(seconds.get().into());
        }
        if let Some(given) = conninfo.get("statement-cache-capacity") {
            let number = given.text.trim().parse();
            config.statement_cache = number.map_err(|_| given.expected("a whole number"))?;
        }
        if let Some(mode) = conninfo.text("geqo") {
            config.settings.push(("geqo".to_owned(), mode.to_owned()));
        }
        if let Some(options) = conninfo.get("options") {
            let settings = startup::settings(&options.text).ok_or_else(|| {
                options.expected("-c name=value or --name=value, and no other switch,")
            })?;
            for (name, value) in settings {
                let right = "-1 or a time such as 30s or 1500 (milliseconds) for each time limit";
                let known = config.take_limit(&name, &value);
                if !known.ok_or_else(|| options.expected(right))? {
                    config.settings.push((name, value));
                }
            }
        }
        Ok(config)
    }

    /// Sets the time limit of this name; false if it is none, None if the value is not understood.
    fn take_limit(&mut self, name: &str, value: &str) -> Option<bool> {
        let (setting, limit) = match name.to_ascii_lowercase().as_str() {
            "statement_timeout" => ("command_timeout", &mut self.command_timeout),
            "lock_timeout" => ("lock_timeout", &mut self.lock_timeout),
            "idle_in_transaction_session_timeout" => (
                "idle_in_transaction_timeout",
                &mut self.idle_in_transaction_timeout,
            ),
            "client_connection_check_interval" => (
                "client_check_interval",
                self.client_check_interval.get_or_insert_default(),
            ),
            _ => return Some(false),
        };
        *limit = startup::time_limit(value)?;
        self.limits_in_options.push((setting, *limit));
        Some(true)
    }

    fn to(road: Road) -> Self {
        Self {
            road,
            settings: Vec::new(),
            limits_in_options: Vec::new(),
            application_name: None,
            fallback_name: None,
            log_statements: false,
            command_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(10),
            idle_in_transaction_timeout: Duration::from_secs(30),
            client_check_interval: None,
            pooler: Pooler::None,
            pooler_is_proven: Arc::default(),
            row_security: false,
            statement_cache: 512,
            min_pool_size: 0,
            max_pool_size: 16,
            acquire_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(5),
            max_inactive_lifetime: Duration::from_secs(300),
            max_lifetime: Duration::from_secs(1800),
            ping_after: Duration::from_secs(5),
            drain: Duration::from_millis(100),
            migration_patience: Duration::from_secs(600),
            observer: None,
        }
    }

    /// Where the database is, for people: `journal as clerk at db.example:5432`. No password.
    #[must_use]
    pub fn place(&self) -> String {
        let (database, user) = (self.road.database(), self.road.user());
        format!("{database} as {user} at {}", self.road.addresses())
    }

    /// The rules between settings; each by itself is checked where it is read. Messages name the methods.
    pub(crate) fn check(&self) -> Result<()> {
        self.check_named(|setting| setting)
    }

    fn check_named(&self, name: fn(&'static str) -> &'static str) -> Result<()> {
        let [most, least, drain] = ["max_pool_size", "min_pool_size", "drain"].map(name);
        if self.max_pool_size == 0 {
            return Err(Error::invalid(most, "expected at least 1"));
        }
        if self.min_pool_size > self.max_pool_size {
            let (at_most, got) = (self.max_pool_size, self.min_pool_size);
            let why = format!("expected at most {most} ({at_most}), got {got}");
            return Err(Error::invalid(least, why));
        }
        if self.drain < Duration::from_millis(1) {
            return Err(Error::invalid(drain, "expected at least 1 ms"));
        }
        if self.client_check_interval > Some(self.drain) {
            let why = format!("expected at most the time of {drain} ({:?})", self.drain);
            return Err(Error::invalid(name("client_check_interval"), why));
        }
        if self.pooler != Pooler::None && self.road.has_start_options() {
            return Err(Error::invalid(
                "options",
                "poolers do not pass the driver's start options on: unset PGOPTIONS, and write options into the URL",
            ));
        }
        Ok(())
    }

    /// A variable and the parameter `options` must not say different things.
    fn check_options_agree(&self, setting: &'static str, limit: Duration) -> Result<()> {
        let mut limits = self.limits_in_options.iter();
        match limits.rfind(|(known, _)| *known == setting) {
            Some((_, other)) if *other != limit => Err(Error::invalid(
                env::name_of(setting),
                format!(
                    "the connection's options say {other:?}, this variable says {limit:?}: take one of them out"
                ),
            )),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // By hand: the Debug of PgConnectOptions shows the password.
        f.debug_struct("Config")
            .field("server", &self.road.server())
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
