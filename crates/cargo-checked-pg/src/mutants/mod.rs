//! Mutation testing of what no type tells: mistakes of meaning in the statements, and weaker rules in the migrations.
//!
//! The tests are compiled once. A mistake is a text that the kit for tests sends in place of another one, so each mutant is a run of
//! the same binary with another value of `CHECKED_PG_MUTANT`. A first run without a mistake records which test executes which
//! statement; a mutant is then run with those tests, and with all of them if those let it pass.
//!
//! What PostgreSQL or the rules of `prepare` refuse is no mutant of the tests'. Neither is a migration that leads to the same schema.

mod kinds;
mod meaning;
mod migrations;
mod probe;
mod report;
mod runs;
mod shape;
pub mod text;

#[cfg(test)]
mod fixtures;

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

pub use self::kinds::Kind;
use self::{probe::Probe, report::Outcome, runs::Tests};
use crate::{Project, check::source, migrations::list};

/// What `cargo checked-pg mutants` is asked for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Only each so many-th mutant of a kind; 0 and 1 are all.
    pub every: usize,
    /// Only mutants whose name has this in it.
    pub named: Option<String>,
    /// Says what mutants there are, and runs nothing.
    pub list: bool,
    /// Only tests whose names have one of these in them are run; all if there is none.
    pub tests: Vec<String>,
    /// Tests whose names have one of these in them are not run.
    pub skipped: Vec<String>,
    /// Arguments for `cargo test`.
    pub cargo: Vec<String>,
}

/// A text that the server is sent in place of another one.
#[derive(Debug, Clone)]
pub struct Mutant {
    /// The function of the statement, or the file of the migration.
    pub place: String,
    pub kind: Kind,
    /// For people; with place and kind, the name of the mutant.
    pub change: String,
    pub from: String,
    pub to: String,
    /// What the tests that notice it have to do with: the statement itself, or tables and domains of a migration.
    pub about: Vec<String>,
    pub fate: Fate,
}

impl Mutant {
    /// Names the mutant in lists.
    pub fn name(&self) -> String {
        format!("{} | {} | {}", self.place, self.kind.name(), self.change)
    }
}

/// What became of a mutant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fate {
    /// PostgreSQL refuses it.
    Refused,
    /// The rules of `prepare` refuse it.
    Prepare,
    /// A migration that leads to the same schema.
    Same,
    /// A test fails, or does not end.
    Killed,
    #[default]
    Survived,
}

/// Makes the mutants of a crate, and sees which of them its tests notice.
pub async fn run(project: &Project, request: &Request) -> Result<Outcome> {
    let mut mutants = statements(project).await?;
    mutants.extend(migrations::mutants(project)?);
    if let Some(part) = &request.named {
        mutants.retain(|mutant| mutant.name().contains(part));
    }
    sample(&mut mutants, request.every);
    let mut probe = Probe::open(project).await?;
    for mutant in &mut mutants {
        mutant.fate = probe.fate(mutant).await?;
    }
    probe.close().await?;
    let left = mutants.iter().filter(|m| m.fate == Fate::Survived).count();
    eprintln!(
        "{} mutants, of which {left} are for the tests",
        mutants.len()
    );
    if request.list {
        for mutant in &mutants {
            println!("{:?} | {}", mutant.fate, mutant.name());
        }
        return Outcome::of(project, Vec::new());
    }
    if left > 0 {
        Tests::build(project, request)?.run(&mut mutants)?;
    }
    Outcome::of(project, mutants)
}

/// The mistakes of meaning in the statements of the query cache.
async fn statements(project: &Project) -> Result<Vec<Mutant>> {
    let calls = source::calls_below(&project.root, "src")?;
    let mut places: BTreeMap<String, String> = BTreeMap::new();
    for call in calls {
        places.entry(call.sql).or_insert(call.place);
    }
    ensure!(!places.is_empty(), "the crate has no statements");
    let shape = shape::Shape::of(project).await?;
    let mut mutants = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for (sql, place) in &places {
        for mistake in meaning::mistakes(sql, &shape) {
            let to = text::edited(sql, &mistake.edits);
            // Two operators may come to the same, and one statement may stand in two places.
            if to == *sql || !seen.insert((sql.clone(), to.clone())) {
                continue;
            }
            mutants.push(Mutant {
                place: place.clone(),
                kind: mistake.kind,
                change: mistake.change,
                about: vec![sql.clone()],
                from: sql.clone(),
                to,
                fate: Fate::default(),
            });
        }
    }
    Ok(mutants)
}

/// Every so many-th of each kind.
fn sample(mutants: &mut Vec<Mutant>, every: usize) {
    let mut seen: BTreeMap<Kind, usize> = BTreeMap::new();
    mutants.retain(|mutant| {
        let n = seen.entry(mutant.kind).or_default();
        *n += 1;
        (*n - 1).is_multiple_of(every.max(1))
    });
}

/// The texts of the migrations, by file.
fn migration_texts(project: &Project) -> Result<Vec<(String, String)>> {
    let read = |path: std::path::PathBuf| {
        let name = crate::migrations::file_name(&path)?.to_owned();
        let text = std::fs::read_to_string(&path).with_context(|| name.clone())?;
        Ok((name, text))
    };
    list(&project.root)?.into_iter().map(read).collect()
}
