//! The compile-fail suite: every mistake of `tests/ui` must be rejected with the message that its head expects, and its mend
//! must compile. What no compiler can tell is rejected by a test, which must be there and pass.

pub mod case;
mod guide;
mod package;
mod prepared;
mod tested;

use std::{collections::BTreeMap, path::Path};

use anyhow::{Result, ensure};

use case::{Case, Stage};
use package::{Message, Messages, Package};
use prepared::Prepared;
use tested::Tests;

use crate::{migrated_server, rules, source};

/// Runs all cases; with `write` it also renews the table in the guide, else it fails if that is stale.
pub async fn run(write: bool) -> Result<()> {
    let cases = case::all()?;
    guide::update(&cases, write)?;
    // Cases that are wrong on purpose prove, in every run, that a wrong case is noticed.
    let faulty = case::read("faulty")?;
    let all: Vec<&Case> = cases.iter().chain(&faulty).collect();

    let server = migrated_server().await?;
    let package = Package::write(&all, server.url())?;
    let said = Said {
        mistakes: package.check(true)?,
        mends: package.check(false)?,
        prepared: Prepared::run(&all, &server).await?,
        tests: Tests::run(&all)?,
    };
    server.stop()?;

    let findings: Vec<String> = cases.iter().filter_map(|case| said.fault(case)).collect();
    ensure!(
        findings.is_empty(),
        "{} of {} cases:\n{}",
        findings.len(),
        cases.len(),
        findings.join("\n")
    );
    for case in &faulty {
        let found = said.fault(case).unwrap_or_default();
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

/// What the compiler, the lints, the database and the tests said.
struct Said {
    mistakes: Messages,
    mends: Messages,
    prepared: Prepared,
    tests: Tests,
}

impl Said {
    /// What is wrong with a case, naming its file.
    fn fault(&self, case: &Case) -> Option<String> {
        let place = &case.place;
        let (mistake, mend) = (text(case, &self.mistakes), text(case, &self.mends));
        if !mend.is_empty() {
            return Some(format!("{place}: the mend does not compile:\n{mend}"));
        }
        match (case.stage, mistake.is_empty()) {
            (Stage::SourceCheck, true) => source_check(case),
            (Stage::Prepare, true) => self.prepared.fault(case),
            (Stage::Test, true) => self.tests.fault(case),
            (Stage::SourceCheck | Stage::Prepare | Stage::Test, false) => Some(format!(
                "{place}: the mistake does not compile, so that nothing else needs to find it:\n{mistake}"
            )),
            (_, true) => Some(format!("{place}: the mistake compiles")),
            (_, false) => unexpected(case, &self.mistakes),
        }
    }
}

/// All that was said of a case.
fn text(case: &Case, messages: &Messages) -> String {
    let said = messages.get(&case.name).into_iter().flatten();
    said.map(|message| message.text.as_str()).collect()
}

/// The messages, if none is the expected one.
fn unexpected(case: &Case, messages: &Messages) -> Option<String> {
    let said = || {
        let said = messages.get(&case.name).into_iter().flatten();
        said.filter(|message| is_of(case.stage, message))
    };
    let of_one = |message: &Message| case.expect.iter().all(|part| message.text.contains(part));
    // A case of lints may hold several mistakes, each with a message of its own.
    let of_each = || {
        let told = |part: &String| said().any(|message| message.text.contains(part));
        case.stage == Stage::Clippy && case.expect.iter().all(told)
    };
    (!said().any(of_one) && !of_each()).then(|| {
        format!(
            "{}: no message of stage {} has {:?}, but:\n{}",
            case.place,
            case.stage.name(),
            case.expect,
            text(case, messages)
        )
    })
}

/// The rules see the mistake and the mend at once: they must have one finding.
fn source_check(case: &Case) -> Option<String> {
    let types = BTreeMap::new();
    let known = rules::Known {
        allowed: &[],
        types: &types,
    };
    let findings = match source::calls_in(Path::new(&case.place), &case.text) {
        Ok(calls) => rules::findings(&calls, known),
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
        Stage::SourceCheck | Stage::Prepare | Stage::Test => false,
    }
}
