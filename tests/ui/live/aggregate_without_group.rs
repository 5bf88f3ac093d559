//! mistake: a column neither grouped nor aggregated
//! covers: a statement that PostgreSQL refuses
//! symptom: `GroupingError` when it ran
//! stage: database
//! expect: must appear in the GROUP BY clause

use llm_trading_db::{db::Db, error::Result};

pub async fn run(db: &Db) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("SELECT symbol, max(date) AS day FROM daily_bars");
    #[cfg(not(mistake))]
    let statement = sqlx::query!("SELECT symbol, max(date) AS day FROM daily_bars GROUP BY symbol");
    statement.fetch_all(db).await?;
    Ok(())
}
