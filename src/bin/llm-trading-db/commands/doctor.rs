//! `doctor`: whether the live database is the one that this program was compiled for, and what to do if not.

use anyhow::Result;
use cargo_checked_pg::doctor;
use llm_trading_db::SCHEMA;

use crate::{
    connect::Session,
    output::{self, Format},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    format: Format,
}

pub(crate) async fn run(session: &Session, args: &Args) -> Result<()> {
    let report = doctor::examine(&session.db, session.place().to_owned(), &[&SCHEMA]).await?;
    match args.format.json {
        true => output::json(&report)?,
        false => output::text(&report.text())?,
    }
    report.verdict()
}
