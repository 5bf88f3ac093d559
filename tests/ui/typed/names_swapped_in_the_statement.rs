//! mistake: symbol and account swapped among the arguments of a statement
//! covers: two keys of one base type swapped
//! symptom: both were `str`: an empty answer, logged as a success
//! stage: rustc
//! expect: expected `Account`, found `Symbol`

use llm_trading_db::{
    db::Db,
    error::Result,
    types::{Account, Symbol},
};

pub async fn known(db: &Db, account: Account, symbol: Symbol) -> Result<bool> {
    #[cfg(mistake)]
    let (first, second) = (symbol, account);
    #[cfg(not(mistake))]
    let (first, second) = (account, symbol);
    let known = sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT FROM execution_events WHERE account = $1::account)
            AND EXISTS (SELECT FROM daily_bars WHERE symbol = $2::symbol) AS "known!"
        "#,
        first,
        second,
    )
    .fetch_one(db)
    .await?;
    Ok(known)
}
