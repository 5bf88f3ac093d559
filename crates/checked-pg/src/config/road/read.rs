//! Reads the parameters that a road is made of.

use super::{DEFAULT_FOLDERS, Defaults, Host, Password, TargetSessionAttrs};
use crate::{
    config::{
        conninfo::{Conninfo, Lookup, Value},
        passfile::PassFile,
    },
    error::Result,
};
use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

pub(super) fn hosts(conninfo: &Conninfo, defaults: Defaults) -> Result<Vec<Host>> {
    let names = list(conninfo.get("host"));
    let addresses = list(conninfo.get("hostaddr"));
    let ports = list(conninfo.get("port"));
    let count = names.len().max(addresses.len()).max(1);
    for (keyword, found) in [("host", &names), ("hostaddr", &addresses)] {
        if let Some(given) = conninfo.get(keyword)
            && found.len() != count
        {
            return Err(
                given.expected(format!("{count} of them, as many as of host and hostaddr,"))
            );
        }
    }
    if let Some(given) = conninfo.get("port")
        && ports.len() != count
        && ports.len() != 1
    {
        return Err(given.expected(format!("one port, or {count}, one for each host,")));
    }
    let mut hosts = Vec::with_capacity(count);
    for at in 0..count {
        let text = |list: &[String]| list.get(at).filter(|text| !text.is_empty()).cloned();
        let port = match ports.len() {
            1 => ports.first().filter(|port| !port.is_empty()).cloned(),
            _ => text(&ports),
        };
        let port = match (port, conninfo.get("port")) {
            (Some(port), Some(given)) => port
                .trim()
                .parse::<std::num::NonZero<u16>>()
                .map_err(|_| given.expected("a port from 1 to 65535"))?
                .get(),
            _ => 5432,
        };
        let address = match (text(&addresses), conninfo.get("hostaddr")) {
            (Some(address), Some(given)) => Some(
                address
                    .parse::<IpAddr>()
                    .map_err(|_| given.expected("an address such as 192.0.2.7 or ::1"))?,
            ),
            _ => None,
        };
        let name = text(&names)
            .or_else(|| address.map(|address| address.to_string()))
            .unwrap_or_else(|| default_host(defaults, port));
        if let Some(given) = conninfo.get("host")
            && name.starts_with('@')
        {
            return Err(given.refused("sockets without a file (@) are not supported"));
        }
        hosts.push(Host {
            name,
            address,
            port,
        });
    }
    Ok(hosts)
}

fn list(value: Option<&Value>) -> Vec<String> {
    let Some(value) = value else {
        return Vec::new();
    };
    value.text.split(',').map(str::to_owned).collect()
}

fn default_host(defaults: Defaults, port: u16) -> String {
    if let Some(host) = defaults.host {
        return host.to_owned();
    }
    let socket = format!(".s.PGSQL.{port}");
    let there = DEFAULT_FOLDERS
        .into_iter()
        .find(|folder| Path::new(folder).join(&socket).exists());
    there.unwrap_or("localhost").to_owned()
}

pub(super) fn password(conninfo: &Conninfo, variable: Lookup<'_>) -> Password {
    if conninfo.get("password").is_some() {
        return Password::Given;
    }
    let named = conninfo.text("passfile").map(PathBuf::from);
    let own = || variable("HOME").map(|home| Path::new(&home).join(".pgpass"));
    match (named, own()) {
        (Some(path), _) => Password::PassFile(PassFile { path, named: true }),
        (None, Some(path)) => Password::PassFile(PassFile { path, named: false }),
        (None, None) => Password::Given,
    }
}

pub(super) fn target(conninfo: &Conninfo) -> Result<TargetSessionAttrs> {
    use TargetSessionAttrs as T;
    let Some(given) = conninfo.get("target_session_attrs") else {
        return Ok(T::Any);
    };
    Ok(match given.text.as_str() {
        "any" => T::Any,
        "read-write" => T::ReadWrite,
        "read-only" => T::ReadOnly,
        "primary" => T::Primary,
        "standby" => T::Standby,
        "prefer-standby" => T::PreferStandby,
        _ => {
            return Err(given.expected(
                "one of any, read-write, read-only, primary, standby and prefer-standby",
            ));
        }
    })
}

pub(super) fn random(conninfo: &Conninfo) -> Result<bool> {
    let Some(given) = conninfo.get("load_balance_hosts") else {
        return Ok(false);
    };
    match given.text.as_str() {
        "disable" => Ok(false),
        "random" => Ok(true),
        _ => Err(given.expected("disable or random")),
    }
}
