//! mistake: an `i32` for a bigint
//! covers: a wrong type
//! symptom: `OverflowError`, or nothing
//! stage: rustc
//! expect: expected `i64`, found `i32`

use llm_trading_db::{db::Db, error::Result, types::Symbol};

pub async fn busy(db: &Db, least: i32) -> Result<Vec<Symbol>> {
    #[cfg(not(mistake))]
    let least = i64::from(least);
    let found = sqlx::query_scalar!("SELECT symbol FROM daily_bars WHERE volume > $1", least);
    Ok(found.fetch_all(db).await?)
}

#[cfg(mistake)]
pub const MEND: &str = "i64::from";
