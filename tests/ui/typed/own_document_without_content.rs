//! mistake: a document of a type that has no rules and no domain
//! covers: a document whose rules were not checked
//! symptom: any dict
//! stage: rustc
//! expect: `Note` is not the content of a document
//! expect: implement `Content` for it and make a domain over jsonb for it

use llm_trading_db::{documents::Document, types::Invalid};

#[cfg(mistake)]
pub struct Note {
    pub text: String,
}

#[cfg(not(mistake))]
pub use llm_trading_db::documents::LogData as Note;

pub fn document(note: Note) -> Result<Document<Note>, Invalid> {
    Document::new(note)
}
