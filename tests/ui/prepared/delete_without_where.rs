//! mistake: a DELETE without WHERE
//! covers: an UPDATE or a DELETE without WHERE
//! symptom: the table was empty
//! stage: prepare
//! expect: DELETE without WHERE changes every row of `logs`

use llm_trading_db::{db::Db, error::Result};

pub async fn run(db: &Db) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("DELETE FROM logs");
    #[cfg(not(mistake))]
    let statement = sqlx::query!("DELETE FROM logs WHERE level = 'DEBUG'");
    statement.execute(db).await?;
    Ok(())
}
