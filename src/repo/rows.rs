//! Rows that their types cannot read: older ones, and those that other programs wrote.
//!
//! ```no_run
//! use llm_trading_db::{db::Db, repo::{performance, rows::{Replay, readable}}};
//!
//! # async fn f(db: &Db) -> llm_trading_db::Result<()> {
//! let list = readable(db, |replay: Replay| performance::leaderboard(replay, None)).await?;
//! println!("{} accounts, {} left out", list.rows.len(), list.misfits.len());
//! # Ok(())
//! # }
//! ```

pub use checked_pg::{
    db::Replay,
    rows::{Misfit, Readable, Scanned, Types, readable},
};

use crate::{
    documents::{Decision, Event, LogData, Pitch, Research, Review},
    types::{
        Account, AccountId, Amount, Balance, ConditionPerformanceId, ConditionType, ConditionValue,
        Conviction, Correlation, DecisionId, Direction, Email, EventId, EventType, FetchId,
        FetchStatus, FetchType, Instrument, JobId, JobStatus, Level, LogId, LogReturn, Model,
        OrderId, OrderSide, OrderStatus, PerformanceId, PitchId, PitchLabel, Price, ProblemId,
        Provider, Quantity, Ratio, ReportId, ReportStatus, ReviewId, RunId, Share, Stage, Symbol,
        TradeId, TradeStatus, Usd, UserId, UserName, Verdict, Volume, WeekId, Weeks,
    },
};

/// The type of each domain of the desk.
#[must_use]
pub fn types() -> Types {
    let keys = Types::new()
        .key::<Account>()
        .key::<AccountId>()
        .key::<ConditionPerformanceId>()
        .key::<ConditionType>()
        .key::<ConditionValue>()
        .key::<DecisionId>()
        .key::<Email>()
        .key::<EventId>()
        .key::<EventType>()
        .key::<FetchId>()
        .key::<Instrument>()
        .key::<JobId>()
        .key::<LogId>()
        .key::<Model>()
        .key::<OrderId>()
        .key::<PerformanceId>()
        .key::<PitchId>()
        .key::<PitchLabel>()
        .key::<ProblemId>()
        .key::<ReportId>()
        .key::<ReviewId>()
        .key::<RunId>()
        .key::<Symbol>()
        .key::<TradeId>()
        .key::<UserId>()
        .key::<UserName>()
        .key::<WeekId>();
    let words = keys
        .key::<Direction>()
        .key::<FetchStatus>()
        .key::<FetchType>()
        .key::<JobStatus>()
        .key::<Level>()
        .key::<OrderSide>()
        .key::<OrderStatus>()
        .key::<Provider>()
        .key::<ReportStatus>()
        .key::<Stage>()
        .key::<TradeStatus>()
        .key::<Verdict>();
    let numbers = words
        .key::<Amount>()
        .key::<Balance>()
        .key::<Conviction>()
        .key::<Correlation>()
        .key::<LogReturn>()
        .key::<Price>()
        .key::<Quantity>()
        .key::<Ratio>()
        .key::<Share>()
        .key::<Usd>()
        .key::<Volume>()
        .key::<Weeks>();
    numbers
        .document::<Decision>()
        .document::<Event>()
        .document::<LogData>()
        .document::<Pitch>()
        .document::<Research>()
        .document::<Review>()
}
