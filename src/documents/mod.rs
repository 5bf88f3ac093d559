//! The JSONB documents, one file each, typed when written and when read.
//!
//! A [`Document`] holds its content read-only and is valid when it is made: [`Document::new`] and reading JSON check every
//! rule and name the field that breaks one. What comes out of the database must have the shape, but old rows that break a
//! rule that was made later can still be read.
//!
//! Prices, percentages and convictions are exact decimals, digit for digit. Keys that a type does not know survive a round
//! trip in its `extra`; a number in there is an `f64` like any other number of `serde_json`.
//!
//! A document of your own is a type with [`Content`] over a domain of your own; `docs/adding-a-query.md` shows how.

mod correction;
mod decision;
mod event;
pub(crate) mod json;
mod lenient;
mod log;
mod near_miss;
mod pitch;
mod pitch_reviews;
mod research;
mod review;
mod words;

pub use checked_pg::document::{Content, Document, Extra, HasDocumentType, UntypedJsonb};
pub use correction::{Correction, Void};
pub use decision::{Decision, DecisionForm, Dissent, MonitoringPlan, SelectedTrade};
pub use event::{
    AccountValidationError, BaselineAccountSkipped, Entry, Event, Exit, OrderFailed, OrderPlaced,
    OrderRetried, OtherEvent,
};
pub use json::OneOrMany;
pub use lenient::Lenient;
pub use log::LogData;
pub use pitch::{
    EntryPolicy, ExitPolicy, ModelInfo, Pitch, PitchV1, PitchV2, RiskProfile, TechnicalReading,
};
pub use pitch_reviews::{PitchReview, PitchReviews};
pub use research::{
    AssetSetup, CalendarEvent, ConfidenceNotes, MacroRegime, Narrative, NarrativeDetail, Research,
    TradableCandidate, WeeklyGraph,
};
pub use review::{Review, Score, Scores};
pub use words::{EntryMode, Horizon};

/// A pitch, of the domain `pitch_document`.
pub type PitchDocument = Document<Pitch>;
/// A review, of the domain `review_document`.
pub type ReviewDocument = Document<Review>;
/// The reviews of a pitch, of the domain `pitch_reviews_document`.
pub type PitchReviewsDocument = Document<PitchReviews>;
/// A decision, of the domain `decision_document`.
pub type DecisionDocument = Document<Decision>;
/// A research report, of the domain `research_document`.
pub type ResearchDocument = Document<Research>;
/// An execution event, of the domain `event_document`.
pub type EventDocument = Document<Event>;
/// The values of a log entry, of the domain `log_document`.
pub type LogDocument = Document<LogData>;
