//! A pitch: the trade that a model proposes for a week.

mod policy;
mod v1;

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;

pub use policy::{EntryPolicy, ExitPolicy, ModelInfo, RiskProfile};
pub use v1::{PitchV1, TechnicalReading};

use super::{
    Content, EntryMode, Extra, Horizon, Lenient,
    json::{self, positive},
};
use crate::types::{Conviction, Direction, Instrument, Invalid, Model, Symbol, WeekId};

/// How far a percentage may be from that of its risk profile.
const TOLERANCE: Decimal = Decimal::from_parts(1, 0, 0, false, 4);

/// A pitch in either form.
#[derive(Debug, Clone, PartialEq)]
pub enum Pitch {
    /// The current form.
    V2(Box<PitchV2>),
    /// The first form, of older rows.
    V1(Box<PitchV1>),
}

impl Pitch {
    /// Week the trade is for.
    #[must_use]
    pub fn week_id(&self) -> WeekId {
        match self {
            Self::V2(pitch) => pitch.week_id,
            Self::V1(pitch) => pitch.week_id,
        }
    }

    /// What to trade.
    #[must_use]
    pub fn instrument(&self) -> Instrument {
        match self {
            Self::V2(pitch) => pitch.selected_instrument,
            Self::V1(pitch) => pitch.instrument,
        }
    }

    /// On which side.
    #[must_use]
    pub fn direction(&self) -> Direction {
        match self {
            Self::V2(pitch) => pitch.direction,
            Self::V1(pitch) => pitch.direction,
        }
    }

    /// How strongly.
    #[must_use]
    pub fn conviction(&self) -> Conviction {
        match self {
            Self::V2(pitch) => pitch.conviction,
            Self::V1(pitch) => pitch.conviction,
        }
    }

    /// The arguments.
    #[must_use]
    pub fn thesis_bullets(&self) -> &[String] {
        match self {
            Self::V2(pitch) => &pitch.thesis_bullets,
            Self::V1(pitch) => &pitch.thesis_bullets,
        }
    }
}

impl From<PitchV2> for Pitch {
    fn from(pitch: PitchV2) -> Self {
        Self::V2(Box::new(pitch))
    }
}

impl From<PitchV1> for Pitch {
    fn from(pitch: PitchV1) -> Self {
        Self::V1(Box::new(pitch))
    }
}

impl Content for Pitch {
    const DOMAIN: &'static str = "pitch_document";

    fn validate(&self) -> Result<(), Invalid> {
        if self.thesis_bullets().is_empty() {
            return Err(Invalid::new(
                "thesis_bullets",
                "needs at least one argument",
            ));
        }
        if !self.conviction().matches(self.direction()) {
            let why = "must be above zero for LONG, below zero for SHORT and zero for FLAT";
            return Err(Invalid::new("conviction", why));
        }
        let flat = self.direction() == Direction::Flat;
        if flat != (self.instrument() == Instrument::Flat) {
            return Err(Invalid::new(
                "direction",
                "FLAT goes with the instrument FLAT and with no other",
            ));
        }
        match self {
            Self::V2(pitch) if flat => pitch.validate_flat(),
            Self::V2(pitch) => pitch.validate_trade(),
            Self::V1(pitch) => positive("entry_price", pitch.entry_price),
        }
    }

    /// The current form has `selected_instrument`, which the first form lacks; almost every document is of the current one.
    /// An untagged enum would tell, too, but turn the numbers into floats.
    fn parse(json: &str) -> Result<Self, Invalid> {
        #[derive(Deserialize)]
        struct Probe {
            selected_instrument: Option<de::IgnoredAny>,
            instrument: Option<de::IgnoredAny>,
        }
        if let Ok(current) = serde_json::from_str(json) {
            return Ok(Self::V2(current));
        }
        let probe: Probe = json::parse(json)?;
        if probe.selected_instrument.is_none() && probe.instrument.is_some() {
            json::parse(json).map(Self::V1)
        } else {
            json::parse(json).map(Self::V2)
        }
    }
}

impl Serialize for Pitch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::V2(pitch) => pitch.serialize(serializer),
            Self::V1(pitch) => pitch.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Pitch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::parse(raw.get()).map_err(de::Error::custom)
    }
}

/// A pitch in the current form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PitchV2 {
    /// Any name for the idea.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idea_id: Option<String>,
    /// Week the trade is for.
    pub week_id: WeekId,
    /// When the model pitched, New York time as the model wrote it; empty if an old row does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub asof_et: String,
    /// Name by which the model calls itself; any text, since a model makes it up.
    pub pm_model: String,
    /// What to trade.
    pub selected_instrument: Instrument,
    /// On which side.
    pub direction: Direction,
    /// For how long, `1W`.
    pub horizon: Lenient<Horizon>,
    /// How strongly; the sign is the direction's.
    pub conviction: Conviction,
    /// How much room the trade gets.
    #[serde(default)]
    pub risk_profile: Option<RiskProfile>,
    /// The arguments, three to five; at least one to be written, and none only in an old row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thesis_bullets: Vec<String>,
    /// How to get in.
    pub entry_policy: EntryPolicy,
    /// How to get out; `None` when flat.
    #[serde(default)]
    pub exit_policy: Option<ExitPolicy>,
    /// How the pitch stands to each research report: agree, disagree or neutral.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consensus_map: Option<BTreeMap<String, String>>,
    /// What could go wrong.
    pub risk_notes: String,
    /// Key of the model, added by the desk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Lenient<Model>>,
    /// Who the model is, added by the desk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_info: Option<ModelInfo>,
    /// When the desk stored the pitch, UTC without an offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl PitchV2 {
    /// A trade with the exits of `profile` and a stop after seven days. Times and notes are empty; fill what you have.
    #[must_use]
    pub fn trade(
        week_id: WeekId,
        pm_model: &str,
        symbol: Symbol,
        conviction: Conviction,
        profile: RiskProfile,
        thesis_bullets: Vec<String>,
    ) -> Self {
        let exit_policy = profile
            .percentages()
            .map(|(stop_loss, take_profit)| ExitPolicy {
                time_stop_days: Some(7),
                stop_loss_pct: Some(stop_loss),
                take_profit_pct: Some(take_profit),
                exit_before_events: Vec::new(),
                extra: Extra::new(),
            });
        Self {
            selected_instrument: symbol.into(),
            direction: conviction.direction(),
            conviction,
            risk_profile: Some(profile),
            entry_policy: EntryPolicy::with_mode(EntryMode::Limit),
            exit_policy,
            ..Self::flat(week_id, pm_model, thesis_bullets)
        }
    }

    /// No trade this week.
    #[must_use]
    pub fn flat(week_id: WeekId, pm_model: &str, thesis_bullets: Vec<String>) -> Self {
        Self {
            idea_id: None,
            week_id,
            asof_et: String::new(),
            pm_model: pm_model.to_owned(),
            selected_instrument: Instrument::Flat,
            direction: Direction::Flat,
            horizon: Horizon::ONE_WEEK.capital().into(),
            conviction: Conviction::ZERO,
            risk_profile: None,
            thesis_bullets,
            entry_policy: EntryPolicy::with_mode(EntryMode::None),
            exit_policy: None,
            consensus_map: None,
            risk_notes: String::new(),
            model: None,
            model_info: None,
            timestamp: None,
            extra: Extra::new(),
        }
    }

    fn validate_flat(&self) -> Result<(), Invalid> {
        if !matches!(self.risk_profile, None | Some(RiskProfile::None)) {
            return Err(Invalid::new(
                "risk_profile",
                "must be NONE or absent when flat",
            ));
        }
        if self
            .exit_policy
            .as_ref()
            .is_some_and(|exit| exit.stop_loss_pct.is_some())
        {
            return Err(Invalid::new(
                "exit_policy",
                "must be null or empty when flat",
            ));
        }
        match &self.entry_policy.mode {
            None | Some(Lenient::Known(EntryMode::None)) => Ok(()),
            Some(_) => Err(Invalid::new(
                "entry_policy.mode",
                "must be NONE or null when flat",
            )),
        }
    }

    fn validate_trade(&self) -> Result<(), Invalid> {
        if self.entry_policy.mode != Some(EntryMode::Limit.into()) {
            return Err(Invalid::new(
                "entry_policy.mode",
                "must be limit for a trade",
            ));
        }
        positive("entry_policy.limit_price", self.entry_policy.limit_price)?;
        let profile = self.risk_profile.and_then(RiskProfile::percentages);
        let Some((stop_loss, take_profit)) = profile else {
            return Err(Invalid::new(
                "risk_profile",
                "must be TIGHT, BASE or WIDE for a trade",
            ));
        };
        let Some(exit) = &self.exit_policy else {
            return Err(Invalid::new("exit_policy", "is required for a trade"));
        };
        let Some(actual) = exit.stop_loss_pct else {
            return Err(Invalid::new(
                "exit_policy.stop_loss_pct",
                "is required for a trade",
            ));
        };
        near("exit_policy.stop_loss_pct", actual, stop_loss)?;
        exit.take_profit_pct.map_or(Ok(()), |actual| {
            near("exit_policy.take_profit_pct", actual, take_profit)
        })
    }
}

fn near(field: &'static str, actual: Decimal, expected: Decimal) -> Result<(), Invalid> {
    if (actual - expected).abs() <= TOLERANCE {
        return Ok(());
    }
    Err(Invalid::new(
        field,
        format!("must be {expected} for this risk_profile"),
    ))
}
