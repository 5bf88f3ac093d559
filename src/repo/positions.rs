//! Positions: what the accounts hold, as the broker last said (table `account_positions`).
//!
//! | function | flights | index |
//! |---|---|---|
//! | [`save`] | 1 | primary key |
//! | [`of_account`] | 1 | primary key |
//! | [`list`] | 1 | primary key, whole table |

use rust_decimal::Decimal;
use sqlx::PgExecutor;

use super::batch::{columns, sorted};
use crate::{
    error::Result,
    types::{Account, Direction, Price, Quantity, Symbol, Timestamp},
};

/// A position as the broker tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewPosition {
    /// Ticker.
    pub symbol: Symbol,
    /// LONG or SHORT.
    pub direction: Direction,
    /// Shares, whatever the direction.
    pub quantity: Quantity,
    /// Mean price paid or received for a share, in US dollars.
    pub avg_entry_price: Price,
    /// Price of a share now, in US dollars, if it is known.
    pub current_price: Option<Price>,
}

/// A position as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Position {
    /// Account.
    pub account: Account,
    /// Ticker.
    pub symbol: Symbol,
    /// LONG or SHORT.
    pub direction: Direction,
    /// Shares, whatever the direction.
    pub quantity: Quantity,
    /// Mean price paid or received for a share, in US dollars.
    pub avg_entry_price: Price,
    /// Price of a share at `as_of`, in US dollars, if it was known.
    pub current_price: Option<Price>,
    /// Instant of the broker's answer.
    pub as_of: Timestamp,
}

impl Position {
    /// What closing it at the current price would make, in US dollars, before fees; `None` if that price is not known, or the
    /// result has more digits than a decimal.
    #[must_use]
    pub fn unrealized(&self) -> Option<Decimal> {
        let change = self.current_price?.value() - self.avg_entry_price.value();
        let change = match self.direction {
            Direction::Short => -change,
            _ => change,
        };
        change.checked_mul(self.quantity.value())
    }
}

/// Stores what an account holds; what it held and is not among `account_positions` is gone. An answer older than what is stored of a symbol
/// changes nothing of that symbol. One statement, all or nothing.
///
/// # Errors
/// [`Error::Invalid`](crate::error::Error::Invalid) lists the symbols given twice;
/// [`Error::Conflict`](crate::error::Error::Conflict) on `account_positions_direction` if one is FLAT.
#[tracing::instrument(name = "db.positions.save", skip_all, fields(%account, rows = positions.len()), err(level = "debug"))]
pub async fn save(
    db: impl PgExecutor<'_>,
    account: Account,
    positions: &[NewPosition],
    as_of: Timestamp,
) -> Result<()> {
    let rows = sorted("positions", positions, |row| row.symbol)?;
    columns!(rows => symbol, quantity, current_price);
    let direction: Vec<_> = rows.iter().map(|row| Some(row.direction)).collect();
    let avg_entry_price: Vec<_> = rows.iter().map(|row| Some(row.avg_entry_price)).collect();
    sqlx::query!(
        r#"
        WITH gone AS (
            DELETE FROM account_positions
            WHERE account = $1::account AND symbol <> ALL($3::symbol[]) AND as_of <= $2
        )
        INSERT INTO account_positions AS old (account, symbol, direction, quantity, avg_entry_price, current_price, as_of)
        SELECT $1::account, new.symbol, new.direction, new.quantity, new.avg_entry_price, new.current_price, $2
        FROM UNNEST($3::symbol[], $4::direction[], $5::quantity[], $6::price[], $7::price[])
            AS new (symbol, direction, quantity, avg_entry_price, current_price)
        ON CONFLICT (account, symbol) DO UPDATE
        SET direction = EXCLUDED.direction,
            quantity = EXCLUDED.quantity,
            avg_entry_price = EXCLUDED.avg_entry_price,
            current_price = EXCLUDED.current_price,
            as_of = EXCLUDED.as_of
        WHERE old.as_of <= EXCLUDED.as_of
        "#,
        account,
        as_of,
        &symbol[..],
        &direction[..],
        &quantity[..],
        &avg_entry_price[..],
        &current_price[..],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What an account holds, by symbol.
#[tracing::instrument(name = "db.positions.of_account", skip_all, fields(%account), err(level = "debug"))]
pub async fn of_account(db: impl PgExecutor<'_>, account: Account) -> Result<Vec<Position>> {
    let positions = sqlx::query_as!(
        Position,
        r#"
        SELECT account, symbol, direction, quantity, avg_entry_price, current_price, as_of
        FROM account_positions
        WHERE account = $1::account
        ORDER BY symbol
        "#,
        account,
    )
    .fetch_all(db)
    .await?;
    Ok(positions)
}

/// What all accounts hold, by account, then by symbol.
#[tracing::instrument(name = "db.positions.list", skip_all, err(level = "debug"))]
pub async fn list(db: impl PgExecutor<'_>) -> Result<Vec<Position>> {
    let positions = sqlx::query_as!(
        Position,
        r#"
        SELECT account, symbol, direction, quantity, avg_entry_price, current_price, as_of
        FROM account_positions
        ORDER BY account, symbol
        "#,
    )
    .fetch_all(db)
    .await?;
    Ok(positions)
}
