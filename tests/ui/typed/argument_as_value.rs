//! mistake: a `serde_json::Value` past the document type
//! covers: `arg as T`; defect 1
//! symptom: any dict
//! stage: source check
//! expect: `as Value` turns the check of this argument off

use llm_trading_db::{db::Db, documents::LogDocument, error::Result, types::LogId};

pub async fn attach(db: &Db, id: LogId, _value: serde_json::Value, _data: LogDocument) -> Result<()> {
    #[cfg(mistake)]
    let update = sqlx::query!(
        "UPDATE logs SET data = $1 WHERE id = $2::log_id",
        _value as serde_json::Value,
        id,
    );
    #[cfg(not(mistake))]
    let update = sqlx::query!("UPDATE logs SET data = $1 WHERE id = $2::log_id", _data, id);
    update.execute(db).await?;
    Ok(())
}
