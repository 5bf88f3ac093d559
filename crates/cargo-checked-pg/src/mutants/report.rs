//! What became of the mutants.

use std::{collections::BTreeMap, fs};

use anyhow::{Result, ensure};

use super::{Fate, Kind, Mutant};
use crate::Project;

/// Mutants that survive, and why nobody could tell them from the original: place | kind | change | reason.
const LIST: &str = "mutants.txt";

/// What became of the mutants of a crate.
pub struct Outcome {
    mutants: Vec<Mutant>,
    /// Why nobody could tell a mutant from the original, by its name.
    same: BTreeMap<String, String>,
}

impl Outcome {
    pub(super) fn of(project: &Project, mutants: Vec<Mutant>) -> Result<Self> {
        let list = fs::read_to_string(project.path(LIST)).unwrap_or_default();
        let lines = list.lines().filter(|line| !line.starts_with('#'));
        let same = lines.filter_map(|line| line.rsplit_once(" | "));
        let same = same.map(|(name, reason)| (name.to_owned(), reason.to_owned()));
        Ok(Self {
            mutants,
            same: same.collect(),
        })
    }

    /// Mutants that the tests should notice and do not.
    pub fn survivors(&self) -> Vec<&Mutant> {
        let those = self.mutants.iter();
        those
            .filter(|mutant| self.counts(mutant) && mutant.fate == Fate::Survived)
            .collect()
    }

    /// How many thousandths are rejected of those that somebody could tell from the original; rounded down.
    pub fn rejected(&self) -> usize {
        let counted = self.mutants.iter().filter(|mutant| self.counts(mutant));
        let counted = counted.count();
        ((counted - self.survivors().len()) * 1000)
            .checked_div(counted)
            .unwrap_or(1000)
    }

    /// Mutants that survive, with the reason why they are the same as the original.
    pub fn same(&self) -> Vec<(&Mutant, &str)> {
        let listed = |mutant| Some((mutant, self.reason(mutant)?));
        self.mutants.iter().filter_map(listed).collect()
    }

    fn reason(&self, mutant: &Mutant) -> Option<&str> {
        let reason = self.same.get(&mutant.name())?;
        (mutant.fate == Fate::Survived).then_some(reason.as_str())
    }

    /// Whether somebody could tell it from the original.
    fn counts(&self, mutant: &Mutant) -> bool {
        mutant.fate != Fate::Same && self.reason(mutant).is_none()
    }

    /// A row for each kind, and for all.
    pub fn table(&self) -> String {
        let mut out = String::from(
            "| mistake | mutants | PostgreSQL | `prepare` | tests | survive | rejected |\n|---|---|---|---|---|---|---|\n",
        );
        let mut row = |name: &str, mutants: &[&Mutant]| {
            let of = |fate| mutants.iter().filter(|mutant| mutant.fate == fate).count();
            let survive = of(Fate::Survived);
            // Rounded down: 100 % is all of them.
            let tenths = ((mutants.len() - survive) * 1000)
                .checked_div(mutants.len())
                .unwrap_or(1000);
            out += &format!(
                "| {name} | {} | {} | {} | {} | {survive} | {}.{} % |\n",
                mutants.len(),
                of(Fate::Refused),
                of(Fate::Prepare),
                of(Fate::Killed),
                tenths / 10,
                tenths % 10
            );
        };
        for (of_schema, title) in [(false, "**in statements**"), (true, "**in migrations**")] {
            let counted: Vec<&Mutant> = self
                .mutants
                .iter()
                .filter(|mutant| self.counts(mutant) && mutant.kind.is_of_schema() == of_schema)
                .collect();
            row(title, &counted);
            for kind in Kind::ALL
                .into_iter()
                .filter(|kind| kind.is_of_schema() == of_schema)
            {
                let of_kind: Vec<&Mutant> = counted
                    .iter()
                    .copied()
                    .filter(|mutant| mutant.kind == kind)
                    .collect();
                if !of_kind.is_empty() {
                    row(kind.name(), &of_kind);
                }
            }
        }
        out
    }

    /// Fails if a mutant survives that should not.
    ///
    /// # Errors
    /// How many do.
    pub fn verdict(&self) -> Result<()> {
        let survivors = self.survivors().len();
        ensure!(
            survivors == 0,
            "{survivors} mutants survive; write a test that tells each, or list it in {LIST} with the reason why nobody could"
        );
        Ok(())
    }
}
