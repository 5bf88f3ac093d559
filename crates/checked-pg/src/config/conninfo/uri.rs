//! `postgres://user:password@host:port,host:port/database?parameter=value&…`, as libpq reads it.

use crate::error::{Error, Result};

const FORM: &str = "postgres://user:password@host:port/database";

pub(super) fn is_uri(text: &str) -> bool {
    after_scheme(text).is_some()
}

fn after_scheme(text: &str) -> Option<&str> {
    text.strip_prefix("postgres://")
        .or_else(|| text.strip_prefix("postgresql://"))
}

/// Says what to write instead of a text that is no address of ours.
pub(super) fn not_a_url(field: &'static str, text: &str) -> Error {
    // As SQLAlchemy and others write it: postgresql+asyncpg://
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    let driver = scheme
        .strip_prefix("postgresql+")
        .or_else(|| scheme.strip_prefix("postgres+"));
    let known = [
        "asyncpg",
        "psycopg",
        "psycopg2",
        "psycopg_async",
        "psycopg2cffi",
        "pg8000",
        "aiopg",
    ];
    let why = match driver.filter(|driver| known.contains(driver)) {
        Some(driver) => format!(
            "expected postgresql:// in place of postgresql+{driver}://: the part after + names a driver of Python"
        ),
        None => format!("expected {FORM}"),
    };
    Error::invalid(field, why)
}

/// The parameters in the order in which they stand; host and port are lists, separated by commas.
pub(super) fn parse(field: &'static str, text: &str) -> Result<Vec<(String, String)>> {
    let invalid = |why: &str| Error::invalid(field, why.to_owned());
    let rest = after_scheme(text).ok_or_else(|| not_a_url(field, text))?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // A password with an unescaped / ? or # ends the authority early: the rest would be read as a host, a port, a path.
    if rest.contains('#') || (!authority.contains('@') && rest.contains('@')) {
        return Err(invalid(
            "expected user and password with special characters percent-encoded, such as %2F for / and %40 for @",
        ));
    }
    let decode = |text: &str| {
        decoded(text).ok_or_else(|| {
            invalid("expected special characters percent-encoded in UTF-8, such as %25 for %")
        })
    };
    let mut pairs = Vec::new();
    let mut add = |keyword: &str, value: &str| -> Result<()> {
        pairs.push((decode(keyword)?, decode(value)?));
        Ok(())
    };
    let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    add("user", user)?;
    add("password", password)?;
    let (names, ports) = addresses(hosts).ok_or_else(|| {
        invalid("expected an address such as host:5432 or [::1]:5432, and several with commas in between")
    })?;
    add("host", &names.join(","))?;
    add("port", &ports.join(","))?;
    let (path, query) = match rest[authority.len()..].split_once('?') {
        Some((path, query)) => (path, query),
        None => (&rest[authority.len()..], ""),
    };
    add("dbname", path.strip_prefix('/').unwrap_or(path))?;
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            // As JDBC writes it, and libpq understands it.
            Some(("ssl", "true")) => add("sslmode", "require")?,
            Some((keyword, value)) => add(keyword, value)?,
            None => {
                return Err(invalid(
                    "expected parameters as name=value, with special characters percent-encoded",
                ));
            }
        }
    }
    Ok(pairs)
}

/// Names and ports of `host:port,[::1]:port`; what is left out is empty.
fn addresses(hosts: &str) -> Option<(Vec<&str>, Vec<&str>)> {
    let one = |host| {
        let host: &str = host;
        let (name, rest) = match host.strip_prefix('[') {
            Some(host) => host.split_once(']')?,
            None => host.split_at(host.find(':').unwrap_or(host.len())),
        };
        let port = match rest {
            "" => "",
            rest => rest.strip_prefix(':')?,
        };
        Some((name, port))
    };
    let list: Vec<_> = hosts.split(',').map(one).collect::<Option<_>>()?;
    let (names, ports): (Vec<_>, Vec<_>) = list.into_iter().unzip();
    let no_port = ports.iter().all(|port| port.is_empty());
    Some((names, if no_port { Vec::new() } else { ports }))
}

/// Without its percent-encoding, if that is right and stands for text without NUL.
fn decoded(text: &str) -> Option<String> {
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes().iter();
    while let Some(&byte) = rest.next() {
        match byte {
            b'%' => {
                let value = digit(rest.next())? * 16 + digit(rest.next())?;
                bytes.push(u8::try_from(value).ok().filter(|byte| *byte != 0)?);
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}
