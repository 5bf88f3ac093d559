//! A case: one mistake beside its mend, and what it is about in the `//!` lines at its head.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{file_name, project};

/// Who rejects a mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The compiler, which needs no database.
    Rustc,
    /// A lint, which `just check` runs.
    Clippy,
    /// The rules over the sources, a test of `just check`.
    SourceCheck,
    /// PostgreSQL, whose message the macro shows.
    Database,
    /// What `prepare` reads off the server's parse tree.
    Prepare,
    /// Tests, which the case names: what they tell compiles.
    Test,
}

impl Stage {
    fn parse(word: &str) -> Result<Self> {
        Ok(match word {
            "rustc" => Self::Rustc,
            "clippy" => Self::Clippy,
            "source check" => Self::SourceCheck,
            "database" => Self::Database,
            "prepare" => Self::Prepare,
            "test" => Self::Test,
            _ => bail!(
                "a stage is rustc, clippy, source check, database, prepare or test, not {word:?}"
            ),
        })
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Rustc => "rustc",
            Self::Clippy => "clippy",
            Self::SourceCheck => "source check",
            Self::Database => "database",
            Self::Prepare => "prepare",
            Self::Test => "test",
        }
    }

    /// The folder of its cases below `tests/ui`.
    const fn folder(self) -> &'static str {
        match self {
            Self::Rustc | Self::Clippy | Self::SourceCheck => "typed",
            Self::Database => "live",
            Self::Prepare => "prepared",
            Self::Test => "tested",
        }
    }
}

#[derive(Debug)]
pub struct Case {
    /// The file without its ending, which is the name of the compiled target.
    pub name: String,
    pub file: PathBuf,
    /// The file as the project names it.
    pub place: String,
    pub text: String,
    /// The mistake in words.
    pub mistake: String,
    /// What it stands for: mistakes of the guide's first table, or such as `defect 5` or `gotcha 1`.
    pub covers: Vec<String>,
    /// What the old layer did at run time.
    pub symptom: String,
    pub stage: Stage,
    /// The tests that prove a case of [`Stage::Test`], such as `verify::drift::each_change_of_the_schema_is_told`.
    pub tests: Vec<String>,
    /// Parts of the message, all of which must be there.
    pub expect: Vec<String>,
}

/// All cases, folder by folder.
pub fn all() -> Result<Vec<Case>> {
    let folders = ["typed", "live", "prepared", "tested"].map(read);
    let cases: Result<Vec<_>> = folders.into_iter().collect();
    Ok(cases?.into_iter().flatten().collect())
}

/// All cases of a folder below `tests/ui`, by name.
pub fn read(folder: &str) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    let path = project("tests/ui").join(folder).canonicalize()?;
    for entry in fs::read_dir(&path)? {
        let file = entry?.path();
        let place = format!("tests/ui/{folder}/{}", file_name(&file)?);
        let text = fs::read_to_string(&file)?;
        let case = parse(&place, &file, &text).with_context(|| place.clone())?;
        ensure!(
            [case.stage.folder(), "faulty"].contains(&folder),
            "{place}: a case of stage {} is in tests/ui/{}",
            case.stage.name(),
            case.stage.folder()
        );
        cases.push(case);
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}

fn parse(place: &str, file: &Path, text: &str) -> Result<Case> {
    let header = |key: &str| -> Vec<String> {
        text.lines()
            .map_while(|line| line.strip_prefix("//! "))
            .filter_map(|line| line.strip_prefix(key)?.strip_prefix(": "))
            .map(str::to_owned)
            .collect()
    };
    let one = |key: &str| {
        let mut values = header(key);
        let value = values.pop().with_context(|| format!("no `//! {key}: …`"))?;
        ensure!(values.is_empty(), "more than one `//! {key}: …`");
        Ok(value)
    };
    let (stage, tests) = (Stage::parse(&one("stage")?)?, header("test"));
    ensure!(
        (stage == Stage::Test) != tests.is_empty(),
        "a case names a `//! test: …` if its stage is test, and only then"
    );
    // Not every mistake that a test tells is one of Rust.
    let both = text.contains("#[cfg(mistake)]") && text.contains("#[cfg(not(mistake))]");
    ensure!(
        both || stage == Stage::Test,
        "a case has a #[cfg(mistake)] and a #[cfg(not(mistake))]"
    );
    let expect = header("expect");
    ensure!(!expect.is_empty(), "no `//! expect: …`");
    let name = file_name(file)?.strip_suffix(".rs");
    Ok(Case {
        name: name.context("a case is an .rs file")?.to_owned(),
        file: file.to_owned(),
        place: place.to_owned(),
        text: text.to_owned(),
        mistake: one("mistake")?,
        covers: one("covers")?.split("; ").map(str::to_owned).collect(),
        symptom: one("symptom")?,
        stage,
        tests,
        expect,
    })
}
