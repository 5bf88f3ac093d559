//! The service file: parameters under a name.

use super::{Conninfo, Lookup, parameters};
use crate::error::{Error, Result};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The parameters of the service that was asked for, if one was.
pub(super) fn read(
    conninfo: &Conninfo,
    variable: Lookup<'_>,
) -> Result<Vec<(&'static str, String)>> {
    let Some(service) = conninfo.get("service") else {
        return Ok(Vec::new());
    };
    let own = match conninfo.text("servicefile") {
        Some(file) => Some(PathBuf::from(file)),
        None => variable("HOME").map(|home| Path::new(&home).join(".pg_service.conf")),
    };
    let shared = variable("PGSYSCONFDIR").map(|folder| Path::new(&folder).join("pg_service.conf"));
    for file in own.into_iter().chain(shared) {
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                return Err(Error::invalid(
                    "service file",
                    format!("{}: {error}", file.display()),
                ));
            }
        };
        if let Some(parameters) = section(&text, &service.text)
            .map_err(|why| Error::invalid("service file", format!("{}: {why}", file.display())))?
        {
            return Ok(parameters);
        }
    }
    Err(service.refused(format!(
        "no service {:?} in the service files (PGSERVICEFILE or ~/.pg_service.conf, then PGSYSCONFDIR)",
        service.text
    )))
}

/// The lines below `[service]`, up to the next section.
fn section(text: &str, service: &str) -> Result<Option<Vec<(&'static str, String)>>, String> {
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut below = lines.skip_while(|line| title(line) != Some(service));
    if below.next().is_none() {
        return Ok(None);
    }
    let mut found = Vec::new();
    for line in below.take_while(|line| title(line).is_none()) {
        // A line may hold a password, so it is not repeated.
        let Some((keyword, value)) = line.split_once('=') else {
            return Err("a line is not of the form name=value".to_owned());
        };
        match parameters::find(keyword) {
            Some(parameter) if !["service", "servicefile"].contains(&parameter.keyword) => {
                found.push((parameter.keyword, value.to_owned()));
            }
            Some(_) => return Err("a service cannot name another service".to_owned()),
            None if line.starts_with("ldap://") => {
                return Err("services are not looked up by LDAP".to_owned());
            }
            None => {
                return Err(
                    "a line does not begin with the name of a connection parameter".to_owned(),
                );
            }
        }
    }
    Ok(Some(found))
}

fn title(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.strip_suffix(']')
}
