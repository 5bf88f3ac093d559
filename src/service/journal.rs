//! What was recorded wrongly, put right: the journal of events is only ever added to, so an event is voided or corrected by another
//! one, and stays readable itself.
//!
//! Each event is replaced at most once. A correction that is itself wrong is corrected, or voided, in its turn.

use rust_decimal::Decimal;

use super::performance::trade::trades;
use crate::{
    db::{Db, Tx},
    documents::{Correction, Event, EventDocument, Void},
    error::{Error, Result},
    repo::{
        events::{self, NewEvent, TradeEvent},
        rows::{Replay, readable},
    },
    types::{Account, EventId, FarPrices, Timestamp, WeekId, far_apart},
};

/// The type of a [`Void`].
const VOID: &str = "VOID";

/// What happened instead of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Instead {
    /// Week of the trade.
    pub week_id: WeekId,
    /// Account it happened in.
    pub account: Account,
    /// An [`Event::Entry`] or an [`Event::Exit`].
    pub event: Event,
    /// When it happened.
    pub occurred_at: Timestamp,
}

/// Says of an event that it did not happen, and gives the id of the event that says so.
///
/// # Errors
/// [`Error::NotFound`] if there is no such event; [`Error::Invalid`] if it is no longer in force, and which event is, or if no
/// reason is given.
#[tracing::instrument(name = "service.journal.void", skip_all, fields(%id, %at), err(level = "debug"))]
pub async fn void(db: &Db, id: EventId, reason: &str, at: Timestamp) -> Result<EventId> {
    let document = EventDocument::new(Void::new(id, reason).into())?;
    db.transaction(async |tx| {
        let voided = in_force(&mut *tx, id).await?;
        let event = NewEvent {
            id: replacement_of(id),
            week_id: voided.week_id,
            account: voided.account,
            event_data: document.clone(),
            occurred_at: at,
        };
        events::append(tx, &event).await?;
        Ok(event.id)
    })
    .await
}

/// Puts another event in the place of one, and gives its id: the week, the account and the instant are of the new one.
///
/// # Errors
/// [`Error::NotFound`] if there is no such event; [`Error::Invalid`] if it is no longer in force, and which event is, if no reason is
/// given, if what happened instead is neither an entry nor an exit, or if its price is [far](far_apart) from another one of its trade
/// and such are refused.
#[tracing::instrument(name = "service.journal.correct", skip_all, fields(%id, ?far_prices), err(level = "debug"))]
pub async fn correct(
    db: &Db,
    id: EventId,
    reason: &str,
    instead: &Instead,
    far_prices: FarPrices,
) -> Result<EventId> {
    let document = EventDocument::new(Correction::new(id, reason, instead.event.clone()).into())?;
    db.transaction(async |tx| {
        in_force(&mut *tx, id).await?;
        let event = NewEvent {
            id: replacement_of(id),
            week_id: instead.week_id,
            account: instead.account,
            event_data: document.clone(),
            occurred_at: instead.occurred_at,
        };
        events::append(&mut *tx, &event).await?;
        if far_prices == FarPrices::Refused {
            refuse_far_prices(tx, &event).await?;
        }
        Ok(event.id)
    })
    .await
}

/// The event, if it is one that can be replaced. Its document need not be one that can be read: that may be why it is replaced.
async fn in_force(tx: &mut Tx, id: EventId) -> Result<events::Head> {
    let event = events::head(&mut *tx, id).await?;
    if event.event_type.as_str() == VOID {
        let why =
            format!("{id} is a VOID, which stays: append what happened under a key of its own");
        return Err(Error::invalid("event_id", why));
    }
    match events::find_correction(tx, id).await? {
        None => Ok(event),
        Some(later) if matches!(*later.event_data, Event::Void(_)) => {
            let why = format!("{id} was voided by {} already", later.id);
            Err(Error::invalid("event_id", why))
        }
        Some(later) => {
            let why = format!("{id} was corrected by {} already: name that one", later.id);
            Err(Error::invalid("event_id", why))
        }
    }
}

/// The one id that a replacement of this event has, so that of two at once one is refused.
fn replacement_of(id: EventId) -> EventId {
    EventId::from_key(&format!("in the place of {id}"))
}

async fn refuse_far_prices(tx: &mut Tx, new: &NewEvent) -> Result<()> {
    let doubts = doubts(tx, &[(new.account, new.week_id)]).await?;
    let of_new = |far: &&FarPrice| far.id == new.id || far.first_id == new.id;
    let Some(far) = doubts.far_prices.iter().find(of_new) else {
        return Ok(());
    };
    let (price, other, at) = match far.id == new.id {
        true => (far.price, far.first_id, far.first_price),
        false => (far.first_price, far.id, far.price),
    };
    let why = format!(
        "{price} is a thousand times that of the same trade in event {other}, {at}, or a thousandth; FarPrices::Taken takes it all the same"
    );
    Err(Error::invalid("price", why))
}

/// What is probably wrong with the trades of some weeks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Doubts {
    /// Exits that end no trade, and so count for nothing: there is no entry before them in their week.
    pub exits_without_entry: Vec<EventId>,
    /// Prices a thousand times that of the entry of their trade, or a thousandth of it.
    pub far_prices: Vec<FarPrice>,
}

/// A price far from another one of its trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FarPrice {
    /// Event.
    pub id: EventId,
    /// Its price.
    pub price: Decimal,
    /// The entry; the first exit where there is none.
    pub first_id: EventId,
    /// Its price.
    pub first_price: Decimal,
}

/// Looks for what is probably wrong with the trades of these accounts and weeks, as the transaction sees them.
#[tracing::instrument(name = "service.journal.doubts", skip_all, fields(weeks = weeks.len()), err(level = "debug"))]
pub async fn doubts(tx: &mut Tx, weeks: &[(Account, WeekId)]) -> Result<Doubts> {
    let events = match events::trades_of(&mut *tx, weeks).await {
        // What can be told is told of the others.
        Err(Error::Decode(_)) => {
            let list = |replay: Replay| events::trades_of(replay, weeks);
            events::sorted(readable(tx, list).await?.rows)
        }
        events => events?,
    };
    let same_trade =
        |a: &TradeEvent, b: &TradeEvent| (a.account, a.week_id) == (b.account, b.week_id);
    let far_prices = events.chunk_by(same_trade).flat_map(far_prices).collect();
    Ok(Doubts {
        far_prices,
        exits_without_entry: trades(events).exits_without_entry,
    })
}

fn far_prices(trade: &[TradeEvent]) -> Vec<FarPrice> {
    let prices: Vec<(EventId, &Event, Decimal)> = trade
        .iter()
        .filter_map(|event| {
            let content = event.event.as_ref().ok()?;
            Some((event.id, content, price(content)?))
        })
        .collect();
    // The entry that counts; of a trade without one, the first exit.
    let entry = prices
        .iter()
        .find(|(_, event, _)| matches!(event, Event::Entry(_)));
    let Some(&(first_id, _, first_price)) = entry.or(prices.first()) else {
        return Vec::new();
    };
    prices
        .into_iter()
        .filter(|(_, _, price)| far_apart(*price, first_price))
        .map(|(id, _, price)| FarPrice {
            id,
            price,
            first_id,
            first_price,
        })
        .collect()
}

fn price(event: &Event) -> Option<Decimal> {
    match event {
        Event::Entry(entry) => Some(entry.price),
        Event::Exit(exit) => Some(exit.price),
        _ => None,
    }
}
