//! mistake: `None` for a required value
//! covers: `None` for a NOT NULL column
//! symptom: `NotNullViolationError` at run time
//! stage: rustc
//! expect: expected `Account`, found `Option<_>`

use llm_trading_db::{
    documents::PitchDocument,
    repo::pitches::NewPitch,
    types::{Account, Model},
};

pub fn pitch(model: Model, _account: Account, pitch_data: PitchDocument) -> NewPitch {
    NewPitch {
        model,
        #[cfg(mistake)]
        account: None,
        #[cfg(not(mistake))]
        account: _account,
        pitch_data,
    }
}
