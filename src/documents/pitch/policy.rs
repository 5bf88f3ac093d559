//! How a pitch gets in and out, and who made it.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{
    documents::{EntryMode, Extra, Lenient, json},
    types::{Account, exact},
};

/// How much room a trade gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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

/// From text alone: serde's own way also takes `{"TIGHT": null}`, which the domain refuses.
impl<'de> Deserialize<'de> for RiskProfile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "TIGHT" => Ok(Self::Tight),
            "BASE" => Ok(Self::Base),
            "WIDE" => Ok(Self::Wide),
            "NONE" => Ok(Self::None),
            _ => Err(de::Error::custom(
                "expected one of `TIGHT`, `BASE`, `WIDE`, `NONE`",
            )),
        }
    }
}

/// How to get in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntryPolicy {
    /// `limit`, or `NONE` when flat.
    pub mode: Option<Lenient<EntryMode>>,
    /// Limit in US dollars; `None` for the market's price.
    #[serde(default, with = "exact::option")]
    pub limit_price: Option<Decimal>,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl EntryPolicy {
    pub(super) fn with_mode(mode: EntryMode) -> Self {
        Self {
            mode: Some(mode.into()),
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
    #[serde(
        default,
        deserialize_with = "json::or_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub exit_before_events: Vec<String>,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Who a model is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Full name, such as `openai/gpt-5.1`, as its provider has it; any text.
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
