//! Reads settings from variables. A message repeats the text it found, except that of a URL or a password.

use super::{
    Config, LONGEST, Pooler,
    conninfo::{Conninfo, Lookup, Source},
    fallback::Fallback,
    parameters,
    road::Defaults,
};
use crate::error::{Error, Result};
use std::{num::NonZero, str::FromStr, time::Duration};

/// The parts of an address, and the parameters that they are.
const PARTS: [(&str, &str); 5] = [
    ("DATABASE_HOST", "host"),
    ("DATABASE_PORT", "port"),
    ("DATABASE_NAME", "dbname"),
    ("DATABASE_USER", "user"),
    ("DATABASE_PASSWORD", "password"),
];

/// The password, in a file.
const PASSWORD_FILE: &str = "DATABASE_PASSWORD_FILE";

/// Each setting by the name of its method, and its variable.
const SETTINGS: [(&str, &str); 17] = [
    ("statement_cache", "DB_STATEMENT_CACHE"),
    ("password_file", PASSWORD_FILE),
    ("min_pool_size", "DB_MIN_POOL_SIZE"),
    ("max_pool_size", "DB_MAX_POOL_SIZE"),
    ("command_timeout", "DB_COMMAND_TIMEOUT"),
    ("lock_timeout", "DB_LOCK_TIMEOUT"),
    (
        "idle_in_transaction_timeout",
        "DB_IDLE_IN_TRANSACTION_TIMEOUT",
    ),
    ("client_check_interval", "DB_CLIENT_CHECK_INTERVAL"),
    ("acquire_timeout", "DB_ACQUIRE_TIMEOUT"),
    ("connect_timeout", "DB_CONNECT_TIMEOUT"),
    (
        "max_inactive_lifetime",
        "DB_MAX_INACTIVE_CONNECTION_LIFETIME",
    ),
    ("max_lifetime", "DB_MAX_LIFETIME"),
    ("ping_after", "DB_PING_AFTER"),
    ("migration_patience", "DB_MIGRATION_PATIENCE"),
    ("drain", "DB_DRAIN"),
    ("pooler", "DB_POOLER"),
    ("row_security", "DB_ROW_SECURITY"),
];

/// Every variable that [`read`] looks up.
pub(super) fn variables() -> impl Iterator<Item = &'static str> {
    let parts = PARTS.iter().map(|(variable, _)| *variable);
    let settings = SETTINGS.iter().map(|(_, variable)| *variable);
    let of_libpq = parameters::PARAMETERS.iter().chain(parameters::VARIABLES);
    ["DATABASE_URL"]
        .into_iter()
        .chain(parts)
        .chain(settings)
        .chain(of_libpq.filter_map(|parameter| parameter.variable))
}

/// A variable that is no text cannot be read, and must not count as unset.
pub(super) fn check_text() -> Result<()> {
    for name in variables() {
        if let Err(std::env::VarError::NotUnicode(_)) = std::env::var(name) {
            return Err(Error::invalid(name, "expected UTF-8 text"));
        }
    }
    Ok(())
}

/// The variables of this process.
pub(super) fn of_process(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

pub(super) fn read(lookup: Lookup<'_>, fallback: Fallback) -> Result<Config> {
    let lookup = &|name: &str| lookup(name).filter(|value| !value.is_empty());
    let (conninfo, defaults) = match lookup("DATABASE_URL") {
        Some(url) => (Conninfo::parse("DATABASE_URL", &url)?, Defaults::default()),
        None => (
            parts(lookup),
            Defaults {
                host: Some("localhost"),
                database: fallback.database,
            },
        ),
    };
    let has_password = conninfo.get("password").is_some();
    let mut config = Config::on(conninfo, defaults, lookup)?;
    if let Some(file) = lookup(PASSWORD_FILE) {
        if has_password {
            let why = "a password is given as well: take one of them out";
            return Err(Error::invalid(PASSWORD_FILE, why));
        }
        config = config.password_file(file);
    }
    config.fallback_name = fallback.application_name;
    let config = apply(config, lookup)?;
    config.check_named(name_of)?;
    Ok(config)
}

fn parts(lookup: Lookup<'_>) -> Conninfo {
    let mut conninfo = Conninfo::default();
    for (variable, keyword) in PARTS {
        if let Some(text) = lookup(variable) {
            conninfo.set(keyword, text, Source::Variable(variable));
        }
    }
    conninfo
}

/// The variable that [`Config::from_env`] reads for a setting by the name of its method, as errors name it: `DB_DRAIN` for `drain`.
#[must_use]
pub fn variable_of(setting: &str) -> Option<&'static str> {
    let mut settings = SETTINGS.iter();
    let (_, variable) = settings.find(|(name, _)| *name == setting)?;
    Some(variable)
}

pub(super) fn name_of(setting: &'static str) -> &'static str {
    variable_of(setting).unwrap_or(setting)
}

fn apply(mut config: Config, lookup: Lookup<'_>) -> Result<Config> {
    let size = |name| parsed::<usize>(lookup, name, "a whole number of at least 0");
    if let Some(size) = size("DB_MIN_POOL_SIZE")? {
        config = config.min_pool_size(size);
    }
    if let Some(statements) = size("DB_STATEMENT_CACHE")? {
        config = config.statement_cache(statements);
    }
    let size = |name| parsed::<NonZero<usize>>(lookup, name, "a whole number of at least 1");
    if let Some(size) = size("DB_MAX_POOL_SIZE")? {
        config = config.max_pool_size(size.get());
    }
    type Setter = fn(Config, Duration) -> Config;
    let times: [(_, Setter); 11] = [
        ("command_timeout", Config::command_timeout),
        ("lock_timeout", Config::lock_timeout),
        (
            "idle_in_transaction_timeout",
            Config::idle_in_transaction_timeout,
        ),
        ("client_check_interval", Config::client_check_interval),
        ("acquire_timeout", Config::acquire_timeout),
        ("connect_timeout", Config::connect_timeout),
        ("max_inactive_lifetime", Config::max_inactive_lifetime),
        ("max_lifetime", Config::max_lifetime),
        ("ping_after", Config::ping_after),
        ("migration_patience", Config::migration_patience),
        ("drain", Config::drain),
    ];
    for (setting, set) in times {
        if let Some(limit) = seconds(lookup, name_of(setting))? {
            config.check_options_agree(setting, limit)?;
            config = set(config, limit);
        }
    }
    if let Some(pooler) =
        parsed::<Pooler>(lookup, "DB_POOLER", "one of none, session and transaction")?
    {
        config = config.pooler(pooler);
    }
    if let Some(Switch(on)) = parsed::<Switch>(lookup, "DB_ROW_SECURITY", "on or off")? {
        config = config.row_security(on);
    }
    Ok(config)
}

struct Switch(bool);

impl FromStr for Switch {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "on" => Ok(Self(true)),
            "off" => Ok(Self(false)),
            _ => Err(()),
        }
    }
}

fn parsed<T: FromStr>(lookup: Lookup<'_>, name: &'static str, right: &str) -> Result<Option<T>> {
    let Some(value) = lookup(name) else {
        return Ok(None);
    };
    match value.trim().parse() {
        Ok(parsed) => Ok(Some(parsed)),
        Err(_) => Err(expected(name, right, &value)),
    }
}

fn seconds(lookup: Lookup<'_>, name: &'static str) -> Result<Option<Duration>> {
    let right = format!("a number of seconds from 0 to {}", LONGEST.as_secs());
    let Some(number) = parsed::<f64>(lookup, name, &right)? else {
        return Ok(None);
    };
    match Duration::try_from_secs_f64(number) {
        Ok(duration) if duration <= LONGEST => Ok(Some(duration)),
        _ => Err(expected(name, &right, &number.to_string())),
    }
}

fn expected(name: &'static str, right: &str, got: &str) -> Error {
    Error::invalid(name, format!("expected {right}, got {got:?}"))
}
