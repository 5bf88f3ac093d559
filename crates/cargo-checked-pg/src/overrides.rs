//! The part of `sqlx.toml` that follows from the schema: which Rust type each domain has, each enum, and each column of one.
//!
//! PostgreSQL reports the domain of a parameter, but of a column only the type below it, so the macros have to be told of each
//! column. Nobody writes that by hand: `Cargo.toml` names the Rust type of each domain once, and the catalog knows the rest.
//!
//! ```toml
//! [package.metadata.checked-pg.types]
//! broker = "crate::types::Broker"
//! ```
//!
//! A crate on top finds these lines through cargo, and reads `crate::` as the name of the crate.
//!
//! An array of the type (`$1::broker[]`) is `&[Broker]`, or `&[Option<Broker>]` if a column of the type takes NULL and no primary
//! key has the type: what rows are known by is never absent from a batch. A line of its own says otherwise:
//! `'broker[]' = "&[Option<crate::types::Broker>]"`.

pub mod catalog;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs, io,
    path::Path,
};

use anyhow::{Context, Result, bail};

use self::catalog::Catalog;
use crate::Project;

const FILE: &str = "sqlx.toml";
const BEGIN: &str = "# >>> cargo checked-pg prepare: from the schema and [package.metadata.checked-pg.types] in Cargo.toml; not to be edited\n";
const END: &str = "# <<< cargo checked-pg prepare\n";
/// The types without a document: what sqlx calls them, and what they are as elements of an array.
const UNTYPED: [&str; 6] = ["JSON", "JSONB", "JSON[]", "JSONB[]", "json[]", "jsonb[]"];

/// What `Cargo.toml` says of types, of the crate and of those below it.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    /// The Rust type of each type of the schema, as the crate names it.
    pub types: BTreeMap<String, String>,
    /// The Rust type of single columns, `table.column`.
    pub columns: BTreeMap<String, String>,
    /// Which of `types` the crate's own `Cargo.toml` has.
    pub own: BTreeSet<String>,
    /// What the crate calls `checked-pg`, if it depends on it.
    pub library: Option<String>,
}

/// The contents of `sqlx.toml`, now and as they should be.
#[derive(Debug)]
pub struct Settings {
    pub now: String,
    pub wanted: String,
}

impl Settings {
    pub fn are_stale(&self) -> bool {
        self.now != self.wanted
    }

    pub fn write(root: &Path, text: &str) -> Result<()> {
        fs::write(root.join(FILE), text).with_context(|| format!("cannot write {FILE}"))
    }
}

/// The crate's `sqlx.toml` as it is, and as the schema wants it; or what is missing in `Cargo.toml`, a line each.
pub fn settings(project: &Project, catalog: &Catalog) -> Result<Result<Settings, Vec<String>>> {
    let now = match fs::read_to_string(project.path(FILE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        text => text.with_context(|| FILE.to_owned())?,
    };
    let declared = &project.declared;
    let findings = findings(declared, catalog);
    if !findings.is_empty() {
        return Ok(Err(findings));
    }
    if declared.library.is_none() && declared.types.is_empty() {
        // No user of checked-pg: a crate that has nothing to say of types.
        let wanted = now.clone();
        return Ok(Ok(Settings { now, wanted }));
    }
    let wanted = spliced(&now, &section(declared, catalog))?;
    Ok(Ok(Settings { now, wanted }))
}

fn findings(declared: &Declared, catalog: &Catalog) -> Vec<String> {
    let missing = catalog
        .types
        .iter()
        .filter(|one| one.required && !declared.types.contains_key(&one.name));
    let missing = missing.map(|one| {
        format!(
            "Cargo.toml: `{0}` has no Rust type; name it below [package.metadata.checked-pg.types], such as `{1} = \"crate::types::{2}\"`",
            one.name,
            key(&one.name),
            camel_case(&one.name)
        )
    });
    // Those of sqlx itself are in capitals, such as UUID.
    let strange = declared.own.iter().filter(|name| {
        let sqlx = name.chars().all(|c| !c.is_lowercase());
        !catalog.has_type(name.trim_end_matches("[]"))
            && (!sqlx || UNTYPED.contains(&name.as_str()))
    });
    let strange = strange.map(|name| {
        format!("Cargo.toml: [package.metadata.checked-pg.types] names `{name}`, and the schema has no such type")
    });
    let mut findings: Vec<String> = missing.chain(strange).collect();
    if declared.library.is_none() && !declared.types.is_empty() {
        findings.push(
            "Cargo.toml: add checked-pg to [dependencies]; the types in sqlx.toml need it"
                .to_owned(),
        );
    }
    findings
}

/// `broker_name` as `BrokerName`.
fn camel_case(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|c| c.to_uppercase().to_string());
        first.unwrap_or_default() + letters.as_str()
    };
    let words = name.split(|c: char| !c.is_alphanumeric());
    words.map(capital).collect()
}

/// The text between the marks.
fn section(declared: &Declared, catalog: &Catalog) -> String {
    let mut text = String::from("[macros.type-overrides]\n");
    if let Some(library) = &declared.library {
        text += "# JSON that is no document of a domain compiles for nobody.\n";
        for name in UNTYPED {
            entry(
                &mut text,
                name,
                &format!("::{library}::document::UntypedJsonb"),
            );
        }
    }
    for (name, rust) in &declared.types {
        entry(&mut text, name, rust);
        let array = format!("{name}[]");
        if catalog.has_type(name) && !declared.types.contains_key(&array) {
            let element = element(catalog, name, rust);
            entry(&mut text, &array, &format!("&[{element}]"));
        }
    }
    for (table, columns) in columns(declared, catalog) {
        writeln!(text, "\n[macros.table-overrides.{}]", key(table)).ok();
        for (column, rust) in columns {
            entry(&mut text, column, &rust);
        }
    }
    text
}

/// The columns by their tables.
fn columns<'a>(
    declared: &'a Declared,
    catalog: &'a Catalog,
) -> BTreeMap<&'a str, BTreeMap<&'a str, String>> {
    let mut tables: BTreeMap<&str, BTreeMap<&str, String>> = BTreeMap::new();
    for column in &catalog.columns {
        let Some(rust) = declared.types.get(&column.of) else {
            continue;
        };
        let rust = match column.array {
            true => format!("::std::vec::Vec<{}>", element(catalog, &column.of, rust)),
            false => rust.clone(),
        };
        let table = tables.entry(&column.relation).or_default();
        table.insert(&column.column, rust);
    }
    for (name, rust) in &declared.columns {
        if let Some((table, column)) = name.rsplit_once('.') {
            let table = tables.entry(table).or_default();
            table.insert(column, rust.clone());
        }
    }
    tables
}

/// What stands in an array of a type.
fn element(catalog: &Catalog, of: &str, rust: &str) -> String {
    let mut columns = catalog.columns.iter().filter(|column| column.of == of);
    let takes_null = columns.clone().any(|column| column.takes_null);
    match takes_null && !columns.any(|column| column.key) {
        true => format!("::core::option::Option<{rust}>"),
        false => rust.to_owned(),
    }
}

fn entry(text: &mut String, name: &str, rust: &str) {
    writeln!(text, "{} = {}", key(name), basic(rust)).ok();
}

/// A key of TOML: the bare word where it is one, as most names of a schema are.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match !name.is_empty() && name.chars().all(bare) {
        true => name.to_owned(),
        false if name.contains('\'') || name.contains(char::is_control) => basic(name),
        false => format!("'{name}'"),
    }
}

/// A string of TOML with escapes, which are those of JSON.
fn basic(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// `text` with `section` between the marks, or after all else if it has none.
fn spliced(text: &str, section: &str) -> Result<String> {
    let text = text.replace("\r\n", "\n");
    let (before, after) = match (text.split_once(BEGIN), text.contains(END)) {
        (Some((before, rest)), true) => {
            let (_, after) = rest.split_once(END).with_context(|| {
                format!("{FILE}: the two marks of cargo checked-pg have changed places")
            })?;
            (before.to_owned(), after.to_owned())
        }
        (None, false) => {
            let gap = match text.trim_end() {
                "" => "",
                _ => "\n\n",
            };
            (text.trim_end().to_owned() + gap, String::new())
        }
        _ => bail!(
            "{FILE}: one of the two marks of cargo checked-pg is missing; delete the other and what is below \
             [macros.type-overrides] and [macros.table-overrides], and run `cargo checked-pg prepare`"
        ),
    };
    let by_hand = before.lines().chain(after.lines()).find(|line| {
        let line = line.trim_start();
        line.starts_with("[macros.type-overrides") || line.starts_with("[macros.table-overrides")
    });
    if let Some(line) = by_hand {
        bail!(
            "{FILE}: `{line}` is written by prepare: name the types below [package.metadata.checked-pg.types] in Cargo.toml \
             (single columns below [package.metadata.checked-pg.columns]), and delete this section"
        );
    }
    Ok(format!("{before}{BEGIN}{section}{END}{after}"))
}

#[cfg(test)]
mod tests;
