//! mistake: an ISO text for a timestamptz
//! covers: defect 2
//! symptom: `DataError … (expected a datetime.date or datetime.datetime instance, got 'str')`
//! stage: rustc
//! expect: expected `Timestamp`, found `&str`

use llm_trading_db::{db::Db, error::Result, types::Timestamp};

pub async fn forget(db: &Db, _until: Timestamp) -> Result<()> {
    #[cfg(mistake)]
    let until = "2025-01-15T08:00:00Z";
    #[cfg(not(mistake))]
    let until = _until;
    sqlx::query!("DELETE FROM logs WHERE created_at < $1", until)
        .execute(db)
        .await?;
    Ok(())
}
