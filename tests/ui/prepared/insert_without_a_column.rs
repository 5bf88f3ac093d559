//! mistake: a NOT NULL column omitted from an INSERT
//! covers: a missing NOT NULL column in an `INSERT`
//! symptom: the INSERT of the guide itself omitted `account`: `NotNullViolationError`
//! stage: prepare
//! expect: the INSERT gives no value for `balance`, which is NOT NULL and has no default

use llm_trading_db::{db::Db, error::Result, types::AccountId};

pub async fn run(db: &Db, id: AccountId) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("INSERT INTO accounts (id) VALUES ($1)", id);
    #[cfg(not(mistake))]
    let statement = sqlx::query!("INSERT INTO accounts (id, balance) VALUES ($1, 1.5)", id);
    statement.execute(db).await?;
    Ok(())
}
