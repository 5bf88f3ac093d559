//! mistake: a key made without its check
//! covers: arbitrary text for a key
//! symptom: there was no check
//! stage: rustc
//! expect: private

use llm_trading_db::types::{Account, Invalid};

#[cfg(mistake)]
pub fn account(text: &str) -> Result<Account, Invalid> {
    Ok(Account(text.to_owned()))
}

#[cfg(not(mistake))]
pub fn account(text: &str) -> Result<Account, Invalid> {
    Account::new(text)
}
