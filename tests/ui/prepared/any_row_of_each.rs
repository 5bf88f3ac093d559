//! mistake: DISTINCT ON without an order that picks the row
//! covers: a LIMIT without ORDER BY
//! symptom: any row of each, and another one after a vacuum
//! stage: prepare
//! expect: DISTINCT ON returns any row of each group

use llm_trading_db::{db::Db, error::Result};

pub async fn run(db: &Db) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("SELECT DISTINCT ON (level) message FROM logs");
    #[cfg(not(mistake))]
    let statement = sqlx::query!("SELECT DISTINCT ON (level) message FROM logs ORDER BY level, created_at DESC, id DESC");
    statement.fetch_all(db).await?;
    Ok(())
}
