//! The first form of a pitch, which older rows have.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::RiskProfile;
use crate::{
    documents::{EntryMode, Extra, Horizon, Lenient, json},
    types::{Conviction, Direction, Instrument, Model, WeekId, exact},
};

/// A pitch in the first form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PitchV1 {
    /// Any name for the idea.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idea_id: Option<String>,
    /// Week the trade is for.
    pub week_id: WeekId,
    /// Key of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Lenient<Model>>,
    /// What to trade; this form writes NONE for flat.
    #[serde(serialize_with = "flat_as_none")]
    pub instrument: Instrument,
    /// On which side.
    pub direction: Direction,
    /// For how long, `1w`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub horizon: Option<Lenient<Horizon>>,
    /// The arguments.
    pub thesis_bullets: Vec<String>,
    /// `limit` or `NONE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_mode: Option<Lenient<EntryMode>>,
    /// Limit in US dollars.
    #[serde(default, with = "exact::option")]
    pub entry_price: Option<Decimal>,
    /// How much room the trade gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk_profile: Option<RiskProfile>,
    /// Event before which to get out.
    #[serde(default)]
    pub exit_event: Option<String>,
    /// Technical readings the pitch rests on.
    #[serde(
        default,
        deserialize_with = "json::or_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub indicators: Vec<TechnicalReading>,
    /// What would prove it wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalidation: Option<String>,
    /// How strongly; the sign is the direction's.
    pub conviction: Conviction,
    /// When the model pitched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A technical reading of a pitch in the first form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TechnicalReading {
    /// Name of the indicator.
    pub name: String,
    /// Its value, a number or a text.
    pub value: Value,
    /// What the model reads from it.
    pub interpretation: String,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

fn flat_as_none<S: Serializer>(instrument: &Instrument, serializer: S) -> Result<S::Ok, S::Error> {
    match instrument {
        Instrument::Flat => serializer.serialize_str("NONE"),
        Instrument::Symbol(symbol) => symbol.serialize(serializer),
    }
}
