//! The desk's vocabulary: newtypes over the database's domains, each valid by construction.
//!
//! A type and its domain have the same name (`WeekId` is `week_id`) and the same rule. A value of the type is made by
//! `new` or by parsing, and is checked again when it is read from JSON or from a row, so it always obeys the rule.
//!
//! ```
//! use llm_trading_db::types::{Instrument, Symbol, WeekId};
//!
//! let week: WeekId = "2026-01-07".parse()?;
//! let instrument = Instrument::from(Symbol::new("SPY")?);
//! assert_eq!(format!("{instrument} in the week of {week}"), "SPY in the week of 2026-01-07");
//! # Ok::<(), llm_trading_db::types::Invalid>(())
//! ```

pub(crate) use checked_pg::exact;
pub use checked_pg::{error::Invalid, time::Timestamp};

mod figures;
mod ids;
mod instrument;
mod numbers;
mod text;
mod week_id;
mod words;

pub use figures::{Correlation, LogReturn, Ratio, Share, Usd, Volume};
pub use ids::{
    AccountId, ConditionPerformanceId, DecisionId, EventId, FetchId, JobId, LogId, OrderId,
    PerformanceId, PitchId, ProblemId, ReportId, ReviewId, RunId, TradeId, UserId,
};
pub use instrument::Instrument;
pub use numbers::{Amount, Balance, Conviction, FarPrices, Price, Quantity, Weeks, far_apart};
pub use text::{
    Account, ConditionType, ConditionValue, Email, EventType, Model, PitchLabel, Symbol, UserName,
};
pub use week_id::WeekId;
pub use words::{
    Direction, FetchStatus, FetchType, JobStatus, Level, OrderSide, OrderStatus, Provider,
    ReportStatus, Stage, TradeStatus, Verdict,
};
