//! Mutation testing of the typed statements: one mistake at a time, and which check rejects it. Mistakes of meaning are those of
//! `cargo checked-pg mutants`.
//!
//! All mutants of one stage are compiled at once, in a copy of the tree: each is a module beside the original with the
//! mistaken function, or with the whole mistaken module if the mistake is in a struct. The compiler's errors tell by their
//! lines which mutants it rejects; those are taken out and the rest is compiled again, until nothing is rejected. What is
//! left is in one test binary, whose functions pass their calls on to the mutant that an environment variable names.
//!
//! Copies without a mistake go through all of it, and must come out.

mod arguments;
mod catalog;
mod check;
mod operators;
mod report;
mod sources;
mod structs;
mod tests;
mod tree;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use anyhow::{Result, ensure};

use crate::{migrated_server, rules, source};
use cargo_checked_pg::mutants::text::Edit;
use check::Database;

/// A mistake that the tool makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operator {
    RenameColumn,
    DropColumn,
    RenameTable,
    RaisePlaceholder,
    SwapPlaceholders,
    SwapArguments,
    ArgumentType,
    FieldType,
    DocumentType,
    DropNullability,
    DropInsertColumn,
    ConflictTarget,
    Literal,
    /// No mistake: such a copy must come through.
    Control,
}

impl Operator {
    pub const ALL: [Self; 13] = [
        Self::RenameColumn,
        Self::DropColumn,
        Self::RenameTable,
        Self::RaisePlaceholder,
        Self::SwapPlaceholders,
        Self::SwapArguments,
        Self::ArgumentType,
        Self::FieldType,
        Self::DocumentType,
        Self::DropNullability,
        Self::DropInsertColumn,
        Self::ConflictTarget,
        Self::Literal,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::RenameColumn => "rename a column",
            Self::DropColumn => "drop a column from a list",
            Self::RenameTable => "rename a table",
            Self::RaisePlaceholder => "raise a placeholder",
            Self::SwapPlaceholders => "swap `$i` and `$j`",
            Self::SwapArguments => "swap two arguments",
            Self::ArgumentType => "change an argument's type",
            Self::FieldType => "change a struct field's type",
            Self::DocumentType => "change a document type",
            Self::DropNullability => "drop `?` or `!`",
            Self::DropInsertColumn => "drop a column and its value from an INSERT",
            Self::ConflictTarget => "change the conflict target",
            Self::Literal => "change a literal",
            Self::Control => "control",
        }
    }
}

/// One mistake in a statement or its surroundings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub operator: Operator,
    /// Whether the types tell; else only the behaviour does.
    pub typed: bool,
    /// For people, and the name by which a mutant is known.
    pub change: String,
    /// In the source file, in order.
    pub edits: Vec<Edit>,
}

/// What is copied for a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Function,
    Module,
}

/// A mistake at its place.
#[derive(Debug, Clone)]
pub struct Mutant {
    /// File, relative to the crate.
    pub file: PathBuf,
    /// Such as `repo::bars::latest`, or the struct's.
    pub place: String,
    pub scope: Scope,
    pub mistake: Mistake,
    pub fate: Fate,
}

impl Mutant {
    /// Names the mutant in lists.
    pub fn name(&self) -> String {
        format!(
            "{} | {} | {}",
            self.place,
            self.mistake.operator.name(),
            self.mistake.change
        )
    }

    pub fn is_control(&self) -> bool {
        self.mistake.operator == Operator::Control
    }
}

/// Which checks reject a mutant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fate {
    /// The build with the committed cache.
    pub offline: bool,
    /// The build against a database, which is what remains once the cache is refreshed.
    pub live: bool,
    /// The rules over the sources.
    pub source: bool,
    /// The tests on a server.
    pub test: bool,
}

impl Fate {
    pub fn before_tests(self) -> bool {
        self.live || self.source
    }

    pub fn survives(self) -> bool {
        !(self.before_tests() || self.test)
    }
}

/// Makes the mutants, all or every `stride`-th of each operator, and sees what rejects them.
pub async fn run(stride: usize, publish: Option<String>) -> Result<()> {
    let started = std::time::Instant::now();
    let server = migrated_server().await?;
    let sources = sources::Sources::read(&catalog::Schema::of(&server.options()).await?)?;
    let mut mutants = sampled(sources.mutants()?, stride);
    let tree = tree::Tree::create(sources)?;
    eprintln!("{} mutants and controls", mutants.len());

    check::run(&tree, &mut mutants, &Database::Cache).await?;
    check::run(&tree, &mut mutants, &Database::Live(server.url())).await?;
    obey_rules(&tree, &mut mutants)?;
    eprintln!("checks done after {:.0?}", started.elapsed());
    tests::run(&tree, &mut mutants, &server.url()).await?;
    server.stop()?;

    mutants.retain(|mutant| !mutant.is_control());
    report::give(&mutants, stride, started.elapsed(), publish)
}

/// Every `stride`-th mutant of each operator, and the controls of their places.
fn sampled(mut mutants: Vec<Mutant>, stride: usize) -> Vec<Mutant> {
    let mut seen = BTreeMap::new();
    mutants.retain(|mutant| {
        let n: &mut usize = seen.entry(mutant.mistake.operator).or_default();
        *n += 1;
        mutant.is_control() || (*n - 1).is_multiple_of(stride)
    });
    let mistaken = mutants.iter().filter(|mutant| !mutant.is_control());
    let places: BTreeSet<String> = mistaken.map(|mutant| mutant.place.clone()).collect();
    // A module's control has the module as its place.
    let at = |place: &str| {
        places.iter().any(|of| {
            of.strip_prefix(place)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        })
    };
    mutants.retain(|mutant| at(&mutant.place));
    mutants
}

/// The rules over the sources, on every mutated function.
fn obey_rules(tree: &tree::Tree, mutants: &mut [Mutant]) -> Result<()> {
    let project = crate::desk()?;
    for mutant in mutants {
        let text = tree.sources.mutated(mutant)?;
        let calls = source::calls_in(&mutant.file, &text)?;
        let findings = rules::findings(&calls, rules::Known::of(&project));
        mutant.fate.source = !findings.is_empty();
        let (place, control) = (&mutant.place, mutant.is_control());
        ensure!(
            findings.is_empty() || !control,
            "{place} breaks a rule without a mistake"
        );
    }
    Ok(())
}
