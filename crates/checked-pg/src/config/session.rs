//! What a session is told when it starts.

use super::{Config, LONGEST, Pooler};
use sqlx::{ConnectOptions, postgres::PgConnectOptions};
use std::{borrow::Cow, time::Duration};

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
}

/// Rounded up, since 0 means "no limit" to the server.
fn milliseconds(limit: Duration) -> u128 {
    limit.min(LONGEST).as_nanos().div_ceil(1_000_000)
}
