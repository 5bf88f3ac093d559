//! Reads settings from text. A message repeats the text it found, except that of a URL or a password.

use super::{Config, LONGEST};
use crate::error::{Error, Result};
use sqlx::postgres::PgConnectOptions;
use std::{str::FromStr, time::Duration};

type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Every variable that [`read`] looks up.
pub(super) const VARIABLES: [&str; 11] = [
    "DATABASE_URL",
    "DATABASE_HOST",
    "DATABASE_PORT",
    "DATABASE_NAME",
    "DATABASE_USER",
    "DATABASE_PASSWORD",
    "DB_MIN_POOL_SIZE",
    "DB_MAX_POOL_SIZE",
    "DB_COMMAND_TIMEOUT",
    "DB_ACQUIRE_TIMEOUT",
    "DB_MAX_INACTIVE_CONNECTION_LIFETIME",
];

pub(super) fn read(lookup: Lookup<'_>) -> Result<Config> {
    let lookup = &|name: &str| lookup(name).filter(|value| !value.is_empty());
    let options = match lookup("DATABASE_URL") {
        Some(url) => parse_url("DATABASE_URL", &url)?,
        None => read_parts(lookup)?,
    };
    let mut config = Config::from_options(options);
    if let Some(size) = parsed(lookup, "DB_MIN_POOL_SIZE", "a whole number of at least 0")? {
        config = config.min_pool_size(size);
    }
    if let Some(size) = parsed::<std::num::NonZero<usize>>(
        lookup,
        "DB_MAX_POOL_SIZE",
        "a whole number of at least 1",
    )? {
        config = config.max_pool_size(size.get());
    }
    if let Some(limit) = seconds(lookup, "DB_COMMAND_TIMEOUT")? {
        config = config.command_timeout(limit);
    }
    if let Some(limit) = seconds(lookup, "DB_ACQUIRE_TIMEOUT")? {
        config = config.acquire_timeout(limit);
    }
    if let Some(limit) = seconds(lookup, "DB_MAX_INACTIVE_CONNECTION_LIFETIME")? {
        config = config.max_inactive_lifetime(limit);
    }
    config.check()?;
    Ok(config)
}

fn read_parts(lookup: Lookup<'_>) -> Result<PgConnectOptions> {
    let or = |name: &str, default: &str| lookup(name).unwrap_or_else(|| default.to_owned());
    let mut options = PgConnectOptions::new_without_pgpass();
    let user = match options.get_username() {
        "unknown" => "postgres", // what sqlx says if the operating system does not tell
        user => user,
    };
    let user = or("DATABASE_USER", user);
    let port = parsed::<std::num::NonZero<u16>>(lookup, "DATABASE_PORT", "a port from 1 to 65535")?;
    options = options
        .host(&or("DATABASE_HOST", "localhost"))
        .port(port.map_or(5432, std::num::NonZero::get))
        .database(&or("DATABASE_NAME", "llm_trading"))
        .username(&user);
    if let Some(password) = lookup("DATABASE_PASSWORD") {
        options = options.password(&password);
    }
    Ok(options)
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

/// Parses a URL; `field` names it in errors, which never repeat any of it.
pub(super) fn parse_url(field: &'static str, url: &str) -> Result<PgConnectOptions> {
    let invalid = |why: &'static str| Error::invalid(field, why);
    let rest = url
        .strip_prefix("postgres://")
        .or_else(|| url.strip_prefix("postgresql://"))
        .ok_or_else(|| invalid("expected postgres://user:password@host:port/database"))?;
    // A password with an unescaped / ? or # ends the authority early: the rest would be read as a host, a port, a path.
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if rest.contains('#') || (!authority.contains('@') && rest.contains('@')) {
        return Err(invalid(
            "expected user and password with special characters percent-encoded, such as %2F for / and %40 for @",
        ));
    }
    known_parameters_only(url).parse().map_err(|_| {
        invalid("expected postgres://user:password@host:port/database, with special characters percent-encoded")
    })
}

/// Leaves out the parameters that sqlx does not know: it would log them with their values, secret or not.
fn known_parameters_only(url: &str) -> String {
    const KNOWN: [&str; 18] = [
        "sslmode",
        "ssl-mode",
        "sslrootcert",
        "ssl-root-cert",
        "ssl-ca",
        "sslcert",
        "ssl-cert",
        "sslkey",
        "ssl-key",
        "statement-cache-capacity",
        "host",
        "hostaddr",
        "port",
        "dbname",
        "user",
        "password",
        "application_name",
        "options",
    ];
    let Some((address, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let known = |parameter: &&str| {
        let key = parameter.split('=').next().unwrap_or_default();
        KNOWN.contains(&key) || key.starts_with("options[") || key.starts_with("options%5B")
    };
    let (known, unknown): (Vec<_>, Vec<_>) = query.split('&').partition(known);
    if !unknown.is_empty() {
        tracing::warn!(
            count = unknown.len(),
            "parameters of the database URL are not supported and left out"
        );
    }
    format!("{address}?{}", known.join("&"))
}
