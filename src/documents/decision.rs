//! A decision: the trade that the chairman chose for a week.

use serde::{Deserialize, Serialize};

use super::{Content, Extra, Horizon, Lenient, json};
use crate::types::{
    Account, Conviction, DecisionId, Direction, Instrument, Invalid, Model, PitchId, WeekId,
};

/// A decision of the chairman, in the form of its schema or in the fallback form the desk writes when the chairman's answer
/// cannot be used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// A UUID, as the chairman wrote it.
    pub decision_id: Lenient<DecisionId>,
    /// Week the decision is for.
    pub week_id: WeekId,
    /// What to trade.
    pub selected_trade: SelectedTrade,
    /// How strongly; the sign is the direction's.
    pub conviction: Conviction,
    /// Why.
    pub rationale: String,
    /// Who saw it otherwise.
    #[serde(
        default,
        deserialize_with = "json::or_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub dissent_summary: Vec<Dissent>,
    /// What to watch.
    pub monitoring_plan: MonitoringPlan,
    /// Key of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Lenient<Model>>,
    /// Full name of the model, as its provider has it; any text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_id: Option<String>,
    /// Account that trades the decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// Name of that account at the broker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpaca_id: Option<String>,
    /// When the desk stored the decision, UTC without an offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// True in the fallback form.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fallback: bool,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Which of its forms a decision has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecisionForm {
    /// The chairman's own.
    Schema,
    /// The desk's, when the chairman's could not be used.
    Fallback,
}

impl Decision {
    /// A decision in the schema's form; fill in what else you have. The side of `selected_trade` must be that of the
    /// conviction's sign, and the plan must name checkpoints and invalidation triggers.
    #[must_use]
    pub fn new(
        id: DecisionId,
        week_id: WeekId,
        selected_trade: SelectedTrade,
        conviction: Conviction,
        rationale: &str,
        monitoring_plan: MonitoringPlan,
    ) -> Self {
        Self {
            decision_id: id.into(),
            week_id,
            selected_trade,
            conviction,
            rationale: rationale.to_owned(),
            dissent_summary: Vec::new(),
            monitoring_plan,
            model: None,
            model_id: None,
            account: None,
            alpaca_id: None,
            timestamp: None,
            fallback: false,
            extra: Extra::new(),
        }
    }

    /// Week the decision is for.
    #[must_use]
    pub fn week_id(&self) -> WeekId {
        self.week_id
    }

    /// Which form it has.
    #[must_use]
    pub fn form(&self) -> DecisionForm {
        if self.fallback {
            DecisionForm::Fallback
        } else {
            DecisionForm::Schema
        }
    }
}

impl Content for Decision {
    const DOMAIN: &'static str = "decision_document";

    fn validate(&self) -> Result<(), Invalid> {
        let trade = &self.selected_trade;
        if !self.conviction.matches(trade.direction) {
            let why = "must be above zero for LONG, below zero for SHORT and zero for FLAT";
            return Err(Invalid::new("conviction", why));
        }
        if trade.direction != Direction::Flat && trade.instrument == Instrument::Flat {
            return Err(Invalid::new(
                "selected_trade.instrument",
                "must be a symbol unless the direction is FLAT",
            ));
        }
        if self.monitoring_plan.checkpoints.is_empty() {
            return Err(Invalid::new(
                "monitoring_plan.checkpoints",
                "needs at least one time",
            ));
        }
        if self.form() == DecisionForm::Fallback {
            return Ok(());
        }
        if self.rationale.chars().count() < 10 {
            return Err(Invalid::new("rationale", "needs at least ten characters"));
        }
        if self.monitoring_plan.invalidation_triggers.is_empty() {
            return Err(Invalid::new(
                "monitoring_plan.invalidation_triggers",
                "needs at least one",
            ));
        }
        match trade.horizon.to_string().as_str() {
            "1d" | "3d" | "1w" => Ok(()),
            _ => Err(Invalid::new(
                "selected_trade.horizon",
                "must be 1d, 3d or 1w",
            )),
        }
    }
}

/// What to trade.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelectedTrade {
    /// The instrument; any in the fallback form, which is flat.
    pub instrument: Instrument,
    /// On which side.
    pub direction: Direction,
    /// For how long: `1d`, `3d` or `1w`.
    pub horizon: Lenient<Horizon>,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl SelectedTrade {
    /// A position in `instrument`, on the side that the sign of the conviction tells, for a week.
    #[must_use]
    pub fn new(instrument: Instrument, conviction: Conviction) -> Self {
        Self {
            instrument,
            direction: conviction.direction(),
            horizon: Horizon::ONE_WEEK.into(),
            extra: Extra::new(),
        }
    }
}

/// A view that the decision does not follow.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Dissent {
    /// Pitch it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pitch_id: Option<Lenient<PitchId>>,
    /// Model that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Lenient<Model>>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_concern: Option<String>,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What to watch while the trade is on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MonitoringPlan {
    /// Times of day, New York.
    pub checkpoints: Vec<String>,
    /// What would end the trade; absent in the fallback form.
    #[serde(
        default,
        deserialize_with = "json::or_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub invalidation_triggers: Vec<String>,
    /// What to look at.
    #[serde(
        default,
        deserialize_with = "json::or_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub key_indicators: Vec<String>,
    /// What to look at, in the fallback form.
    #[serde(
        default,
        deserialize_with = "json::or_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub watch_conditions: Vec<String>,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}
