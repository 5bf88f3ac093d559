//! Orders for trades, written down before they go to the broker (table `trade_orders`).
//!
//! An order has an id made from its trade and the attempt: [`OrderId::of_attempt`]. It is written down before it is sent and is sent
//! with that id, so whoever does not know whether it was sent asks the broker for the id, and sends the same order again, not a
//! second one.
//!
//! | function | flights | index |
//! |---|---|---|
//! | [`write_down`] | 1, or 2 if it is there already | primary key |
//! | [`get`], [`advance`] | 1 | primary key |
//! | [`of_trade`] | 1 | `trade_orders_attempt_key` |
//! | [`find_by_broker_id`] | 1 | `trade_orders_broker_key` |

use sqlx::PgExecutor;

use super::batch::storable;
use crate::{
    db::Queryable,
    error::{Error, Result},
    types::{OrderId, OrderSide, OrderStatus, Price, Quantity, Timestamp, TradeId},
};

/// An order to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewOrder {
    /// Trade it is for.
    pub trade_id: TradeId,
    /// The how many-th order of the trade, from 1.
    pub attempt: i32,
    /// Whether it buys or sells.
    pub side: OrderSide,
    /// Shares.
    pub quantity: Quantity,
    /// Limit in US dollars; `None` at the market's price.
    pub limit_price: Option<Price>,
}

/// An order as stored.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Order {
    /// The client's id of the order at the broker.
    pub id: OrderId,
    /// Trade it is for.
    pub trade_id: TradeId,
    /// The how many-th order of the trade, from 1.
    pub attempt: i32,
    /// Whether it buys or sells.
    pub side: OrderSide,
    /// Shares.
    pub quantity: Quantity,
    /// Limit in US dollars; `None` at the market's price.
    pub limit_price: Option<Price>,
    /// How far it is.
    pub status: OrderStatus,
    /// The broker's id of the order, once it has one.
    pub broker_order_id: Option<String>,
    /// What the broker said about it last.
    pub message: Option<String>,
    /// When it was written down.
    pub created_at: Timestamp,
    /// When its status last changed.
    pub updated_at: Timestamp,
}

/// What the broker says about an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// How far it is.
    pub status: OrderStatus,
    /// The broker's id; `None` keeps the one that is known.
    pub broker_order_id: Option<String>,
    /// What else it says.
    pub message: Option<String>,
}

/// Writes an order down, to be sent with the id that comes back. Of an order that is there already with the same content it is the
/// same id, and nothing changes.
///
/// # Errors
/// [`Error::Invalid`] if this attempt of the trade was written down with other content; [`Error::Conflict`] on `trade_orders_trade_fkey` if
/// there is no such trade, on `trade_orders_attempt_counted` if the attempt is below 1.
#[tracing::instrument(name = "db.orders.write_down", skip_all, fields(trade = %order.trade_id, attempt = order.attempt), err(level = "debug"))]
pub async fn write_down(
    mut db: impl Queryable,
    order: &NewOrder,
    at: Timestamp,
) -> Result<OrderId> {
    let id = OrderId::of_attempt(order.trade_id, order.attempt);
    let added = sqlx::query!(
        r#"
        INSERT INTO trade_orders (id, trade_id, attempt, side, quantity, limit_price, status, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, 'sending', $7, $7)
        ON CONFLICT (id) DO NOTHING
        "#,
        id,
        order.trade_id,
        order.attempt,
        order.side,
        order.quantity,
        order.limit_price,
        at,
    )
    .execute(db.executor())
    .await?;
    if added.rows_affected() == 1 {
        return Ok(id);
    }
    let stored = get(db.executor(), id).await?;
    let same = (stored.side, stored.quantity, stored.limit_price)
        == (order.side, order.quantity, order.limit_price);
    match same {
        true => Ok(id),
        false => {
            let why = format!(
                "attempt {} of trade {} is stored with other content; it is attempt {} that may differ",
                order.attempt,
                order.trade_id,
                order.attempt.saturating_add(1)
            );
            Err(Error::invalid("attempt", why))
        }
    }
}

/// Fetches one order.
///
/// # Errors
/// [`Error::NotFound`] if no order has this id.
#[tracing::instrument(name = "db.orders.get", skip_all, fields(%id), err(level = "debug"))]
pub async fn get(db: impl PgExecutor<'_>, id: OrderId) -> Result<Order> {
    sqlx::query_as!(
        Order,
        r#"
        SELECT id, trade_id, attempt, side, quantity, limit_price, status, broker_order_id, message, created_at, updated_at
        FROM trade_orders
        WHERE id = $1::order_id
        "#,
        id,
    )
    .fetch_optional(db)
    .await?
    .ok_or_else(|| Error::not_found("order", id))
}

/// The orders of a trade, by attempt.
#[tracing::instrument(name = "db.orders.of_trade", skip_all, fields(%trade), err(level = "debug"))]
pub async fn of_trade(db: impl PgExecutor<'_>, trade: TradeId) -> Result<Vec<Order>> {
    let orders = sqlx::query_as!(
        Order,
        r#"
        SELECT id, trade_id, attempt, side, quantity, limit_price, status, broker_order_id, message, created_at, updated_at
        FROM trade_orders
        WHERE trade_id = $1::trade_id
        ORDER BY attempt
        "#,
        trade,
    )
    .fetch_all(db)
    .await?;
    Ok(orders)
}

/// The order with an id of the broker.
#[tracing::instrument(name = "db.orders.find_by_broker_id", skip_all, err(level = "debug"))]
pub async fn find_by_broker_id(
    db: impl PgExecutor<'_>,
    broker_order_id: &str,
) -> Result<Option<Order>> {
    storable("broker_order_id", broker_order_id)?;
    let order = sqlx::query_as!(
        Order,
        r#"
        SELECT id, trade_id, attempt, side, quantity, limit_price, status, broker_order_id, message, created_at, updated_at
        FROM trade_orders
        WHERE broker_order_id = $1
        "#,
        broker_order_id,
    )
    .fetch_optional(db)
    .await?;
    Ok(order)
}

/// Stores what the broker says about an order that is being sent or placed; false if it is filled, cancelled or rejected already:
/// what came later is an answer of before.
///
/// # Errors
/// [`Error::NotFound`] if no order has this id; [`Error::Conflict`] on `trade_orders_known_to_broker` if an order is placed or filled
/// without an id of the broker, on `trade_orders_broker_key` if another order has that id.
#[tracing::instrument(name = "db.orders.advance", skip_all, fields(%id, status = %answer.status), err(level = "debug"))]
pub async fn advance(
    mut db: impl Queryable,
    id: OrderId,
    answer: &Answer,
    at: Timestamp,
) -> Result<bool> {
    storable("broker_order_id", answer.broker_order_id.as_deref())?;
    storable("message", answer.message.as_deref())?;
    let advanced = sqlx::query!(
        r#"
        UPDATE trade_orders
        SET status = $2, broker_order_id = COALESCE($3, broker_order_id), message = $4, updated_at = $5
        WHERE id = $1::order_id AND status IN ('sending', 'placed')
        "#,
        id,
        answer.status,
        answer.broker_order_id,
        answer.message,
        at,
    )
    .execute(db.executor())
    .await?;
    if advanced.rows_affected() == 1 {
        return Ok(true);
    }
    get(db.executor(), id).await.map(|_| false)
}
