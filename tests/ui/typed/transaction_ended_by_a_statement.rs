//! mistake: a transaction ended by a statement
//! covers: a statement that controls the transaction
//! symptom: half of a week was stored after an error
//! stage: source check
//! expect: `COMMIT` controls the transaction; use `Db::transaction`

use llm_trading_db::{db::Db, error::Result};

pub async fn run(db: &Db) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("COMMIT");
    #[cfg(not(mistake))]
    let statement = sqlx::query!("LOCK TABLE logs IN SHARE MODE");
    statement.execute(db).await?;
    Ok(())
}
