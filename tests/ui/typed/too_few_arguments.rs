//! mistake: a placeholder without an argument
//! covers: a placeholder without an argument; defect 35
//! symptom: `could not determine data type of parameter $2`
//! stage: rustc
//! expect: expected 2 parameters, got 1

use chrono::NaiveDate;
use llm_trading_db::{db::Db, error::Result, types::Symbol};

pub async fn forget(db: &Db, symbol: Symbol, _date: NaiveDate) -> Result<()> {
    #[cfg(mistake)]
    let delete = sqlx::query!("DELETE FROM daily_bars WHERE symbol = $1::symbol AND date = $2", symbol);
    #[cfg(not(mistake))]
    let delete = sqlx::query!("DELETE FROM daily_bars WHERE symbol = $1::symbol AND date = $2", symbol, _date);
    delete.execute(db).await?;
    Ok(())
}
