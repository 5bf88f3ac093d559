//! mistake: a JSONB column annotated as another document
//! covers: `AS "c: T"`; the wrong document type read from a JSONB column
//! symptom: a KeyError later
//! stage: source check
//! expect: overrides the type from the schema

use llm_trading_db::{db::Db, documents::*, error::Result, types::LogId};

#[cfg(mistake)]
pub async fn load(db: &Db, id: LogId) -> Result<Option<PitchDocument>> {
    let data = sqlx::query_scalar!(
        r#"SELECT data AS "data: PitchDocument" FROM logs WHERE id = $1::log_id"#,
        id,
    );
    Ok(data.fetch_one(db).await?)
}

#[cfg(not(mistake))]
pub async fn load(db: &Db, id: LogId) -> Result<Option<LogDocument>> {
    let data = sqlx::query_scalar!("SELECT data FROM logs WHERE id = $1::log_id", id);
    Ok(data.fetch_one(db).await?)
}
