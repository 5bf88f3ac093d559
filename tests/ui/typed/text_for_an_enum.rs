//! mistake: a text where an enum is wanted
//! covers: a wrong type; a value that a CHECK refuses
//! symptom: any word was sent; the CHECK refused it at run time
//! stage: rustc
//! expect: expected `Level`, found `&str`

use llm_trading_db::{db::Db, error::Result, types::Level};

pub async fn count(db: &Db, _level: Level) -> Result<Option<i64>> {
    #[cfg(mistake)]
    let level = "fatal";
    #[cfg(not(mistake))]
    let level = _level;
    let count = sqlx::query_scalar!("SELECT count(*) FROM logs WHERE level = $1::log_level", level);
    Ok(count.fetch_one(db).await?)
}
