//! mistake: a LIMIT without ORDER BY
//! covers: a LIMIT without ORDER BY
//! symptom: any row, and another one after a vacuum
//! stage: prepare
//! expect: LIMIT or OFFSET without ORDER BY

use llm_trading_db::{db::Db, error::Result};

pub async fn run(db: &Db) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("SELECT message FROM logs LIMIT 1");
    #[cfg(not(mistake))]
    let statement = sqlx::query!("SELECT message FROM logs ORDER BY created_at DESC, id DESC LIMIT 1");
    statement.fetch_optional(db).await?;
    Ok(())
}
