//! mistake: a nullable column read into a field that cannot be NULL
//! covers: defect 9
//! symptom: `TypeError` on the first NULL
//! stage: rustc
//! expect: `Price: From<Option<Price>>` is not satisfied

use llm_trading_db::{
    db::Db,
    error::Result,
    types::{Price, Symbol},
};

pub struct Close {
    #[cfg(mistake)]
    pub close: Price,
    #[cfg(not(mistake))]
    pub close: Option<Price>,
}

pub async fn closes(db: &Db, symbol: Symbol) -> Result<Vec<Close>> {
    let closes = sqlx::query_as!(
        Close,
        "SELECT close FROM daily_bars WHERE symbol = $1::symbol ORDER BY date",
        symbol,
    );
    Ok(closes.fetch_all(db).await?)
}
