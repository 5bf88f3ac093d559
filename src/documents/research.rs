//! The structured part of a research report. Models write it freely: every key is optional, and several have an old and a
//! new name or shape.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::value::MapDeserializer};
use serde_json::Value;

use super::{Content, Extra, Lenient, OneOrMany, json};
use crate::types::{Invalid, Symbol};

/// The structured part of a research report.
///
/// A report can always be read: a part that has not its shape is left in `extra`, under its own name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Research {
    /// State of the economy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub macro_regime: Option<MacroRegime>,
    /// What the market talks about.
    #[serde(
        deserialize_with = "json::or_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub top_narratives: Vec<Narrative>,
    /// What is agreed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consensus_map: Option<Value>,
    /// Instruments to look at; see [`Research::tickers`].
    #[serde(
        deserialize_with = "json::or_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub asset_setups: Vec<AssetSetup>,
    /// Instruments to look at, in the old shape.
    #[serde(
        deserialize_with = "json::or_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub tradable_candidates: Vec<TradableCandidate>,
    /// Events ahead; see [`Research::events`].
    #[serde(
        deserialize_with = "json::or_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub event_calendar: Vec<CalendarEvent>,
    /// Events ahead, under the old name.
    #[serde(
        deserialize_with = "json::or_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub event_calendar_next_7d: Vec<CalendarEvent>,
    /// Names by category.
    #[serde(
        deserialize_with = "json::or_empty",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub named_entities: BTreeMap<String, Vec<String>>,
    /// How far to trust the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence_notes: Option<ConfidenceNotes>,
    /// Graph made from the report, added by the desk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weekly_graph: Option<WeeklyGraph>,
    /// Why there is no report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Research {
    /// Events ahead, under either name.
    pub fn events(&self) -> impl Iterator<Item = &CalendarEvent> {
        self.event_calendar
            .iter()
            .chain(&self.event_calendar_next_7d)
    }

    /// Tickers of the instruments to look at, in either shape.
    pub fn tickers(&self) -> impl Iterator<Item = &Lenient<Symbol>> {
        let setups = self.asset_setups.iter().map(|setup| &setup.ticker);
        setups.chain(
            self.tradable_candidates
                .iter()
                .filter_map(TradableCandidate::ticker),
        )
    }
}

impl Research {
    /// Reads a report of which a part has not the shape that it should have: that part goes to `extra` as it is.
    fn parse_by_part(json: &str) -> Result<Self, Invalid> {
        let parts: Extra = json::parse(json)?;
        let (fitting, odd): (Extra, Extra) = parts.into_iter().partition(|(key, part)| {
            Self::deserialize(MapDeserializer::<_, serde_json::Error>::new(
                std::iter::once((key.as_str(), part)),
            ))
            .is_ok()
        });
        let mut report = Self::deserialize(Value::Object(fitting))
            .map_err(|_| Invalid::new("", "expected a report"))?;
        report.extra.extend(odd);
        Ok(report)
    }
}

impl Content for Research {
    const DOMAIN: &'static str = "research_document";

    fn validate(&self) -> Result<(), Invalid> {
        let nameless = self
            .asset_setups
            .iter()
            .position(|setup| setup.ticker == Lenient::default());
        match nameless {
            Some(n) => Err(Invalid::new(
                format!("asset_setups[{n}].ticker"),
                "must not be empty",
            )),
            None => Ok(()),
        }
    }

    fn parse(json: &str) -> Result<Self, Invalid> {
        match json::parse(json) {
            // Only a program writes a key twice, by an `extra` that repeats a field.
            Err(error) if !error.why.starts_with("duplicate field") => Self::parse_by_part(json),
            parsed => parsed,
        }
    }
}

/// State of the economy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MacroRegime {
    /// `RISK_ON`, `RISK_OFF` or `NEUTRAL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk_mode: Option<String>,
    /// Rates: `UP`, `DOWN` or `RANGE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rates_impulse: Option<String>,
    /// The dollar: `UP`, `DOWN` or `RANGE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usd_impulse: Option<String>,
    /// Growth: `UP`, `DOWN` or `RANGE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub growth_impulse: Option<String>,
    /// Inflation: `UP`, `DOWN`, `STICKY` or `RANGE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inflation_impulse: Option<String>,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What the market talks about: a name, or a name with detail. One list may mix both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Narrative {
    /// The name alone.
    Name(String),
    /// The name with detail.
    Detail(Box<NarrativeDetail>),
}

impl Narrative {
    /// The name, in either shape.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Detail(detail) => &detail.name,
        }
    }
}

/// A narrative with detail.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NarrativeDetail {
    /// The name.
    pub name: String,
    /// Why now.
    #[serde(
        default,
        deserialize_with = "json::or_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub why_this_week: Vec<String>,
    /// What would refute it.
    #[serde(
        default,
        deserialize_with = "json::or_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub falsifiers_this_week: Vec<String>,
    /// Keys this type does not know, `priced_in_vs_surprise` among them.
    #[serde(flatten)]
    pub extra: Extra,
}

/// An instrument to look at.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AssetSetup {
    /// Ticker, as the model wrote it.
    pub ticker: Lenient<Symbol>,
    /// What moves it this week.
    #[serde(
        default,
        deserialize_with = "json::or_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub this_week_drivers: Vec<String>,
    /// Levels to watch.
    #[serde(
        default,
        deserialize_with = "json::or_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub key_levels_or_observables: Vec<String>,
    /// What could go wrong.
    #[serde(
        default,
        deserialize_with = "json::or_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub failure_modes: Vec<String>,
    /// Keys this type does not know, `scenario_map` and `watch_indicators` among them.
    #[serde(flatten)]
    pub extra: Extra,
}

/// An instrument to look at, in the old shape.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TradableCandidate {
    /// Ticker, under one of its two names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticker: Option<Lenient<Symbol>>,
    /// Ticker, under the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instrument: Option<Lenient<Symbol>>,
    /// Which way it leans.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directional_bias: Option<String>,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl TradableCandidate {
    /// Ticker, under either name.
    #[must_use]
    pub fn ticker(&self) -> Option<&Lenient<Symbol>> {
        self.ticker.as_ref().or(self.instrument.as_ref())
    }
}

/// An event ahead.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CalendarEvent {
    /// Day, as the model wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Day, under the old name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_et: Option<String>,
    /// What happens.
    pub event: String,
    /// `CRITICAL`, `HIGH`, `MEDIUM` or `LOW`, in any case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impact: Option<String>,
    /// What it moves.
    #[serde(
        deserialize_with = "json::or_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub affected_assets: Vec<Lenient<Symbol>>,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// How far to trust a report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConfidenceNotes {
    /// What the model knows it does not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_unknowns: Option<OneOrMany<String>>,
    /// Doubts about the data; `research_failed` marks a report that was not made.
    #[serde(
        deserialize_with = "json::or_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub data_quality_flags: Vec<String>,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Graph of assets, events and narratives.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WeeklyGraph {
    /// Nodes, each with an `id`, a `type` and a `label`.
    #[serde(default, deserialize_with = "json::or_empty")]
    pub nodes: Vec<Extra>,
    /// Edges, each with an `id`, a `source`, a `target` and a `relation`.
    #[serde(default, deserialize_with = "json::or_empty")]
    pub edges: Vec<Extra>,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}
