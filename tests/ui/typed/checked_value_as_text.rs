//! mistake: a word outside of the set that a CHECK allows
//! covers: a value that a CHECK refuses
//! symptom: `CheckViolationError` at run time
//! stage: rustc
//! expect: named `Hold` found

use llm_trading_db::types::Direction;

#[cfg(mistake)]
pub const DIRECTION: Direction = Direction::Hold;

#[cfg(not(mistake))]
pub const DIRECTION: Direction = Direction::Long;
