//! mistake: a week where a date is wanted
//! covers: two keys of one base type swapped
//! symptom: both were `str`: no row, no error
//! stage: rustc
//! expect: expected `NaiveDate`, found `WeekId`

use llm_trading_db::{
    db::Db,
    error::Result,
    repo::correlations::{self, Matrix},
    types::WeekId,
};

#[cfg(mistake)]
pub async fn correlation(db: &Db, week: WeekId) -> Result<Option<Matrix>> {
    correlations::matrix(db, week).await
}

#[cfg(not(mistake))]
pub async fn correlation(db: &Db, week: WeekId) -> Result<Option<Matrix>> {
    correlations::matrix(db, week.start()).await
}
