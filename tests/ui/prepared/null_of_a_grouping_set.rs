//! mistake: a column of a grouping set taken for NOT NULL
//! covers: a nullable column taken for NOT NULL
//! symptom: `'NoneType' object …` in the row of the totals
//! stage: prepare
//! expect: a grouping set leaves it out; sqlx takes it for NOT NULL

use llm_trading_db::{db::Db, error::Result};

pub async fn run(db: &Db) -> Result<()> {
    #[cfg(mistake)]
    let statement = sqlx::query!("SELECT event_type, count(*) AS n FROM execution_events GROUP BY ROLLUP (event_type)");
    #[cfg(not(mistake))]
    let statement = sqlx::query!(r#"SELECT event_type AS "event_type?", count(*) AS n FROM execution_events GROUP BY ROLLUP (event_type)"#);
    statement.fetch_all(db).await?;
    Ok(())
}
