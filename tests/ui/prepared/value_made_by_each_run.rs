//! mistake: a value that differs each time the statement runs
//! covers: a volatile function in SET
//! symptom: a retry stored another id
//! stage: prepare
//! expect: `gen_random_uuid()` gives `id` another value each time

use llm_trading_db::{db::Db, error::Result, types::AccountId};

pub async fn run(db: &Db, id: AccountId) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("UPDATE accounts SET id = gen_random_uuid()::account_id WHERE id = $1::account_id", id);
    #[cfg(not(mistake))]
    let statement = sqlx::query!("UPDATE accounts SET id = id WHERE id = $1::account_id", id);
    statement.execute(db).await?;
    Ok(())
}
