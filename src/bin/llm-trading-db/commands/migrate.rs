//! `migrate`

use anyhow::Result;
use llm_trading_db::db::Db;

use crate::output::print;

pub async fn run(db: &Db) -> Result<()> {
    match db.migrate().await? {
        0 => print("the schema is up to date"),
        n => print(format_args!("{n} migrations applied")),
    }
}
