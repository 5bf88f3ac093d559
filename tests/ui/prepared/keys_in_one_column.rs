//! mistake: two keys put into one column by UNION
//! covers: a value of one key compared with, put into, merged with or cast to another
//! symptom: ids of two tables in one list
//! stage: prepare
//! expect: and they become one column

use llm_trading_db::{db::Db, error::Result};

pub async fn run(db: &Db) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("SELECT id FROM pm_pitches UNION SELECT id FROM peer_reviews");
    #[cfg(not(mistake))]
    let statement = sqlx::query!("SELECT id FROM pm_pitches UNION SELECT pitch_id FROM peer_reviews");
    statement.fetch_all(db).await?;
    Ok(())
}
