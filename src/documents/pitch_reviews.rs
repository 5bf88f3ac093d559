//! The reviews of a pitch, as the statement that reads the pitch returns them with it.

use serde::{Deserialize, Serialize};

use super::{Content, Extra, Review, json::canonical};
use crate::types::{Invalid, Model, PitchLabel, ReviewId};

/// The reviews of a pitch, by reviewer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PitchReviews(pub Vec<PitchReview>);

/// A review of the pitch that it comes with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PitchReview {
    /// Stays when the review is saved again.
    #[serde(deserialize_with = "canonical")]
    pub id: ReviewId,
    /// Model that reviewed.
    pub reviewer_model: Model,
    /// Name under which the reviewer saw the pitch.
    pub pitch_label: PitchLabel,
    /// The review.
    pub review_data: Review,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Content for PitchReviews {
    const DOMAIN: &'static str = "pitch_reviews_document";

    fn validate(&self) -> Result<(), Invalid> {
        for (n, review) in self.0.iter().enumerate() {
            let within = |e: Invalid| e.within(&format!("[{n}].review_data"));
            review.review_data.validate().map_err(within)?;
        }
        Ok(())
    }
}
