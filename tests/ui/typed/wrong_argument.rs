//! mistake: a nonexistent argument
//! covers: defect 38
//! symptom: `unexpected keyword argument 'selected_models'`
//! stage: rustc
//! expect: takes 2 arguments but 3 arguments were supplied

use llm_trading_db::{
    db::Db,
    error::Result,
    repo::pitches::{self, StoredPitch},
    types::{Model, WeekId},
};

#[cfg(mistake)]
pub async fn load(db: &Db, week: WeekId, models: &[Model]) -> Result<Vec<StoredPitch>> {
    pitches::of_week(db, week, models).await
}

#[cfg(not(mistake))]
pub async fn load(db: &Db, week: WeekId, models: &[Model]) -> Result<Vec<StoredPitch>> {
    let mut pitches = pitches::of_week(db, week).await?;
    pitches.retain(|pitch| models.contains(&pitch.model));
    Ok(pitches)
}
