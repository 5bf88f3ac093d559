//! mistake: a column forgotten when a row is built
//! covers: a column forgotten when a row is built
//! symptom: the INSERT of the guide itself omitted `account`: `NotNullViolationError`
//! stage: rustc
//! expect: missing field `account`

use llm_trading_db::{
    documents::PitchDocument,
    repo::pitches::NewPitch,
    types::{Account, Model},
};

pub fn pitch(model: Model, _account: Account, pitch_data: PitchDocument) -> NewPitch {
    NewPitch {
        model,
        #[cfg(not(mistake))]
        account: _account,
        pitch_data,
    }
}

#[cfg(mistake)]
pub const MEND: &str = "give the account";
