//! mistake: sqlx's `Json` wrapper instead of a document
//! covers: gotcha 4; step 6
//! symptom: the `Json()` wrapper failed too: `expected str, got Json`
//! stage: rustc
//! expect: expected `Document<LogData>`, found `Json<LogData>`

use llm_trading_db::{
    db::Db,
    documents::LogData,
    error::Result,
    types::LogId,
};

pub async fn attach(db: &Db, id: LogId, values: LogData) -> Result<()> {
    #[cfg(mistake)]
    let data = sqlx::types::Json(values);
    #[cfg(not(mistake))]
    let data = llm_trading_db::documents::LogDocument::new(values)?;
    sqlx::query!("UPDATE logs SET data = $1 WHERE id = $2::log_id", data, id)
        .execute(db)
        .await?;
    Ok(())
}
