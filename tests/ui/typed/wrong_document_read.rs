//! mistake: a column of one document read as another
//! covers: the wrong document type read from a JSONB column
//! symptom: a KeyError later, or a missing value
//! stage: rustc
//! expect: `Document<Decision>: From<Document<Pitch>>` is not satisfied

use llm_trading_db::{db::Db, documents::*, error::Result, types::PitchId};

pub struct Row {
    #[cfg(mistake)]
    pub pitch_data: DecisionDocument,
    #[cfg(not(mistake))]
    pub pitch_data: PitchDocument,
}

pub async fn load(db: &Db, id: PitchId) -> Result<Row> {
    let row = sqlx::query_as!(Row, "SELECT pitch_data FROM pm_pitches WHERE id = $1::pitch_id", id);
    Ok(row.fetch_one(db).await?)
}
