//! mistake: an ISO text for the instant of an hourly price
//! covers: defect 4
//! symptom: `DataError … got 'str'`: no hourly price stored
//! stage: rustc
//! expect: expected `Timestamp`, found `&str`

use chrono::NaiveDate;
use llm_trading_db::{repo::snapshots::Snapshot, types::{Symbol, Timestamp}};

pub fn snapshot(symbol: Symbol, date: NaiveDate, _at: Timestamp) -> Snapshot {
    Snapshot {
        symbol,
        #[cfg(mistake)]
        timestamp: "2025-01-20T15:00:00-05:00",
        #[cfg(not(mistake))]
        timestamp: _at,
        date,
        hour: 15,
        price: None,
        volume: None,
    }
}
