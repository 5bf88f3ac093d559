//! A review: what a model thinks of a pitch that it knows by its label only.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Content, Extra, Lenient};
use crate::types::{Invalid, Model, PitchLabel, exact};

/// A review of a pitch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// Any name for the review.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_id: Option<String>,
    /// Name under which the reviewer saw the pitch.
    pub pitch_label: PitchLabel,
    /// Name by which the reviewer calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewer_model: Option<Lenient<Model>>,
    /// The marks.
    pub scores: Scores,
    /// The strongest objection.
    pub best_argument_against: String,
    /// What would change the reviewer's mind.
    pub one_flip_condition: String,
    /// How to make the pitch better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggested_fix: Option<String>,
    /// Mean of the marks, two decimals.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "exact::option"
    )]
    pub average_score: Option<Decimal>,
    /// When the desk stored the review, UTC without an offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Review {
    /// A review with its average; fill in what else you have.
    #[must_use]
    pub fn new(
        pitch_label: PitchLabel,
        scores: Scores,
        best_argument_against: &str,
        one_flip_condition: &str,
    ) -> Self {
        Self {
            review_id: None,
            pitch_label,
            reviewer_model: None,
            average_score: Some(scores.average()),
            scores,
            best_argument_against: best_argument_against.to_owned(),
            one_flip_condition: one_flip_condition.to_owned(),
            suggested_fix: None,
            timestamp: None,
            extra: Extra::new(),
        }
    }

    /// Name under which the reviewer saw the pitch.
    #[must_use]
    pub fn pitch_label(&self) -> PitchLabel {
        self.pitch_label
    }
}

impl Content for Review {
    const DOMAIN: &'static str = "review_document";

    fn validate(&self) -> Result<(), Invalid> {
        match self.average_score {
            Some(average) if average != self.scores.average() => {
                let why = format!("must be the mean of the scores, {}", self.scores.average());
                Err(Invalid::new("average_score", why))
            }
            _ => Ok(()),
        }
    }
}

/// A mark from 1, poor, to 10, excellent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8")]
pub struct Score(u8);

impl Score {
    /// Takes `mark` if it is one.
    ///
    /// # Errors
    /// [`Invalid`] outside 1 to 10.
    pub fn new(mark: u8) -> Result<Self, Invalid> {
        match mark {
            1..=10 => Ok(Self(mark)),
            _ => Err(Invalid::new("score", "must be a whole number from 1 to 10")),
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Score {
    type Error = Invalid;

    fn try_from(mark: u8) -> Result<Self, Invalid> {
        Self::new(mark)
    }
}

/// The seven marks of a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scores {
    /// Is it clear what is proposed and why?
    pub clarity: Score,
    /// Is the edge plausible?
    pub edge_plausibility: Score,
    /// Is there a catalyst, at the right time?
    pub timing_catalyst: Score,
    /// Is the risk named?
    pub risk_definition: Score,
    /// Is the risk managed?
    pub risk_management: Score,
    /// Is it more than the consensus?
    pub originality: Score,
    /// Can it be traded?
    pub tradeability: Score,
    /// Marks this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Scores {
    /// Takes the marks in the order of the fields.
    ///
    /// # Errors
    /// [`Invalid`] if a mark is outside 1 to 10.
    pub fn new(marks: [u8; 7]) -> Result<Self, Invalid> {
        let [
            clarity,
            edge_plausibility,
            timing_catalyst,
            risk_definition,
            risk_management,
            originality,
            tradeability,
        ] = marks;
        Ok(Self {
            clarity: Score::new(clarity)?,
            edge_plausibility: Score::new(edge_plausibility)?,
            timing_catalyst: Score::new(timing_catalyst)?,
            risk_definition: Score::new(risk_definition)?,
            risk_management: Score::new(risk_management)?,
            originality: Score::new(originality)?,
            tradeability: Score::new(tradeability)?,
            extra: Extra::new(),
        })
    }

    /// Mean of the seven marks, two decimals, half to even.
    #[must_use]
    pub fn average(&self) -> Decimal {
        let marks = [
            self.clarity,
            self.edge_plausibility,
            self.timing_catalyst,
            self.risk_definition,
            self.risk_management,
            self.originality,
            self.tradeability,
        ];
        let sum: u32 = marks.iter().map(|mark| u32::from(mark.0)).sum();
        (Decimal::from(sum) / Decimal::from(marks.len())).round_dp(2)
    }
}
