//! The two events that are about another one: the journal is only ever added to, so this is how it is put right.

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::RawValue;

use super::{Event, Extra, json::canonical};
use crate::types::{EventId, Invalid};

/// An event did not happen: it no longer counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Void {
    /// The event.
    #[serde(deserialize_with = "canonical")]
    pub event_id: EventId,
    /// Why, for whoever reads the journal later.
    pub reason: String,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A trade happened otherwise: this event counts in its place, with its own account, week and instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Correction {
    /// The event that it replaces.
    #[serde(deserialize_with = "canonical")]
    pub event_id: EventId,
    /// Why, for whoever reads the journal later.
    pub reason: String,
    /// What happened instead: an [`Event::Entry`] or an [`Event::Exit`].
    #[serde(deserialize_with = "trade")]
    pub event: Box<Event>,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Void {
    /// Voids the event, for this reason.
    #[must_use]
    pub fn new(event_id: EventId, reason: impl Into<String>) -> Self {
        Self {
            event_id,
            reason: reason.into(),
            extra: Extra::new(),
        }
    }

    pub(super) fn validate(&self) -> Result<(), Invalid> {
        has_reason(&self.reason)
    }
}

impl Correction {
    /// Replaces the event by another one, for this reason.
    #[must_use]
    pub fn new(event_id: EventId, reason: impl Into<String>, event: impl Into<Event>) -> Self {
        Self {
            event_id,
            reason: reason.into(),
            event: Box::new(event.into()),
            extra: Extra::new(),
        }
    }

    pub(super) fn validate(&self) -> Result<(), Invalid> {
        has_reason(&self.reason)?;
        if !is_trade(&self.event) {
            return Err(Invalid::new("event", NOT_A_TRADE));
        }
        super::Content::validate(&*self.event).map_err(|e| e.within("event"))
    }
}

const NOT_A_TRADE: &str = "must be an ENTRY or an EXIT; void any other event and append it anew";

fn is_trade(event: &Event) -> bool {
    matches!(event, Event::Entry(_) | Event::Exit(_))
}

fn has_reason(reason: &str) -> Result<(), Invalid> {
    match reason.trim() {
        "" => Err(Invalid::new("reason", "must not be empty")),
        _ => Ok(()),
    }
}

fn trade<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<Event>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    // The event is read by itself, which begins to count its levels anew.
    let in_a_list = format!("[{}]", raw.get());
    serde_json::from_str::<serde_json::Value>(&in_a_list).map_err(de::Error::custom)?;
    let event = <Event as super::Content>::parse(raw.get()).map_err(de::Error::custom)?;
    match is_trade(&event) {
        true => Ok(Box::new(event)),
        false => Err(de::Error::custom(NOT_A_TRADE)),
    }
}
