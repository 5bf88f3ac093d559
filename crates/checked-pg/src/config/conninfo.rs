//! Connection parameters: from a URL, from a connection string, from parts, and from what fills them in.

mod pairs;
mod service;
mod uri;

use super::parameters::{self, Parameter, Support};
use crate::error::{Error, Result};
use std::{collections::BTreeMap, fmt::Display};

/// Where variables are looked up.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Where a value comes from, for messages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A URL or connection string, by the name that messages give it. Its values are never repeated: a password with an
    /// unescaped special character may have ended up in any of them.
    Text(&'static str),
    /// A variable.
    Variable(&'static str),
    /// The service file.
    Service,
}

/// A parameter's value.
#[derive(Clone)]
pub(super) struct Value {
    keyword: &'static str,
    pub(super) text: String,
    pub(super) source: Source,
}

impl Value {
    pub(super) fn new(keyword: &'static str, text: String, source: Source) -> Self {
        Self {
            keyword,
            text,
            source,
        }
    }

    /// The value is not what it must be; `right` says what would be.
    pub(super) fn expected(&self, right: impl Display) -> Error {
        let keyword = self.keyword;
        match self.source {
            Source::Variable(name) => {
                Error::invalid(name, format!("expected {right}, got {:?}", self.text))
            }
            Source::Text(name) => Error::invalid(name, format!("expected {right} for {keyword}")),
            Source::Service => {
                Error::invalid("service file", format!("expected {right} for {keyword}"))
            }
        }
    }

    /// The value cannot be used, `why` says so.
    pub(super) fn refused(&self, why: impl Display) -> Error {
        let keyword = self.keyword;
        match self.source {
            Source::Variable(name) => Error::invalid(name, why.to_string()),
            Source::Text(name) => Error::invalid(name, format!("{keyword}: {why}")),
            Source::Service => Error::invalid("service file", format!("{keyword}: {why}")),
        }
    }

    pub(super) fn is_variable(&self) -> bool {
        matches!(self.source, Source::Variable(_))
    }
}

/// The parameters that were given, by keyword.
#[derive(Default)]
pub(super) struct Conninfo(BTreeMap<&'static str, Value>);

impl Conninfo {
    /// Parses a URL or a connection string; `field` names it in errors.
    pub(super) fn parse(field: &'static str, text: &str) -> Result<Self> {
        let text = text.trim();
        let pairs = match uri::is_uri(text) {
            true => uri::parse(field, text)?,
            false if begins_with_keyword(text) => pairs::parse(field, text)?,
            false => return Err(uri::not_a_url(field, text)),
        };
        let mut conninfo = Self::default();
        let mut secret_seen = false;
        for (keyword, text) in pairs {
            if let Some(setting) = option_keyword(&keyword) {
                conninfo.append_option(setting, &text, Source::Text(field));
                continue;
            }
            let Some(parameter) = parameters::find(&keyword) else {
                // After a password, what looks like a name may be the rest of it.
                let shown = !secret_seen && is_name(&keyword);
                return Err(unknown(field, shown.then_some(&keyword)));
            };
            let secret = ["password", "sslpassword"].contains(&parameter.keyword);
            secret_seen |= secret && !text.is_empty();
            conninfo.set(parameter.keyword, text, Source::Text(field));
        }
        Ok(conninfo)
    }

    /// Sets a parameter; an empty value is none.
    pub(super) fn set(&mut self, keyword: &'static str, text: String, source: Source) {
        if text.is_empty() {
            self.0.remove(keyword);
        } else {
            self.0.insert(keyword, Value::new(keyword, text, source));
        }
    }

    /// `options[name]=value`, as the driver writes it.
    fn append_option(&mut self, setting: &str, value: &str, source: Source) {
        let escape = |text: &str| text.replace('\\', r"\\").replace(' ', r"\ ");
        let added = format!("-c {}={}", escape(setting), escape(value));
        let text = match self.0.remove("options") {
            Some(before) => format!("{} {added}", before.text),
            None => added,
        };
        self.set("options", text, source);
    }

    /// Fills in what was not given: from the service file, then from the variables.
    pub(super) fn fill_in(&mut self, lookup: Lookup<'_>) -> Result<()> {
        let variable = |name: &str| lookup(name).filter(|value| !value.is_empty());
        for keyword in ["service", "servicefile"] {
            self.fill_in_from(parameters::find(keyword), &variable);
        }
        for (keyword, text) in service::read(self, &variable)? {
            if !self.0.contains_key(keyword) {
                self.set(keyword, text, Source::Service);
            }
        }
        for parameter in parameters::PARAMETERS.iter().chain(parameters::VARIABLES) {
            self.fill_in_from(Some(parameter), &variable);
        }
        Ok(())
    }

    fn fill_in_from(&mut self, parameter: Option<&Parameter>, variable: Lookup<'_>) {
        let Some(parameter) = parameter else { return };
        if let Some(name) = parameter.variable
            && !self.0.contains_key(parameter.keyword)
            && let Some(text) = variable(name)
        {
            self.set(parameter.keyword, text, Source::Variable(name));
        }
    }

    /// Refuses the parameters that cannot be honoured.
    pub(super) fn check(&self) -> Result<()> {
        for parameter in parameters::PARAMETERS.iter().chain(parameters::VARIABLES) {
            if let Support::Only(values, why) = parameter.support
                && let Some(given) = self.get(parameter.keyword)
                && !values.contains(&given.text.as_str())
            {
                return Err(given.refused(match values {
                    [] => format!("not supported: {why}"),
                    [value] => format!("not supported except as {value}: {why}"),
                    values => format!("not supported except as {}: {why}", values.join(", ")),
                }));
            }
        }
        Ok(())
    }

    pub(super) fn get(&self, keyword: &str) -> Option<&Value> {
        self.0.get(keyword)
    }

    pub(super) fn text(&self, keyword: &str) -> Option<&str> {
        self.get(keyword).map(|value| value.text.as_str())
    }
}

/// The setting in `options[setting]`.
fn option_keyword(keyword: &str) -> Option<&str> {
    keyword.strip_prefix("options[")?.strip_suffix(']')
}

/// `host=…`, but not a URL of another kind whose password holds an equals sign.
fn begins_with_keyword(text: &str) -> bool {
    text.split_once('=')
        .is_some_and(|(keyword, _)| is_name(keyword.trim()))
}

fn is_name(text: &str) -> bool {
    text.len() <= 40
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

fn unknown(field: &'static str, keyword: Option<&String>) -> Error {
    let why = match keyword.map(String::as_str) {
        Some("pgbouncer") => {
            "pgbouncer: not supported: set Config::pooler to session or transaction".to_owned()
        }
        Some("schema") => {
            "schema: not supported: write options=-csearch_path%3D and the schema's name".to_owned()
        }
        Some("ssl") => "ssl: not supported: write sslmode=require or sslmode=verify-full".to_owned(),
        Some(keyword) => format!("{keyword}: no parameter of a connection has this name"),
        None => "expected only names of connection parameters before =, with special characters of values percent-encoded"
            .to_owned(),
    };
    Error::invalid(field, why)
}
