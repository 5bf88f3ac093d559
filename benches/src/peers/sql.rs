//! The statements of the peers that know no domains: the same as the repositories', with plain types.

pub const PITCH: &str = "
    SELECT id, week_id, model, account, pitch_data, instrument, direction, conviction, research_date, created_at
    FROM pm_pitches
    WHERE id = $1::uuid";

pub const BARS: &str = "
    SELECT bar.symbol, bar.date, bar.open, bar.high, bar.low, bar.close, bar.volume
    FROM (SELECT DISTINCT symbol FROM UNNEST($1::text[]) AS asked (symbol)) AS asked
    CROSS JOIN LATERAL (
        SELECT symbol, date, open, high, low, close, volume
        FROM daily_bars
        WHERE daily_bars.symbol = asked.symbol
          AND daily_bars.date <= $3::date
        ORDER BY daily_bars.date DESC
        LIMIT $2
    ) AS bar
    ORDER BY bar.symbol, bar.date";

pub const RETURN: &str = "
    INSERT INTO daily_log_returns (symbol, date, log_return)
    VALUES ($1::text, $2::date, $3::numeric)
    ON CONFLICT (symbol, date) DO UPDATE SET log_return = EXCLUDED.log_return, created_at = now()";

/// Balances change in the order of the ids, so that opposite transfers do not deadlock.
pub const ADD: &str = "UPDATE accounts SET balance = balance + $1::numeric WHERE id = $2::uuid";

pub const SAVE: &str = "
    INSERT INTO pm_pitches (id, week_id, model, account, pitch_data, research_date, created_at, updated_at)
    VALUES ($1::uuid, $2::date, $3::text, $4::text, $5::jsonb, $6, $7, $7)
    ON CONFLICT (week_id, model, research_date) DO UPDATE
    SET account = EXCLUDED.account, pitch_data = EXCLUDED.pitch_data, updated_at = EXCLUDED.updated_at
    RETURNING id";
