//! mistake: a key in `WHERE` without the cast to its domain
//! covers: a key without the cast to its domain
//! symptom: nothing told a symbol from any other text
//! stage: rustc
//! expect: expected `&str`, found `Symbol`

use chrono::NaiveDate;
use llm_trading_db::{db::Db, error::Result, types::Symbol};

pub async fn latest(db: &Db, symbol: Symbol) -> Result<Option<NaiveDate>> {
    #[cfg(mistake)]
    let date = sqlx::query_scalar!("SELECT max(date) FROM daily_bars WHERE symbol = $1", symbol);
    #[cfg(not(mistake))]
    let date = sqlx::query_scalar!("SELECT max(date) FROM daily_bars WHERE symbol = $1::symbol", symbol);
    Ok(date.fetch_one(db).await?)
}
