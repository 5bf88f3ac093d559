//! mistake: a week compared with any date
//! covers: a key compared with any value of the type below
//! symptom: no rows on six days of seven
//! stage: prepare
//! expect: `weekly_performance.week_id` is of `week_id` and is compared with `$1`, which is of no domain; write `$1::week_id`

use llm_trading_db::{db::Db, error::Result, types::WeekId};

pub async fn run(db: &Db, week: WeekId) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("SELECT account FROM weekly_performance WHERE week_id = $1", week.start());
    #[cfg(not(mistake))]
    let statement = sqlx::query!("SELECT account FROM weekly_performance WHERE week_id = $1::week_id", week);
    statement.fetch_all(db).await?;
    Ok(())
}
