//! Closes over the whole history, and how long it is.

use chrono::NaiveDate;
use sqlx::PgExecutor;

use crate::{
    error::Result,
    repo::rows::Misfit,
    types::{Invalid, Price, Symbol},
};

/// The close of a day, for calculations over the whole history.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Close {
    /// Ticker.
    pub symbol: Symbol,
    /// Trading day.
    pub date: NaiveDate,
    /// Last price, in US dollars; none also if what is stored is no price.
    pub close: Option<Price>,
    /// Why what is stored is no price.
    pub misfit: Option<Box<Misfit>>,
}

impl Close {
    fn of(symbol: Symbol, date: NaiveDate, close: Option<String>) -> Self {
        let (close, misfit) = match close.as_deref().map(str::parse).transpose() {
            Ok(close) => (close, None),
            Err(Invalid { field, why }) => {
                let misfit = Misfit {
                    table: Some("daily_bars".to_owned()),
                    key: Some(format!("symbol={symbol} date={date}")),
                    column: "close".to_owned(),
                    field: Some(field.into_owned()),
                    why: why.into_owned(),
                };
                (None, Some(Box::new(misfit)))
            }
        };
        Self {
            symbol,
            date,
            close,
            misfit,
        }
    }
}

/// The closes of each span of days of a symbol, the first and the last day included, with those of up to `before` bars before and
/// `after` bars after it: by span, then by date. The number is the place of the span, from 0. A close that cannot be read hides no
/// other: see [`Close::misfit`].
#[tracing::instrument(name = "db.bars.closes_around", skip_all, fields(spans = spans.len(), before, after), err(level = "debug"))]
pub async fn closes_around(
    db: impl PgExecutor<'_>,
    spans: &[(Symbol, NaiveDate, NaiveDate)],
    before: u32,
    after: u32,
) -> Result<Vec<(usize, Close)>> {
    let symbol: Vec<Symbol> = spans.iter().map(|span| span.0).collect();
    let first: Vec<NaiveDate> = spans.iter().map(|span| span.1).collect();
    let last: Vec<NaiveDate> = spans.iter().map(|span| span.2).collect();
    let closes = sqlx::query!(
        r#"
        SELECT asked.place AS "place!", bar.symbol, bar.date, bar.close::text AS close
        FROM UNNEST($1::symbol[], $2::date[], $3::date[]) WITH ORDINALITY AS asked (ticker, first_date, last_date, place)
        CROSS JOIN LATERAL (
            SELECT min(date) AS begins
            FROM (
                SELECT date
                FROM daily_bars
                WHERE daily_bars.symbol = asked.ticker
                  AND daily_bars.date < asked.first_date
                  AND daily_bars.date >= DATE '0001-01-01'
                ORDER BY daily_bars.date DESC
                LIMIT $4
            ) AS earlier
        ) AS span
        CROSS JOIN LATERAL (
            SELECT max(date) AS ends
            FROM (
                SELECT date
                FROM daily_bars
                WHERE daily_bars.symbol = asked.ticker
                  AND daily_bars.date > asked.last_date
                  AND daily_bars.date <= DATE '9999-12-31'
                ORDER BY daily_bars.date
                LIMIT $5
            ) AS later
        ) AS rest
        JOIN daily_bars AS bar
            ON bar.symbol = asked.ticker
            AND bar.date BETWEEN COALESCE(span.begins, asked.first_date) AND COALESCE(rest.ends, asked.last_date)
        ORDER BY asked.place, bar.date
        "#,
        &symbol[..],
        &first[..],
        &last[..],
        i64::from(before),
        i64::from(after),
    )
    .fetch_all(db)
    .await?;
    Ok(closes
        .into_iter()
        .map(|row| {
            let close = Close::of(row.symbol, row.date, row.close);
            // Places begin with 1.
            (usize::try_from(row.place - 1).unwrap_or_default(), close)
        })
        .collect())
}

/// The bars whose dates are infinite or beyond the calendar, which only an older database can hold. None of them can be read;
/// [`rows::readable`](crate::repo::rows::readable) names them.
#[tracing::instrument(name = "db.bars.with_invalid_dates", skip_all, err(level = "debug"))]
pub async fn with_invalid_dates(db: impl PgExecutor<'_>) -> Result<Vec<(Symbol, NaiveDate)>> {
    let bars = sqlx::query!(
        r#"
        SELECT symbol, date
        FROM daily_bars
        WHERE date < DATE '0001-01-01' OR date > DATE '9999-12-31'
        ORDER BY symbol, date
        "#,
    )
    .fetch_all(db)
    .await?;
    Ok(bars.into_iter().map(|bar| (bar.symbol, bar.date)).collect())
}

/// The days from which on there are bars, at most `limit` of them, in order: how long the history is.
#[tracing::instrument(name = "db.bars.dates", skip_all, fields(limit), err(level = "debug"))]
pub async fn dates(db: impl PgExecutor<'_>, limit: u32) -> Result<Vec<NaiveDate>> {
    // One index probe per day, where DISTINCT would read every row.
    let dates = sqlx::query_scalar!(
        r#"
        WITH RECURSIVE known AS (
            (
                SELECT date, 1::bigint AS place
                FROM daily_bars
                WHERE date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'
                ORDER BY date
                LIMIT 1
            )
            UNION ALL
            SELECT (
                SELECT bar.date
                FROM daily_bars AS bar
                WHERE bar.date > known.date
                  AND bar.date <= DATE '9999-12-31'
                ORDER BY bar.date
                LIMIT 1
            ), known.place + 1
            FROM known
            WHERE known.date IS NOT NULL
              AND known.place < $1
        )
        SELECT date AS "date!"
        FROM known
        WHERE date IS NOT NULL
          AND place <= $1
        ORDER BY date
        "#,
        i64::from(limit),
    )
    .fetch_all(db)
    .await?;
    Ok(dates)
}
