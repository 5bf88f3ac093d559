//! What callers were told of their writes, compared with what is there afterwards.

use checked_pg::error::Error;
use std::collections::BTreeMap;

/// What a caller was told of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Done,
    NotDone,
    /// The caller left, or was told that nobody knows.
    Unknown,
}

impl Said {
    pub fn of<T>(outcome: &Result<T, Error>) -> Self {
        match outcome {
            Ok(_) => Self::Done,
            Err(
                Error::CommitUnknown { .. }
                | Error::OutcomeUnknown { .. }
                | Error::Disconnected { .. },
            ) => Self::Unknown,
            Err(_) => Self::NotDone,
        }
    }
}

/// Writes by their ids, each of which is begun once.
#[derive(Debug, Default)]
pub struct History(BTreeMap<i64, Said>);

impl History {
    pub fn note(&mut self, id: i64, said: Said) {
        assert_eq!(self.0.insert(id, said), None, "{id} was begun twice");
    }

    pub fn count(&self, said: Said) -> usize {
        self.0.values().filter(|one| **one == said).count()
    }

    /// What contradicts the ids that are there, a line each.
    pub fn violations(&self, there: &[i64]) -> Vec<String> {
        let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
        for id in there {
            *counts.entry(*id).or_default() += 1;
        }
        let mut violations = Vec::new();
        for (id, count) in &counts {
            if !self.0.contains_key(id) {
                violations.push(format!("{id} is there, and nobody wrote it"));
            }
            if *count > 1 {
                violations.push(format!("{id} was applied {count} times"));
            }
        }
        for (id, said) in &self.0 {
            match (said, counts.contains_key(id)) {
                (Said::Done, false) => {
                    violations.push(format!("{id} was acknowledged and is missing"))
                }
                (Said::NotDone, true) => violations.push(format!("{id} was refused and is there")),
                _ => {}
            }
        }
        violations
    }
}

#[test]
fn each_contradiction_is_told() {
    let mut history = History::default();
    for (id, said) in [
        (1, Said::Done),
        (2, Said::NotDone),
        (3, Said::Unknown),
        (4, Said::Unknown),
        (5, Said::Done),
    ] {
        history.note(id, said);
    }
    assert_eq!(history.violations(&[5, 1, 4]), [""; 0]);
    assert_eq!(
        history.violations(&[1, 3, 4]),
        ["5 was acknowledged and is missing"]
    );
    assert_eq!(
        history.violations(&[1, 5, 2]),
        ["2 was refused and is there"]
    );
    assert_eq!(history.violations(&[1, 5, 3, 3]), ["3 was applied 2 times"]);
    assert_eq!(
        history.violations(&[1, 5, 6]),
        ["6 is there, and nobody wrote it"]
    );
}
