//! `migrate`: the one command that changes the schema of a given database.

use anyhow::Result;
use llm_trading_db::db::Db;

use super::count;
use crate::output;

pub(crate) async fn run(db: &Db) -> Result<()> {
    let applied = db.migrate(&llm_trading_db::SCHEMA).await?;
    let newest = llm_trading_db::SCHEMA
        .migrator()
        .iter()
        .map(|migration| migration.version)
        .max();
    let now = newest.map_or_else(String::new, |version| format!(", at version {version}"));
    output::text(&format!(
        "{} applied; the database is up to date{now}",
        count(applied as u64, "migration")
    ))
}
