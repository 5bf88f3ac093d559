//! The compile-fail suite: every mistake of `tests/ui` must be rejected with the message that its head expects, and its mend
//! must compile.

mod case;
mod guide;
mod package;

use std::path::Path;

use anyhow::{Result, ensure};

use case::{Case, Stage};
use package::{Message, Messages, Package};

use crate::{migrated_server, rules, source};

/// Runs all cases; with `write` it also renews the table in the guide, else it fails if that is stale.
pub async fn run(write: bool) -> Result<()> {
    let mut cases = case::read("typed")?;
    cases.extend(case::read("live")?);
    guide::update(&cases, write)?;
    // Cases that are wrong on purpose prove, in every run, that a wrong case is noticed.
    let faulty = case::read("faulty")?;
    let all: Vec<&Case> = cases.iter().chain(&faulty).collect();

    let server = migrated_server().await?;
    let package = Package::write(&all, server.url())?;
    let mistakes = package.check(true)?;
    let mends = package.check(false)?;
    server.stop()?;

    let findings: Vec<String> = cases
        .iter()
        .filter_map(|case| fault(case, &mistakes, &mends))
        .collect();
    ensure!(
        findings.is_empty(),
        "{} of {} cases:\n{}",
        findings.len(),
        cases.len(),
        findings.join("\n")
    );
    for case in &faulty {
        let found = fault(case, &mistakes, &mends).unwrap_or_default();
        ensure!(
            found.contains(&case.symptom),
            "{} must be reported as {:?}, and was: {found:?}",
            case.place,
            case.symptom
        );
    }
    eprintln!(
        "{} mistakes rejected, their mends compile; {} faulty cases noticed",
        cases.len(),
        faulty.len()
    );
    Ok(())
}

/// What is wrong with a case, naming its file.
fn fault(case: &Case, mistakes: &Messages, mends: &Messages) -> Option<String> {
    let of = |messages: &'_ Messages| -> String {
        let texts = messages.get(&case.name).into_iter().flatten();
        texts.map(|message| message.text.as_str()).collect()
    };
    let mend = of(mends);
    if !mend.is_empty() {
        return Some(format!(
            "{}: the mend does not compile:\n{mend}",
            case.place
        ));
    }
    let said = mistakes.get(&case.name).map_or(&[][..], Vec::as_slice);
    if case.stage == Stage::SourceCheck {
        return if said.is_empty() {
            source_check(case)
        } else {
            Some(format!(
                "{}: the mistake does not compile, so that no rule needs to find it:\n{}",
                case.place,
                of(mistakes)
            ))
        };
    }
    if said.is_empty() {
        return Some(format!("{}: the mistake compiles", case.place));
    }
    let expected = |message: &Message| {
        case.expect.iter().all(|part| message.text.contains(part)) && is_of(case.stage, message)
    };
    (!said.iter().any(expected)).then(|| {
        format!(
            "{}: no message of stage {} has {:?}, but:\n{}",
            case.place,
            case.stage.name(),
            case.expect,
            of(mistakes)
        )
    })
}

/// The rules see the mistake and the mend at once: they must have one finding.
fn source_check(case: &Case) -> Option<String> {
    let findings = match source::calls_in(Path::new(&case.place), &case.text) {
        Ok(calls) => rules::findings(&calls),
        Err(error) => return Some(format!("{}: {error:#}", case.place)),
    };
    let expected = |finding: &String| {
        case.expect
            .iter()
            .all(|part| finding.contains(part.as_str()))
    };
    let one = findings.len() == 1 && findings.iter().all(expected);
    (!one).then(|| {
        format!(
            "{}: the rules must find {:?} once, and found:\n{}",
            case.place,
            case.expect,
            findings.join("\n")
        )
    })
}

fn is_of(stage: Stage, message: &Message) -> bool {
    let lint = message.code.starts_with("clippy::");
    let database = message.text.contains("error returned from database");
    match stage {
        Stage::Rustc => !lint && !database,
        Stage::Clippy => lint,
        Stage::Database => database,
        Stage::SourceCheck => false,
    }
}
