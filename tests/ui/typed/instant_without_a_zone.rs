//! mistake: a time without a zone for a timestamptz
//! covers: defect 2
//! symptom: compared or stored as UTC, whatever was meant
//! stage: rustc
//! expect: expected `Timestamp`, found `NaiveDateTime`

use chrono::NaiveDateTime;
use llm_trading_db::{db::Db, error::Result};
#[cfg(not(mistake))]
use llm_trading_db::types::Timestamp;

pub async fn forget(db: &Db, until: NaiveDateTime) -> Result<()> {
    #[cfg(not(mistake))]
    let until = Timestamp::from(until.and_utc());
    sqlx::query!("DELETE FROM logs WHERE created_at < $1", until)
        .execute(db)
        .await?;
    Ok(())
}

#[cfg(mistake)]
pub const MEND: &str = "say which zone it is: until.and_utc().into()";
