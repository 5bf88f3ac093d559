//! mistake: the time taken from the server
//! covers: the server's clock read in a statement
//! symptom: tests that fail around midnight
//! stage: prepare
//! expect: `now()` takes the time from the server; take it as a parameter

use llm_trading_db::{db::Db, error::Result, types::Timestamp};

pub async fn run(db: &Db, before: Timestamp) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!(
        "DELETE FROM logs WHERE created_at < $1 AND created_at < now()",
        before
    );
    #[cfg(not(mistake))]
    let statement = sqlx::query!("DELETE FROM logs WHERE created_at < $1", before);
    statement.execute(db).await?;
    Ok(())
}
