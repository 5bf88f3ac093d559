//! mistake: a float and a Decimal in one calculation
//! covers: defect 7
//! symptom: `TypeError: unsupported operand type(s) for -: 'float' and 'decimal.Decimal'`
//! stage: rustc
//! expect: cannot subtract `rust_decimal::Decimal` from `f64`

use llm_trading_db::types::Price;
use rust_decimal::Decimal;

#[cfg(mistake)]
pub fn change(from: Price, to: f64) -> Decimal {
    to - from.value()
}

#[cfg(not(mistake))]
pub fn change(from: Price, to: Price) -> Decimal {
    to.value() - from.value()
}
