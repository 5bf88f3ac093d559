//! mistake: any text for a key, in a statement without the cast
//! covers: a key compared with any value of the type below
//! symptom: a misspelt account had no rows
//! stage: prepare
//! expect: write `$1::account`

use llm_trading_db::{db::Db, error::Result, types::Account};

pub async fn run(db: &Db, account: Account) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("SELECT week_id FROM weekly_performance WHERE account = $1", account.as_str());
    #[cfg(not(mistake))]
    let statement = sqlx::query!("SELECT week_id FROM weekly_performance WHERE account = $1::account", account);
    statement.fetch_all(db).await?;
    Ok(())
}
