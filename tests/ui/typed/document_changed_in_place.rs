//! mistake: a document changed after it was checked
//! covers: a document whose rules were not checked
//! symptom: a dict changed after it was checked
//! stage: rustc
//! expect: cannot assign

use llm_trading_db::{
    documents::{LogData, LogDocument},
    types::Invalid,
};

#[cfg(mistake)]
pub fn empty(mut document: LogDocument) -> Result<LogDocument, Invalid> {
    *document = LogData::default();
    Ok(document)
}

#[cfg(not(mistake))]
pub fn empty(_document: LogDocument) -> Result<LogDocument, Invalid> {
    LogDocument::new(LogData::default())
}
