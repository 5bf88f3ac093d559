//! A pitch: the trade that a model proposes for a week.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Value, value::RawValue};

use super::{Content, Extra};
use crate::types::{Account, Conviction, Direction, Instrument, Invalid, Symbol, WeekId, exact};

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
    /// The current form has `selected_instrument`. Read from the text, since an untagged enum would turn its numbers into
    /// floats first.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Probe {
            selected_instrument: Option<de::IgnoredAny>,
            instrument: Option<de::IgnoredAny>,
        }
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let probe: Probe = serde_json::from_str(raw.get()).map_err(de::Error::custom)?;
        let v1 = probe.selected_instrument.is_none() && probe.instrument.is_some();
        let pitch = if v1 {
            super::parse_part(raw.get()).map(Self::V1)
        } else {
            super::parse_part(raw.get()).map(Self::V2)
        };
        pitch.map_err(de::Error::custom)
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
    /// When the model pitched, New York time as the model wrote it.
    pub asof_et: String,
    /// Name by which the model calls itself.
    pub pm_model: String,
    /// What to trade.
    pub selected_instrument: Instrument,
    /// On which side.
    pub direction: Direction,
    /// For how long, `1W`.
    pub horizon: String,
    /// How strongly; the sign is the direction's.
    pub conviction: Conviction,
    /// How much room the trade gets.
    #[serde(default)]
    pub risk_profile: Option<RiskProfile>,
    /// The arguments, three to five.
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
    pub model: Option<String>,
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
            entry_policy: EntryPolicy::with_mode("limit"),
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
            horizon: "1W".to_owned(),
            conviction: Conviction::ZERO,
            risk_profile: None,
            thesis_bullets,
            entry_policy: EntryPolicy::with_mode("NONE"),
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
        match self.entry_policy.mode.as_deref() {
            None | Some("NONE") => Ok(()),
            Some(_) => Err(Invalid::new(
                "entry_policy.mode",
                "must be NONE or null when flat",
            )),
        }
    }

    fn validate_trade(&self) -> Result<(), Invalid> {
        if self.entry_policy.mode.as_deref() != Some("limit") {
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

fn positive(field: &'static str, price: Option<Decimal>) -> Result<(), Invalid> {
    match price {
        Some(price) if price <= Decimal::ZERO => Err(Invalid::new(field, "must be above zero")),
        _ => Ok(()),
    }
}

/// How much room a trade gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RiskProfile {
    /// Stop at 1.0 %, take profit at 1.5 %.
    Tight,
    /// Stop at 1.5 %, take profit at 2.5 %.
    Base,
    /// Stop at 2.0 %, take profit at 3.5 %.
    Wide,
    /// No trade.
    None,
}

impl RiskProfile {
    /// Stop loss and take profit as fractions.
    #[must_use]
    pub fn percentages(self) -> Option<(Decimal, Decimal)> {
        let (stop_loss, take_profit) = match self {
            Self::Tight => (10, 15),
            Self::Base => (15, 25),
            Self::Wide => (20, 35),
            Self::None => return None,
        };
        Some((Decimal::new(stop_loss, 3), Decimal::new(take_profit, 3)))
    }
}

/// How to get in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntryPolicy {
    /// `limit`, or `NONE` when flat.
    pub mode: Option<String>,
    /// Limit in US dollars; `None` for the market's price.
    #[serde(default, with = "exact::option")]
    pub limit_price: Option<Decimal>,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl EntryPolicy {
    fn with_mode(mode: &str) -> Self {
        Self {
            mode: Some(mode.to_owned()),
            limit_price: None,
            extra: Extra::new(),
        }
    }
}

/// How to get out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExitPolicy {
    /// After how many days in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_stop_days: Option<u32>,
    /// At which loss, as a fraction.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "exact::option"
    )]
    pub stop_loss_pct: Option<Decimal>,
    /// At which profit, as a fraction.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "exact::option"
    )]
    pub take_profit_pct: Option<Decimal>,
    /// Before which events, of NFP, CPI and FOMC.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exit_before_events: Vec<String>,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Who a model is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Full name, such as `openai/gpt-5.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_id: Option<String>,
    /// Account that trades its pitches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// Name of that account at the broker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpaca_id: Option<String>,
    /// What it does at the desk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

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
    pub model: Option<String>,
    /// What to trade; this form writes NONE for flat.
    #[serde(serialize_with = "flat_as_none")]
    pub instrument: Instrument,
    /// On which side.
    pub direction: Direction,
    /// For how long, `1w`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub horizon: Option<String>,
    /// The arguments.
    pub thesis_bullets: Vec<String>,
    /// `limit` or `NONE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_mode: Option<String>,
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
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
}

fn flat_as_none<S: Serializer>(instrument: &Instrument, serializer: S) -> Result<S::Ok, S::Error> {
    match instrument {
        Instrument::Flat => serializer.serialize_str("NONE"),
        Instrument::Symbol(symbol) => symbol.serialize(serializer),
    }
}
