//! mistake: an upsert that forgets `updated_at`
//! covers: an upsert that forgets a column
//! symptom: a correction that was never stored
//! stage: prepare
//! expect: `updated_at` keeps its old value

use llm_trading_db::{db::Db, error::Result};

pub async fn run(db: &Db) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!(
        "INSERT INTO daily_bars AS old (symbol, date, high, low) VALUES ('SPY', '2026-01-05', 3, 2) ON CONFLICT (symbol, date) DO UPDATE SET high = EXCLUDED.high, low = EXCLUDED.low WHERE (old.high, old.low) IS DISTINCT FROM (EXCLUDED.high, EXCLUDED.low)"
    );
    #[cfg(not(mistake))]
    let statement = sqlx::query!(
        "INSERT INTO daily_bars AS old (symbol, date, high, low) VALUES ('SPY', '2026-01-05', 3, 2) ON CONFLICT (symbol, date) DO UPDATE SET high = EXCLUDED.high, low = EXCLUDED.low, updated_at = DEFAULT WHERE (old.high, old.low) IS DISTINCT FROM (EXCLUDED.high, EXCLUDED.low)"
    );
    statement.execute(db).await?;
    Ok(())
}
