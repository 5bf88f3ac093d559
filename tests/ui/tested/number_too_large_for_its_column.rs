//! mistake: a number with more digits than its column has
//! covers: a number that its column cannot hold
//! symptom: `numeric field overflow` for a conviction of 250; the batch was lost
//! stage: test
//! test: statements::what_compiles_and_cannot_work_fails_when_it_runs
//! test: statements::the_tests_run_every_cached_statement
//! expect: 22003

use llm_trading_db::{db::Db, error::Result};

pub async fn seed(db: &Db) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("INSERT INTO daily_log_returns (symbol, date, log_return) VALUES ('SPY', '2026-01-07', 10000)");
    #[cfg(not(mistake))]
    let statement = sqlx::query!("INSERT INTO daily_log_returns (symbol, date, log_return) VALUES ('SPY', '2026-01-07', 0.1)");
    statement.execute(db).await?;
    Ok(())
}
