//! An execution event. Its key `event_type` says which shape it has.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;

use super::{
    Content, Correction, Document, Extra, Lenient, Void,
    json::{self, positive, price, price_text},
    near_miss::near_miss,
};
use crate::types::{
    Account, Conviction, Direction, EventType, Instrument, Invalid, OrderSide, Symbol, exact,
};

/// The key that holds the type.
const TAG: &str = "event_type";

/// Declares the events: the enum, their types as text, and the way from and to JSON.
macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)?) => {
        /// What happened in an account.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Event {
            $($(#[$doc])* $variant($variant),)+
            /// An event of a type that this crate has no shape for.
            Other(OtherEvent),
        }

        impl Event {
            /// Its type.
            #[must_use]
            pub fn event_type(&self) -> EventType {
                match self {
                    $(Self::$variant(_) => EventType::literal($name),)+
                    Self::Other(event) => event.event_type,
                }
            }

            /// The types that have a shape.
            const KNOWN: &[&str] = &[$($name),+];

            fn parse_as(event_type: EventType, json: &str) -> Result<Self, Invalid> {
                match event_type.as_str() {
                    $($name => json::parse::<$variant>(json).map(|mut event| {
                        event.extra.remove(TAG);
                        Self::$variant(event)
                    }),)+
                    _ => json::parse::<Extra>(json).map(|mut body| {
                        body.remove(TAG);
                        Self::Other(OtherEvent { event_type, body })
                    }),
                }
            }
        }

        $(impl From<$variant> for Event {
            fn from(event: $variant) -> Self {
                Self::$variant(event)
            }
        })+

        impl Serialize for Event {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let event_type = self.event_type();
                match self {
                    $(Self::$variant(body) => Tagged { event_type, body }.serialize(serializer),)+
                    Self::Other(event) => Tagged { event_type, body: &event.body }.serialize(serializer),
                }
            }
        }
    };
}

events! {
    /// A position was opened.
    Entry = "ENTRY",
    /// A position was closed.
    Exit = "EXIT",
    /// An order went to the broker.
    OrderPlaced = "order_placed",
    /// An order failed and will be tried again.
    OrderRetried = "order_retried",
    /// An order failed for good.
    OrderFailed = "order_failed",
    /// The baseline account does not trade.
    BaselineAccountSkipped = "baseline_account_skipped",
    /// A trade named a nonexistent account.
    AccountValidationError = "account_validation_error",
    /// Another event no longer counts.
    Void = "VOID",
    /// This event counts in the place of another one.
    Correction = "CORRECTION",
}

#[derive(Serialize)]
struct Tagged<'a, T> {
    event_type: EventType,
    #[serde(flatten)]
    body: &'a T,
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::parse(raw.get()).map_err(de::Error::custom)
    }
}

impl Content for Event {
    const DOMAIN: &'static str = "event_document";

    fn validate(&self) -> Result<(), Invalid> {
        match self {
            Self::Entry(entry) if !entry.conviction.matches(entry.direction) => {
                let why = "must be above zero for LONG, below zero for SHORT and zero for FLAT";
                Err(Invalid::new("conviction", why))
            }
            Self::Entry(entry) => positive("price", Some(entry.price)),
            Self::Exit(exit) => positive("price", Some(exit.price)),
            Self::OrderPlaced(order) => {
                positive("limit_price", order.limit_price)?;
                positive("take_profit_price", order.take_profit_price)?;
                positive("stop_loss_price", order.stop_loss_price)
            }
            Self::Void(void) => void.validate(),
            Self::Correction(correction) => correction.validate(),
            Self::Other(event) if Self::KNOWN.contains(&event.event_type.as_str()) => {
                Err(Invalid::new(TAG, "has a shape of its own; use its variant"))
            }
            Self::Other(event) => match near_miss(event.event_type.as_str(), Self::KNOWN) {
                Some(meant) => Err(Invalid::new(TAG, format!("is not known; {meant} is"))),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn parse(json: &str) -> Result<Self, Invalid> {
        #[derive(Deserialize)]
        struct Probe {
            event_type: EventType,
        }
        let probe: Probe = json::parse(json)?;
        Self::parse_as(probe.event_type, json)
    }
}

impl Event {
    /// The document of an event whose type stands beside its body, as the old layer stored it.
    ///
    /// # Errors
    /// [`Invalid`] if the body is no object, names another type itself, or does not have the shape of the type.
    pub fn from_parts(event_type: EventType, body: &RawValue) -> Result<Document<Self>, Invalid> {
        let name = Self::DOMAIN;
        let mut body: std::collections::BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(body.get())
                .map_err(|_| Invalid::new(name, "must be a JSON object"))?;
        let tag = serde_json::value::to_raw_value(&event_type)
            .map_err(|_| Invalid::new(TAG, "is no text"))?;
        if let Some(inner) = body.insert(TAG.to_owned(), tag.clone())
            && inner.get() != tag.get()
        {
            return Err(Invalid::new(TAG, "is another one inside the body"));
        }
        let json = serde_json::to_string(&body)
            .map_err(|_| Invalid::new(name, "must be a JSON object"))?;
        Document::from_json(&json)
    }
}

/// A position was opened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Price per share, in US dollars.
    #[serde(with = "price")]
    pub price: Decimal,
    /// On which side.
    pub direction: Direction,
    /// How strongly; the sign is the direction's.
    pub conviction: Conviction,
    /// What was bought or sold short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instrument: Option<Instrument>,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Entry {
    /// An entry at `price` on the side that the sign of `conviction` tells.
    #[must_use]
    pub fn new(price: Decimal, conviction: Conviction) -> Self {
        Self {
            price,
            direction: conviction.direction(),
            conviction,
            instrument: None,
            extra: Extra::new(),
        }
    }
}

/// A position was closed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exit {
    /// Price per share, in US dollars.
    #[serde(with = "price")]
    pub price: Decimal,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Exit {
    /// An exit at `price`.
    #[must_use]
    pub fn new(price: Decimal) -> Self {
        Self {
            price,
            extra: Extra::new(),
        }
    }
}

/// An order went to the broker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderPlaced {
    /// The desk's name for the trade.
    pub trade_id: String,
    /// Ticker.
    pub symbol: Option<Lenient<Symbol>>,
    /// `buy` or `sell`.
    pub side: Lenient<OrderSide>,
    /// Shares.
    #[serde(with = "exact")]
    pub qty: Decimal,
    /// The broker's name for the order.
    #[serde(default)]
    pub order_id: Option<String>,
    /// Limit in US dollars.
    #[serde(default, with = "exact::option")]
    pub limit_price: Option<Decimal>,
    /// Price to take the profit at, in US dollars; text in JSON.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "price_text")]
    pub take_profit_price: Option<Decimal>,
    /// Price to stop the loss at, in US dollars; text in JSON.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "price_text")]
    pub stop_loss_price: Option<Decimal>,
    /// The how many-th try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// On which side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// How strongly.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "exact::option"
    )]
    pub conviction: Option<Decimal>,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// An order failed and will be tried again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderRetried {
    /// The desk's name for the trade.
    pub trade_id: String,
    /// Ticker.
    pub symbol: Option<Lenient<Symbol>>,
    /// On which side.
    pub direction: Option<Direction>,
    /// The how many-th try.
    pub attempt: u32,
    /// Why it failed.
    pub error: String,
    /// Kind of the failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// An order failed for good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderFailed {
    /// The desk's name for the trade.
    pub trade_id: String,
    /// Ticker.
    pub symbol: Option<Lenient<Symbol>>,
    /// Why it failed.
    pub error: String,
    /// On which side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// How often it was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// Kind of the failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    /// Shares.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "exact::option"
    )]
    pub qty: Option<Decimal>,
    /// How strongly.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "exact::option"
    )]
    pub conviction: Option<Decimal>,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The baseline account does not trade.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaselineAccountSkipped {
    /// The desk's name for the trade.
    pub trade_id: String,
    /// Ticker.
    pub symbol: Option<Lenient<Symbol>>,
    /// On which side.
    pub direction: Option<Direction>,
    /// Why.
    pub reason: String,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A trade named a nonexistent account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountValidationError {
    /// The desk's name for the trade.
    pub trade_id: String,
    /// The account that was named.
    pub invalid_account: String,
    /// The accounts that there are.
    pub valid_accounts: Vec<Lenient<Account>>,
    /// Ticker.
    pub symbol: Option<Lenient<Symbol>>,
    /// On which side.
    pub direction: Option<Direction>,
    /// Why.
    pub reason: String,
    /// Keys this type does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// An event of a type that this crate has no shape for.
#[derive(Debug, Clone, PartialEq)]
pub struct OtherEvent {
    /// Its type; not one of those that have a shape.
    pub event_type: EventType,
    /// What it says.
    pub body: Extra,
}
