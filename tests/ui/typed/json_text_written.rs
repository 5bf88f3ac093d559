//! mistake: JSON as text for a JSONB parameter
//! covers: defect 1; step 6
//! symptom: worked for text from `json.dumps` only, and for any such text
//! stage: rustc
//! expect: expected `Document<LogData>`, found `String`

use llm_trading_db::{db::Db, error::Result, types::LogId};
#[cfg(not(mistake))]
use llm_trading_db::documents::LogDocument;

pub async fn attach(db: &Db, id: LogId, json: String) -> Result<()> {
    #[cfg(not(mistake))]
    let json = LogDocument::from_json(&json)?;
    sqlx::query!("UPDATE logs SET data = $1 WHERE id = $2::log_id", json, id)
        .execute(db)
        .await?;
    Ok(())
}

#[cfg(mistake)]
pub const MEND: &str = "LogDocument::from_json checks the text";
