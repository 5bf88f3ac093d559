//! mistake: a bare `serde_json::Value` (the dict of the old layer) for a JSONB parameter
//! covers: defect 1; gotcha 4; step 6
//! symptom: `DataError: invalid input for query argument $4: {'symbol': 'SPY'} (expected str, got dict)`, swallowed: nothing stored
//! stage: rustc
//! expect: expected `Document<LogData>`, found `Value`

use llm_trading_db::{
    db::Db,
    documents::{LogData, LogDocument},
    error::Result,
    types::LogId,
};

#[cfg(mistake)]
pub fn data() -> Result<serde_json::Value> {
    Ok(serde_json::Value::Bool(true))
}

#[cfg(not(mistake))]
pub fn data() -> Result<LogDocument> {
    Ok(LogDocument::new(LogData::default().with("filled", true)?)?)
}

pub async fn attach(db: &Db, id: LogId) -> Result<()> {
    sqlx::query!("UPDATE logs SET data = $1 WHERE id = $2::log_id", data()?, id)
        .execute(db)
        .await?;
    Ok(())
}
