//! mistake: an ISO text for a date
//! covers: defect 3
//! symptom: `'str' object has no attribute 'toordinal'`: no bar stored, the run logged as a success
//! stage: rustc
//! expect: expected `NaiveDate`, found `&str`

use chrono::NaiveDate;
use llm_trading_db::{
    error::Result,
    repo::bars::Bar,
    types::{Price, Symbol},
};

pub fn bar(symbol: Symbol, close: Price, _date: NaiveDate) -> Result<Bar> {
    Ok(Bar {
        symbol,
        #[cfg(mistake)]
        date: "2025-01-20",
        #[cfg(not(mistake))]
        date: _date,
        open: None,
        high: None,
        low: None,
        close: Some(close),
        volume: None,
    })
}
