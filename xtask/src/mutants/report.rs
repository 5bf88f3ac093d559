//! What became of the mutants: for the terminal and for `docs/guarantees.md`.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Result, ensure};

use super::{Mutant, Operator};
use crate::{commit, score};

const KNOWN: &str = include_str!("known.txt");

/// What became of the mutants.
struct Outcome<'a> {
    /// All that differ from the original.
    mutants: Vec<&'a Mutant>,
    /// Survivors that nobody could tell from the original.
    same: Vec<&'a Mutant>,
    /// Survivors that one could.
    survivors: Vec<&'a Mutant>,
    /// Mistakes of types that only a test tells.
    late: Vec<&'a Mutant>,
    /// Why they survive, by name.
    reasons: BTreeMap<&'static str, &'static str>,
}

impl<'a> Outcome<'a> {
    fn of(mutants: &'a [Mutant]) -> Self {
        let lines = KNOWN.lines().filter(|line| !line.starts_with('#'));
        let reasons: BTreeMap<_, _> = lines.filter_map(|line| line.rsplit_once(" | ")).collect();
        let is_same = |mutant: &&Mutant| {
            let reason = reasons.get(mutant.name().as_str());
            mutant.fate.survives() && reason.is_some_and(|reason| reason.starts_with("same:"))
        };
        let (same, mutants): (Vec<_>, Vec<_>) = mutants.iter().partition(is_same);
        let those = |wanted: fn(&Mutant) -> bool| {
            let wanted = mutants.iter().copied().filter(|mutant| wanted(mutant));
            wanted.collect()
        };
        Self {
            survivors: those(|mutant| mutant.fate.survives()),
            late: those(|mutant| {
                mutant.mistake.typed && mutant.fate.test && !mutant.fate.before_tests()
            }),
            mutants,
            same,
            reasons,
        }
    }

    /// A mutant with its reason, if there is one.
    fn line(&self, mutant: &Mutant) -> String {
        let name = mutant.name();
        match self.reasons.get(name.as_str()) {
            Some(reason) => format!("{name}: {reason}"),
            None => name,
        }
    }
}

/// Prints the report, writes it down if asked to, and fails if a mutant survives that should not.
pub fn give(
    mutants: &[Mutant],
    stride: usize,
    took: Duration,
    publish: Option<String>,
) -> Result<()> {
    let outcome = Outcome::of(mutants);
    println!("{}\n{took:.0?}", table(&outcome.mutants));
    for mutant in outcome.survivors.iter().chain(&outcome.same) {
        println!("survives: {}", outcome.line(mutant));
    }
    for mutant in &outcome.late {
        println!("only a test tells: {}", mutant.name());
    }
    if let Some(date) = publish {
        ensure!(stride == 1, "only a full run is published");
        score::publish("mutation", &published(&date, &outcome, took)?)?;
    }
    let late = outcome.late.len();
    ensure!(late == 0, "only a test tells {late} mistakes of types");
    let unknown = |mutant: &&&Mutant| {
        let known = outcome.reasons.contains_key(mutant.name().as_str());
        mutant.mistake.typed || !known
    };
    let unknown = outcome.survivors.iter().filter(unknown).count();
    ensure!(
        unknown == 0,
        "{unknown} mutants survive that are not known to"
    );
    let survives = |name: &&str| {
        let mut survivors = outcome.survivors.iter().chain(&outcome.same);
        survivors.any(|mutant| mutant.name() == **name)
    };
    let gone: Vec<&str> = outcome
        .reasons
        .keys()
        .copied()
        .filter(|name| !survives(name))
        .collect();
    ensure!(
        stride > 1 || gone.is_empty(),
        "known.txt lists what does not survive:\n{}",
        gone.join("\n")
    );
    Ok(())
}

/// How many mutants each check rejects.
#[derive(Default)]
struct Score {
    mutants: usize,
    offline: usize,
    live: usize,
    source: usize,
    test: usize,
    survived: usize,
}

impl Score {
    fn add(&mut self, mutant: &Mutant) {
        let fate = mutant.fate;
        self.mutants += 1;
        self.offline += usize::from(fate.offline);
        self.live += usize::from(fate.live);
        self.source += usize::from(!fate.live && fate.source);
        self.test += usize::from(!fate.before_tests() && fate.test);
        self.survived += usize::from(fate.survives());
    }

    fn row(&self, name: &str) -> String {
        let rejected = percent(self.mutants - self.survived, self.mutants);
        let before = percent(self.live + self.source, self.mutants);
        format!(
            "| {name} | {} | {} | {} | {} | {} | {} | {before} | {rejected} |\n",
            self.mutants, self.offline, self.live, self.source, self.test, self.survived
        )
    }
}

/// Rounded down: 100 % is all of them.
fn percent(part: usize, whole: usize) -> String {
    let tenths = (part * 1000).checked_div(whole).unwrap_or(1000);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

fn table(mutants: &[&Mutant]) -> String {
    let mut out = String::from(
        "| mistake | mutants | offline check | live check | source check | tests | survive | before tests | rejected |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for (typed, level) in [(true, "**of types**"), (false, "**of behaviour**")] {
        let mut sum = Score::default();
        let mut rows = String::new();
        for operator in Operator::ALL {
            let mut score = Score::default();
            for mutant in mutants {
                if mutant.mistake.operator == operator && mutant.mistake.typed == typed {
                    score.add(mutant);
                    sum.add(mutant);
                }
            }
            if score.mutants > 0 {
                rows += &score.row(operator.name());
            }
        }
        out += &sum.row(level);
        out += &rows;
    }
    let mut all = Score::default();
    mutants.iter().for_each(|mutant| all.add(mutant));
    out + &all.row("**all**")
}

/// What the page says of this result.
fn published(date: &str, outcome: &Outcome<'_>, took: Duration) -> Result<String> {
    let mut text = format!(
        "`just mutants` on {date} at commit {}: {} mutants in {} minutes. The live check and the offline check are counted \
         independently, each later check only for what the live check lets through.\n\n{}",
        commit()?,
        outcome.mutants.len(),
        took.as_secs().div_ceil(60),
        table(&outcome.mutants)
    );
    for (title, mutants) in [
        ("Survivors", &outcome.survivors),
        ("Mistakes of types that only a test tells", &outcome.late),
        (
            "Left out, because nobody could tell them from the original",
            &outcome.same,
        ),
    ] {
        if !mutants.is_empty() {
            text += &format!("\n{title}:\n\n");
        }
        for mutant in mutants {
            text += &format!("- {}\n", outcome.line(mutant));
        }
    }
    Ok(text)
}
