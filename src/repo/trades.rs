//! Trades that the desk means to make (table `trades`).
//!
//! A trade has an id made from the caller's key, so that proposing it again adds nothing. Its status changes from what the caller
//! believes it to be: of two programs that take a trade, one gets it.
//!
//! | function | flights | index |
//! |---|---|---|
//! | [`propose`] | 1, or 2 if it is there already | primary key |
//! | [`get`], [`advance`] | 1 | primary key |
//! | [`of_week`] | 1 | `trades_week_idx` |
//! | [`list_open`] | 1 | `trades_open_idx` |

use sqlx::PgExecutor;

use crate::{
    db::Queryable,
    error::{Error, Result},
    types::{
        Account, Conviction, Direction, PitchId, Quantity, Symbol, Timestamp, TradeId, TradeStatus,
        WeekId,
    },
};

/// A trade to propose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewTrade {
    /// Made with [`TradeId::from_key`].
    pub id: TradeId,
    /// Week of the trade.
    pub week_id: WeekId,
    /// Account that trades.
    pub account: Account,
    /// Pitch it rests on, if it rests on one.
    pub pitch_id: Option<PitchId>,
    /// Ticker.
    pub symbol: Symbol,
    /// LONG or SHORT.
    pub direction: Direction,
    /// Shares, whatever the direction.
    pub quantity: Quantity,
    /// Strength of the view; its sign is the direction's.
    pub conviction: Conviction,
}

/// A trade as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Trade {
    /// Made from the caller's key.
    pub id: TradeId,
    /// Week of the trade.
    pub week_id: WeekId,
    /// Account that trades.
    pub account: Account,
    /// Pitch it rests on, if it rests on one.
    pub pitch_id: Option<PitchId>,
    /// Ticker.
    pub symbol: Symbol,
    /// LONG or SHORT.
    pub direction: Direction,
    /// Shares, whatever the direction.
    pub quantity: Quantity,
    /// Strength of the view; its sign is the direction's.
    pub conviction: Conviction,
    /// How far it is.
    pub status: TradeStatus,
    /// When it was proposed.
    pub created_at: Timestamp,
    /// When its status last changed.
    pub updated_at: Timestamp,
}

impl Trade {
    /// Whether it is the trade that was proposed, however far it has come.
    fn is(&self, proposed: &NewTrade) -> bool {
        let stored = NewTrade {
            id: self.id,
            week_id: self.week_id,
            account: self.account,
            pitch_id: self.pitch_id,
            symbol: self.symbol,
            direction: self.direction,
            quantity: self.quantity,
            conviction: self.conviction,
        };
        stored == *proposed
    }
}

/// Proposes a trade; says whether it was new. The same trade proposed again adds nothing and keeps its status.
///
/// # Errors
/// [`Error::Invalid`] if the id is taken by another trade; [`Error::Conflict`] on `trades_direction` if the direction is FLAT or not
/// that of the conviction, on `trades_pitch_fkey` if there is no such pitch.
#[tracing::instrument(name = "db.trades.propose", skip_all, fields(id = %trade.id), err(level = "debug"))]
pub async fn propose(mut db: impl Queryable, trade: &NewTrade, at: Timestamp) -> Result<bool> {
    let added = sqlx::query!(
        r#"
        INSERT INTO trades (
            id, week_id, account, pitch_id, symbol, direction, quantity, conviction, status, created_at, updated_at
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'pending', $9, $9)
        ON CONFLICT (id) DO NOTHING
        "#,
        trade.id,
        trade.week_id,
        trade.account,
        trade.pitch_id,
        trade.symbol,
        trade.direction,
        trade.quantity,
        trade.conviction,
        at,
    )
    .execute(db.executor())
    .await?;
    if added.rows_affected() == 1 {
        return Ok(true);
    }
    match get(db.executor(), trade.id).await?.is(trade) {
        true => Ok(false),
        false => {
            let why = format!(
                "trade {} is stored with other content; give this one a key of its own",
                trade.id
            );
            Err(Error::invalid("id", why))
        }
    }
}

/// Fetches one trade.
///
/// # Errors
/// [`Error::NotFound`] if no trade has this id.
#[tracing::instrument(name = "db.trades.get", skip_all, fields(%id), err(level = "debug"))]
pub async fn get(db: impl PgExecutor<'_>, id: TradeId) -> Result<Trade> {
    sqlx::query_as!(
        Trade,
        r#"
        SELECT id, week_id, account, pitch_id, symbol, direction, quantity, conviction, status, created_at, updated_at
        FROM trades
        WHERE id = $1::trade_id
        "#,
        id,
    )
    .fetch_optional(db)
    .await?
    .ok_or_else(|| Error::not_found("trade", id))
}

/// The trades of a week, by account, then by id.
#[tracing::instrument(name = "db.trades.of_week", skip_all, fields(%week), err(level = "debug"))]
pub async fn of_week(db: impl PgExecutor<'_>, week: WeekId) -> Result<Vec<Trade>> {
    let trades = sqlx::query_as!(
        Trade,
        r#"
        SELECT id, week_id, account, pitch_id, symbol, direction, quantity, conviction, status, created_at, updated_at
        FROM trades
        WHERE week_id = $1::week_id
        ORDER BY account, id
        "#,
        week,
    )
    .fetch_all(db)
    .await?;
    Ok(trades)
}

/// The trades that are pending or being executed, oldest first.
#[tracing::instrument(name = "db.trades.list_open", skip_all, err(level = "debug"))]
pub async fn list_open(db: impl PgExecutor<'_>) -> Result<Vec<Trade>> {
    let trades = sqlx::query_as!(
        Trade,
        r#"
        SELECT id, week_id, account, pitch_id, symbol, direction, quantity, conviction, status, created_at, updated_at
        FROM trades
        WHERE status IN ('pending', 'executing')
        ORDER BY created_at, id
        "#,
    )
    .fetch_all(db)
    .await?;
    Ok(trades)
}

/// Changes the status of a trade from one to another; false if it is not the first one any more, and then the caller must not go
/// on: somebody else has the trade.
///
/// # Errors
/// [`Error::NotFound`] if no trade has this id.
#[tracing::instrument(name = "db.trades.advance", skip_all, fields(%id, %from, %to), err(level = "debug"))]
pub async fn advance(
    mut db: impl Queryable,
    id: TradeId,
    from: TradeStatus,
    to: TradeStatus,
    at: Timestamp,
) -> Result<bool> {
    let advanced = sqlx::query!(
        r#"
        UPDATE trades
        SET status = $3, updated_at = $4
        WHERE id = $1::trade_id AND status = $2::trade_status
        "#,
        id,
        from,
        to,
        at,
    )
    .execute(db.executor())
    .await?;
    if advanced.rows_affected() == 1 {
        return Ok(true);
    }
    get(db.executor(), id).await.map(|_| false)
}
