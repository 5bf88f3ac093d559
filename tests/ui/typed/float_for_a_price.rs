//! mistake: a float for money
//! covers: defect 7
//! symptom: `unsupported operand type(s) for -: 'float' and 'decimal.Decimal'`, `np.log` crashed on Decimal
//! stage: rustc
//! expect: expected `Decimal`, found floating-point number

use llm_trading_db::types::{Invalid, Price};
use rust_decimal::Decimal;

#[cfg(mistake)]
pub fn price() -> Result<Price, Invalid> {
    Price::new(512.30)
}

#[cfg(not(mistake))]
pub fn price() -> Result<Price, Invalid> {
    Price::new(Decimal::new(51_230, 2))
}
