//! mistake: a JSONB column read through `COALESCE`, where its document type is lost
//! covers: a JSONB column without a document type; the wrong document type read from a JSONB column
//! symptom: any JSON
//! stage: rustc
//! expect: a JSONB column of this statement has no document type
//! expect: name it there

use llm_trading_db::{db::Db, documents::LogDocument, error::Result, types::LogId};

pub struct Row {
    pub data: Option<LogDocument>,
}

pub async fn load(db: &Db, id: LogId) -> Result<Row> {
    #[cfg(mistake)]
    let row = sqlx::query_as!(Row, "SELECT COALESCE(data, NULL) AS data FROM logs WHERE id = $1::log_id", id);
    #[cfg(not(mistake))]
    let row = sqlx::query_as!(Row, "SELECT data FROM logs WHERE id = $1::log_id", id);
    Ok(row.fetch_one(db).await?)
}
