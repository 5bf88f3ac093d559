//! A week of the council, stored whole or not at all.

use crate::{
    db::{Db, Isolation, TxOptions},
    documents::DecisionDocument,
    error::Result,
    repo::{
        decisions::{self, StoredDecision},
        pitches::{self, NewPitch, PitchWithReviews},
        research::{self, Report},
        reviews::{self, Round},
    },
    types::{DecisionId, Invalid, PitchId, ReviewId, Timestamp, WeekId},
};

/// What a week of the council made.
#[derive(Debug, Clone, PartialEq)]
pub struct CouncilWeek {
    /// The research reports.
    pub research: Vec<Report>,
    /// What the models proposed.
    pub pitches: Vec<NewPitch>,
    /// What they thought of one another's proposals; also names the week and the research.
    pub round: Round,
    /// What the chairman chose.
    pub decision: DecisionDocument,
}

/// Ids of what was saved, in the order it was given.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct SavedWeek {
    /// Of the pitches.
    pub pitches: Vec<PitchId>,
    /// Of the reviews.
    pub reviews: Vec<ReviewId>,
    /// Of the decision.
    pub decision: DecisionId,
}

/// A week of the council as stored.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct StoredWeek {
    /// The newest report of each provider.
    pub research: Vec<Report>,
    /// The pitches, by model, each with its reviews.
    pub pitches: Vec<PitchWithReviews>,
    /// The decision, newest research first.
    pub decisions: Vec<StoredDecision>,
}

/// Saves a week in one transaction. Saving it again replaces what is given again and keeps its ids; a pitch of a model that
/// does not pitch any more stays, since events may rest on it.
///
/// # Errors
/// [`Error::Invalid`](crate::error::Error::Invalid) if a report is of another week; those of [`pitches::save`], [`reviews::save_round`] and [`decisions::save`]; nothing is stored then.
#[tracing::instrument(name = "service.council.save", skip_all, fields(week = %council.round.week), err(level = "debug"))]
pub async fn save(db: &Db, council: &CouncilWeek, at: Timestamp) -> Result<SavedWeek> {
    let Round {
        week,
        research_date,
        ..
    } = council.round;
    if let Some(report) = council
        .research
        .iter()
        .find(|report| report.week_id != week)
    {
        let why = format!("a report is for week {}, not {week}", report.week_id);
        return Err(Invalid::new("research.week_id", why).into());
    }
    db.transaction(async |tx| -> Result<SavedWeek> {
        for report in &council.research {
            research::save(&mut *tx, report).await?;
        }
        Ok(SavedWeek {
            pitches: pitches::save(&mut *tx, week, research_date, &council.pitches, at).await?,
            reviews: reviews::save_round(&mut *tx, &council.round, at).await?,
            decision: decisions::save(tx, week, research_date, &council.decision, at).await?,
        })
    })
    .await
}

/// Loads a week as of one instant: the pitches and reviews of one research round, or of none given; the reports and decisions
/// are those of the whole week.
#[tracing::instrument(name = "service.council.load", skip_all, fields(%week), err(level = "debug"))]
pub async fn load(db: &Db, week: WeekId, research_date: Option<Timestamp>) -> Result<StoredWeek> {
    let options = TxOptions::new()
        .isolation(Isolation::RepeatableRead)
        .read_only();
    db.transaction_with(options, async |tx| -> Result<StoredWeek> {
        Ok(StoredWeek {
            research: research::latest_by_provider(&mut *tx, week).await?,
            pitches: pitches::with_reviews(&mut *tx, week, research_date).await?,
            decisions: decisions::of_week(tx, week).await?,
        })
    })
    .await
}
