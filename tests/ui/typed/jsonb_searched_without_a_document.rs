//! mistake: `@>` with a JSONB parameter without a document type
//! covers: a JSONB parameter without a document type
//! symptom: any JSON
//! stage: rustc
//! expect: expected `UntypedJsonb`, found `Document<LogData>`

use llm_trading_db::{db::Db, documents::LogDocument, error::Result, types::LogId};

pub async fn find(db: &Db, data: LogDocument) -> Result<Vec<LogId>> {
    #[cfg(mistake)]
    let found = sqlx::query_scalar!("SELECT id FROM logs WHERE data @> $1", data);
    #[cfg(not(mistake))]
    let found = sqlx::query_scalar!("SELECT id FROM logs WHERE data @> $1::log_document", data);
    Ok(found.fetch_all(db).await?)
}
