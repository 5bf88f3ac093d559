//! mistake: a literal that a CHECK refuses
//! covers: a value that a CHECK refuses
//! symptom: there were no CHECKs: conviction 7 and direction SIDEWAYS were stored
//! stage: test
//! test: statements::what_compiles_and_cannot_work_fails_when_it_runs
//! test: statements::the_tests_run_every_cached_statement
//! expect: fetch_log_error_has_message

use llm_trading_db::{db::Db, error::Result};

pub async fn log(db: &Db) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("INSERT INTO fetch_log (id, fetch_type, status) VALUES (gen_random_uuid(), 'daily', 'error')");
    #[cfg(not(mistake))]
    let statement = sqlx::query!("INSERT INTO fetch_log (id, fetch_type, status, error_message) VALUES (gen_random_uuid(), 'daily', 'error', 'timeout')");
    statement.execute(db).await?;
    Ok(())
}
