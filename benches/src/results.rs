//! What came out, and how it compares.

use std::time::Duration;

use crate::{
    measure::{Sample, median},
    workload::{ALL, OURS, P99_LIMIT, TOKIO_POSTGRES, W7, Workload},
};

/// The rounds of one peer on one workload, and its flights per operation.
pub struct Cell {
    pub workload: &'static str,
    pub peer: &'static str,
    pub rounds: Vec<Sample>,
    pub flights: Option<f64>,
}

/// Everything that was measured.
#[derive(Default)]
pub struct Results(pub Vec<Cell>);

/// A target and what became of it.
pub struct Verdict {
    pub workload: &'static str,
    pub what: String,
    pub wanted: String,
    pub reached: String,
    pub met: bool,
}

impl Results {
    pub fn cell(&self, workload: &str, peer: &str) -> Option<&Cell> {
        self.0
            .iter()
            .find(|cell| cell.workload == workload && cell.peer == peer)
    }

    pub fn cell_mut(&mut self, workload: &'static str, peer: &'static str) -> &mut Cell {
        let found = self
            .0
            .iter()
            .position(|cell| cell.workload == workload && cell.peer == peer);
        let at = found.unwrap_or_else(|| {
            self.0.push(Cell {
                workload,
                peer,
                rounds: Vec::new(),
                flights: None,
            });
            self.0.len() - 1
        });
        &mut self.0[at]
    }

    /// Our rate by a peer's, round by round; the median of that.
    pub fn ratio(&self, workload: &str, peer: &str) -> Option<f64> {
        self.paired(workload, OURS, peer, |sample| Some(sample.rate))
    }

    fn paired(
        &self,
        workload: &str,
        above: &str,
        below: &str,
        value: impl Fn(&Sample) -> Option<f64>,
    ) -> Option<f64> {
        let (above, below) = (self.cell(workload, above)?, self.cell(workload, below)?);
        let rounds = above.rounds.iter().zip(&below.rounds);
        median(rounds.filter_map(|(a, b)| Some(value(a)? / value(b)?)))
    }

    /// Every target of which both sides were measured.
    pub fn verdicts(&self) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        for workload in ALL {
            for target in workload.targets {
                verdicts.extend(self.verdict(
                    workload.id,
                    workload.id,
                    target.peer,
                    target.at_least,
                ));
            }
        }
        verdicts.extend(self.verdict("W7", "W1", W7.peer, W7.at_least));
        let seconds = |time: Option<Duration>| Some(time?.as_secs_f64());
        let p99 = self.paired("W1x16", OURS, TOKIO_POSTGRES, |sample| seconds(sample.p99));
        verdicts.extend(p99.map(|ratio| Verdict {
            workload: "W1x16",
            what: format!("p99 of {TOKIO_POSTGRES}"),
            wanted: format!("≤ {P99_LIMIT:.2}"),
            reached: format!("{ratio:.2}"),
            met: ratio <= P99_LIMIT,
        }));
        verdicts
    }

    fn verdict(
        &self,
        label: &'static str,
        workload: &str,
        peer: &str,
        at_least: f64,
    ) -> Option<Verdict> {
        let ratio = self.ratio(workload, peer)?;
        Some(Verdict {
            workload: label,
            what: format!("rate of {peer}"),
            wanted: format!("≥ {at_least:.2}"),
            reached: format!("{ratio:.2}"),
            met: ratio >= at_least,
        })
    }
}

impl Cell {
    pub fn median(&self, value: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        median(self.rounds.iter().filter_map(value))
    }
}

/// The workloads of which something was measured.
pub fn measured(results: &Results) -> impl Iterator<Item = &'static Workload> {
    ALL.iter()
        .filter(|workload| results.0.iter().any(|cell| cell.workload == workload.id))
}
