//! How far a run is.

use std::fmt;

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Moves the old tables.
    Moving,
    /// Runs the migrations.
    Migrating,
    /// Copies the old rows.
    Reading {
        /// How many there are.
        rows: u64,
    },
    /// Makes new rows of them.
    Converting,
    /// Looks at every document.
    Judging,
    /// Writes the new rows.
    Writing,
    /// Makes the proofs.
    Proving,
    /// Computes returns and correlations from the bars.
    Deriving,
    /// Compares them with the old ones.
    Comparing,
    /// Is within the step that was told last: so much of it is done.
    Within {
        /// Rows, or dates of correlations.
        done: u64,
        /// All of them.
        of: u64,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reading { rows } => return write!(f, "reading {rows} old rows"),
            Self::Within { done, of } => return write!(f, "{done} of {of}"),
            _ => {}
        }
        f.write_str(match self {
            Self::Moving => "moving the old tables",
            Self::Migrating => "running the migrations",
            Self::Reading { .. } => "reading the old rows",
            Self::Converting => "converting them",
            Self::Judging => "looking at every document",
            Self::Writing => "writing the new rows",
            Self::Proving => "proving that nothing was lost",
            Self::Deriving => "computing returns and correlations",
            Self::Within { .. } => "at work",
            Self::Comparing => "comparing them with the old ones",
        })
    }
}
