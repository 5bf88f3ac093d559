//! Cargo's check of the crate, with an answer below each message that sqlx leaves without one.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, IsTerminal},
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::{
    Project,
    check::{source, sql::tokens},
    project::cargo,
};

/// A line of cargo's.
#[derive(Deserialize)]
struct Line {
    message: Option<Message>,
}

/// A message of the compiler.
#[derive(Deserialize)]
struct Message {
    message: String,
    rendered: Option<String>,
    #[serde(default)]
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Span {
    file_name: PathBuf,
    byte_start: usize,
    is_primary: bool,
    label: Option<String>,
}

/// Clippy's lints for what `clippy.toml` bans.
const BANS: [&str; 6] = [
    "-D",
    "clippy::disallowed_methods",
    "-D",
    "clippy::disallowed_types",
    "-D",
    "clippy::disallowed_macros",
];

/// Checks the crate with some variables set; false if it does not compile. Without arguments for cargo, the library and the
/// binaries are compiled with all features.
pub fn check(
    project: &Project,
    variables: &[(&str, &OsStr)],
    arguments: &[String],
) -> Result<bool> {
    run("check", project, variables, arguments, &[])
}

/// As [`check`], by clippy, which refuses what is banned as well.
pub fn check_bans(
    project: &Project,
    variables: &[(&str, &OsStr)],
    arguments: &[String],
) -> Result<bool> {
    let clippy = cargo().args(["clippy", "--version"]).output();
    ensure!(
        clippy.is_ok_and(|clippy| clippy.status.success()),
        "the bans of clippy.toml need clippy: run `rustup component add clippy`"
    );
    run("clippy", project, variables, arguments, &BANS)
}

fn run(
    command: &str,
    project: &Project,
    variables: &[(&str, &OsStr)],
    arguments: &[String],
    lints: &[&str],
) -> Result<bool> {
    let format = match std::io::stderr().is_terminal() {
        true => "json-diagnostic-rendered-ansi",
        false => "json",
    };
    let mut check = cargo();
    check
        .current_dir(&project.root)
        .args([command, "--quiet", "--message-format", format])
        .args(["--package", &project.package])
        .envs(variables.iter().copied())
        .stdout(Stdio::piped());
    match arguments {
        [] => check.args(["--all-features", "--lib", "--bins"]),
        arguments => check.args(arguments),
    };
    if !lints.is_empty() {
        check.arg("--").args(lints);
    }
    let mut running = check.spawn().context("cannot run cargo")?;
    let answers = Answers::new(project);
    for line in BufReader::new(running.stdout.take().context("cargo has no output")?).lines() {
        let line: Line = serde_json::from_str(&line?).context("cargo says what is no JSON")?;
        if let Some(message) = line.message {
            eprint!("{}", message.rendered.as_deref().unwrap_or_default());
            if let Some(answer) = answers.to(&message) {
                eprintln!("{answer}\n");
            }
        }
    }
    Ok(running.wait()?.success())
}

struct Answers<'a> {
    root: &'a Path,
    /// The domain of each Rust type, by the type's last name.
    domains: BTreeMap<&'a str, &'a str>,
}

/// The domains that one type alone stands for: an `i64` or a `Decimal` says nothing of a domain.
fn domains(types: &BTreeMap<String, String>) -> BTreeMap<&str, &str> {
    let named = types.iter().filter_map(|(domain, rust)| {
        let (_, name) = rust.rsplit_once("::")?;
        let others = types.values().filter(|other| *other == rust).count();
        let plain = name.chars().all(|c| c.is_alphanumeric() || c == '_');
        (plain && others == 1).then_some((name, domain.as_str()))
    });
    named.collect()
}

#[test]
fn a_type_of_several_domains_or_of_none_is_no_answer() {
    let types = [
        ("order_id", "crate::OrderId"),
        ("usd", "::sqlx::types::Decimal"),
        ("share", "::sqlx::types::Decimal"),
        ("volume", "i64"),
        ("order_id[]", "&[crate::OrderId]"),
    ];
    let types = types.map(|(domain, rust)| (domain.to_owned(), rust.to_owned()));
    assert_eq!(domains(&types.into()), [("OrderId", "order_id")].into());
}

impl<'a> Answers<'a> {
    fn new(project: &'a Project) -> Self {
        Self {
            root: &project.root,
            domains: domains(&project.declared.types),
        }
    }

    fn to(&self, message: &Message) -> Option<String> {
        if message.message.contains("to use query macros online")
            || message.message.contains("no cached data for this query")
        {
            return Some(
                "  = answer: run `cargo checked-pg prepare`, which needs no database of yours"
                    .to_owned(),
            );
        }
        self.forgotten_cast(message)
    }

    /// `expected `Uuid`, found `NoteId``, at an argument whose placeholder is not cast.
    fn forgotten_cast(&self, message: &Message) -> Option<String> {
        let span = message.spans.iter().find(|span| span.is_primary)?;
        let label = span.label.as_deref().unwrap_or(&message.message);
        let found = label.split_once("found ")?.1;
        let list = found.contains('[') || found.contains("Vec");
        let domain = found
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .find_map(|word| self.domains.get(word))?;
        let (number, sql) = self.argument(span)?;
        let cast = format!("${number}::{domain}{}", if list { "[]" } else { "" });
        let tokens = tokens(&sql);
        let bare = tokens.iter().enumerate().any(|(at, token)| {
            token.text == format!("${number}")
                && tokens.get(at + 1).is_none_or(|next| next.text != "::")
        });
        bare.then(|| {
            format!(
                "  = answer: write `{cast}` in the statement: of a bare `${number}` PostgreSQL knows only the type below the domain"
            )
        })
    }

    /// Which argument of a query macro stands at a place, and the statement.
    fn argument(&self, span: &Span) -> Option<(usize, String)> {
        // The compiler names it from the workspace's folder, which may be one further up.
        let mut paths = self
            .root
            .ancestors()
            .map(|folder| folder.join(&span.file_name));
        let text = fs::read_to_string(paths.find(|path| path.is_file())?).ok()?;
        let calls = source::calls_in(&span.file_name, &text).ok()?;
        calls.into_iter().find_map(|call| {
            let at = call.args.iter().position(|argument| {
                syn::spanned::Spanned::span(argument)
                    .byte_range()
                    .contains(&span.byte_start)
            })?;
            Some((at + 1, call.sql))
        })
    }
}
