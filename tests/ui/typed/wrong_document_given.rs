//! mistake: a document of one kind given to the repository of another
//! covers: the wrong document type written
//! symptom: any dict did
//! stage: rustc
//! expect: expected `Document<LogData>`, found `Document<Event>`

use llm_trading_db::{
    documents::{EventDocument, LogDocument},
    repo::logs::NewLogEntry,
    types::Level,
};

pub fn entry(level: Level, _event: EventDocument, _log: LogDocument) -> NewLogEntry {
    NewLogEntry {
        level,
        message: "order placed".to_owned(),
        #[cfg(mistake)]
        data: Some(_event),
        #[cfg(not(mistake))]
        data: Some(_log),
    }
}
