//! mistake: an `ON CONFLICT` target without a unique index
//! covers: a wrong `ON CONFLICT` target
//! symptom: the all-time upsert never met its key: a duplicate on every run
//! stage: test
//! test: statements::what_compiles_and_cannot_work_fails_when_it_runs
//! test: statements::the_tests_run_every_cached_statement
//! expect: there is no unique or exclusion constraint matching the ON CONFLICT specification

use llm_trading_db::{db::Db, error::Result};

pub async fn open(db: &Db) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("INSERT INTO accounts (id, balance) VALUES (gen_random_uuid(), 0) ON CONFLICT (balance) DO NOTHING");
    #[cfg(not(mistake))]
    let statement = sqlx::query!("INSERT INTO accounts (id, balance) VALUES (gen_random_uuid(), 0) ON CONFLICT (id) DO NOTHING");
    statement.execute(db).await?;
    Ok(())
}
