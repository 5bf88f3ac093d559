//! mistake: an ISO text for the instant of an hourly price
//! covers: defect 4
//! symptom: `DataError … got 'str'`: no hourly price stored
//! stage: rustc
//! expect: expected `DateTime<Utc>`, found `&str`

use chrono::{DateTime, NaiveDate, Utc};
use llm_trading_db::{repo::snapshots::Snapshot, types::Symbol};

pub fn snapshot(symbol: Symbol, date: NaiveDate, _at: DateTime<Utc>) -> Snapshot {
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
