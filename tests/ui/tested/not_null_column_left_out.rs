//! mistake: a NOT NULL column omitted from an `INSERT`
//! covers: a missing NOT NULL column in an `INSERT`
//! symptom: the INSERT of the guide itself omitted `account`: `NotNullViolationError`
//! stage: test
//! test: statements::what_compiles_and_cannot_work_fails_when_it_runs
//! test: statements::the_tests_run_every_cached_statement
//! expect: a value is missing for column `status`

use llm_trading_db::{db::Db, error::Result};

pub async fn log(db: &Db) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("INSERT INTO fetch_log (id, fetch_type) VALUES (gen_random_uuid(), 'daily')");
    #[cfg(not(mistake))]
    let statement = sqlx::query!("INSERT INTO fetch_log (id, fetch_type, status) VALUES (gen_random_uuid(), 'daily', 'success')");
    statement.execute(db).await?;
    Ok(())
}
