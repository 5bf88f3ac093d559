//! mistake: a float for a NUMERIC parameter
//! covers: defect 7
//! symptom: rounded silently
//! stage: rustc
//! expect: expected `Decimal`, found `f64`

use llm_trading_db::{db::Db, error::Result};

pub async fn above(db: &Db) -> Result<Vec<rust_decimal::Decimal>> {
    #[cfg(mistake)]
    let limit = 0.8_f64;
    #[cfg(not(mistake))]
    let limit = rust_decimal::Decimal::new(8, 1);
    let found = sqlx::query_scalar!(
        "SELECT correlation FROM correlation_matrix WHERE correlation > $1 ORDER BY correlation",
        limit,
    );
    Ok(found.fetch_all(db).await?.into_iter().flatten().collect())
}
