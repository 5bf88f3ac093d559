//! mistake: a JSONB parameter without a document type
//! covers: a JSONB parameter without a document type
//! symptom: any JSON
//! stage: rustc
//! expect: expected `UntypedJsonb`, found `Document<LogData>`

use llm_trading_db::{db::Db, documents::LogDocument, error::Result, types::LogId};

pub async fn attach(db: &Db, id: LogId, data: LogDocument) -> Result<()> {
    #[cfg(mistake)]
    let update = sqlx::query!(
        "UPDATE logs SET data = COALESCE(data, $1) WHERE id = $2::log_id",
        data,
        id,
    );
    #[cfg(not(mistake))]
    let update = sqlx::query!(
        "UPDATE logs SET data = COALESCE(data, $1::log_document) WHERE id = $2::log_id",
        data,
        id,
    );
    update.execute(db).await?;
    Ok(())
}
