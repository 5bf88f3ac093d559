//! mistake: a key put into another key's column
//! covers: a value of one key compared with, put into, merged with or cast to another
//! symptom: a trade on the account of another model
//! stage: prepare
//! expect: `old.model` is of `model` and goes where `account` is wanted

use llm_trading_db::{db::Db, error::Result, types::PitchId};

pub async fn run(db: &Db, pitch: PitchId) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("UPDATE pm_pitches AS old SET account = old.model, updated_at = DEFAULT WHERE id = $1::pitch_id", pitch);
    #[cfg(not(mistake))]
    let statement = sqlx::query!("UPDATE pm_pitches AS old SET account = old.account, updated_at = DEFAULT WHERE id = $1::pitch_id", pitch);
    statement.execute(db).await?;
    Ok(())
}
