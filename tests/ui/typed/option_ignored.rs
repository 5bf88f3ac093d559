//! mistake: a price that may be missing, used as if it were present
//! covers: defect 9
//! symptom: `float() argument must be … not 'NoneType'`: metrics None or 404
//! stage: rustc
//! expect: expected `Price`, found `Option<Price>`

use llm_trading_db::{repo::bars::Bar, types::Price};

#[cfg(mistake)]
pub fn close(bar: &Bar) -> Price {
    bar.close
}

#[cfg(not(mistake))]
pub fn close(bar: &Bar) -> Option<Price> {
    bar.close
}
