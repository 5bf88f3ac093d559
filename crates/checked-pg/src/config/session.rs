//! What a session is told when it starts.

use super::{Config, LONGEST, Pooler};
use sqlx::{ConnectOptions, postgres::PgConnectOptions};
use std::{borrow::Cow, sync::OnceLock, time::Duration};

/// Which time limits a session gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limits {
    /// Those that are configured.
    Usual,
    /// A migration takes as long as it takes.
    Migration,
    /// For a look at many tables, of which one that is locked must not take long.
    Impatient,
}

/// A setting of the server and its value.
pub(crate) type Setting = (Cow<'static, str>, String);

impl Config {
    /// The options a connection of the pool is made with, for one outside of the pool (`LISTEN`, say). Of several hosts it is the
    /// first one, and a password that is read for each connection is not among them.
    ///
    /// Their `Debug` shows the password.
    #[must_use]
    pub fn connect_options(&self) -> PgConnectOptions {
        self.start_with(self.road.options(), &self.session_settings(Limits::Usual))
    }

    /// The time limits and the other settings that each session of ours must have.
    pub(crate) fn session_settings(&self, limits: Limits) -> Vec<Setting> {
        let limits = self.limits(limits);
        let mut settings: Vec<Setting> = self
            .settings
            .iter()
            .map(|(name, value)| (Cow::Owned(name.clone()), value.clone()))
            .collect();
        settings.extend(limits.map(|(name, limit)| (name.into(), milliseconds(limit).to_string())));
        if !self.row_security {
            settings.push(("row_security".into(), "off".to_owned()));
        }
        settings
    }

    /// The time limits that a session must have, by the names of the server's settings.
    pub(crate) fn limits(&self, limits: Limits) -> [(&'static str, Duration); 4] {
        const IMPATIENT: Duration = Duration::from_secs(1);
        let (statement, lock) = match limits {
            Limits::Usual => (self.command_timeout, self.lock_timeout),
            Limits::Migration => (Duration::ZERO, Duration::ZERO),
            Limits::Impatient => match self.lock_timeout {
                Duration::ZERO => (self.command_timeout, IMPATIENT), // zero is no limit
                limit => (self.command_timeout, limit.min(IMPATIENT)),
            },
        };
        [
            ("statement_timeout", statement),
            ("lock_timeout", lock),
            (
                "idle_in_transaction_session_timeout",
                self.idle_in_transaction_timeout,
            ),
            (
                "client_connection_check_interval",
                self.client_check_interval.unwrap_or(self.drain),
            ),
        ]
    }

    /// The statements that bring the settings back after RESET ALL, where that does not: the server's session began before ours, without
    /// them. None without a pooler.
    pub(crate) fn settings_again(&self) -> Option<String> {
        match self.pooler {
            Pooler::None => None,
            Pooler::Session => Some(set_all(&self.settings_by_statement(Limits::Usual), false)),
            // The others hold for a transaction.
            Pooler::Transaction => Some(set_all(&self.start_settings(), false)),
        }
    }

    /// All that a session must have and did not begin with.
    pub(crate) fn settings_by_statement(&self, limits: Limits) -> Vec<Setting> {
        let mut settings = self.start_settings().to_vec();
        settings.extend(self.session_settings(limits));
        settings
    }

    /// What the driver puts into the first message by itself, and poolers set when they hand out a session.
    fn start_settings(&self) -> [Setting; 4] {
        [
            ("DateStyle".into(), "ISO, MDY".to_owned()),
            ("client_encoding".into(), "UTF8".to_owned()),
            ("TimeZone".into(), "UTC".to_owned()),
            ("application_name".into(), self.name().to_owned()),
        ]
    }

    fn name(&self) -> &str {
        let given = self.application_name.as_deref();
        let given = given.or(self.road.name()).or(self.fallback_name);
        given.unwrap_or_else(|| program())
    }

    /// Adds what goes into the first message to the server.
    pub(crate) fn start_with(
        &self,
        options: PgConnectOptions,
        settings: &[Setting],
    ) -> PgConnectOptions {
        let options = match self.pooler {
            Pooler::None => options.options(settings.iter().map(|(name, value)| (name, value))),
            // Poolers keep a list of what may stand in there; the settings follow by a statement.
            Pooler::Session | Pooler::Transaction => options.extra_float_digits(None),
        };
        let options = options
            .application_name(self.name())
            .statement_cache_capacity(self.statement_cache);
        match self.log_statements {
            true => options,
            false => options.disable_statement_logging(),
        }
    }
}

/// The file name of this program.
fn program() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let path = std::env::current_exe().unwrap_or_default();
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    })
}

/// A statement that sets all of them for the transaction that is open, and returns no row.
pub(crate) fn set_for_transaction(settings: &[Setting]) -> String {
    set_all(settings, true)
}

/// A statement that sets all of them, and returns no row. SET would not do: it takes no list in one text.
fn set_all(settings: &[Setting], for_transaction: bool) -> String {
    let set = |(name, value): &Setting| {
        format!(
            "pg_catalog.set_config({}, {}, {for_transaction})",
            quoted(name),
            quoted(value)
        )
    };
    let set: Vec<_> = settings.iter().map(set).collect();
    format!("SELECT 1 WHERE ({}) IS NULL", set.join(" || "))
}

/// As a literal of SQL, whatever `standard_conforming_strings` says.
pub(crate) fn quoted(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    match doubled.contains('\\') {
        true => format!("E'{}'", doubled.replace('\\', r"\\")),
        false => format!("'{doubled}'"),
    }
}

/// Rounded up, since 0 means "no limit" to the server.
fn milliseconds(limit: Duration) -> u128 {
    limit.min(LONGEST).as_nanos().div_ceil(1_000_000)
}
