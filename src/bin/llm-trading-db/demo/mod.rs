//! `demo`: the desk's week on real market data.

mod week;

use std::{fs, io::Write, path::PathBuf, process, time::Instant};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use llm_trading_db::{
    db::Db,
    embedded::EmbeddedServer,
    repo::{accounts, bars, correlations, decisions, events, performance, pitches},
    service::{council, market, metrics, performance as performance_job},
    types::{AccountId, Instrument, WeekId, Weeks},
};

use crate::{
    commands::{import_bars, leaderboard, matrix, metrics::describe, snapshot},
    connect::Session,
    logging::Statements,
    output::{or_dash, table, text},
};

const BARS: &str = include_str!("bars.csv");

/// Runs the week on a temporary server and prints what a person wants to look at.
pub(crate) async fn run(statements: &Statements) -> Result<()> {
    let server = EmbeddedServer::temporary()?;
    let session = Session::on(server, "the demo's own server".to_owned(), |config| {
        config.log_statements(true)
    })
    .await?;
    let outcome = the_desk(&session.db, statements).await;
    let closed = session.close().await;
    outcome.and(closed)
}

async fn the_desk(db: &Db, statements: &Statements) -> Result<()> {
    let (start, before) = (Instant::now(), statements.count());
    market_data(db).await?;
    let week = the_week(db).await?;
    money(db, week::instant(week, 20)?).await?;
    let ran = statements.count() - before;
    text(&format!("\n{ran} statements in {:.1?}", start.elapsed()))
}

async fn market_data(db: &Db) -> Result<()> {
    let file = BarsFile::new()?;
    let stored = import_bars::store(db, &file.0).await?;
    let symbols = bars::symbols(db).await?;
    let newest = snapshot::newest_bar(db, &symbols).await?;
    let (bars, symbols_count) = (stored.inserted, symbols.len());
    text(&format!(
        "{bars} daily bars of {symbols_count} symbols until {newest}\n"
    ))?;
    text(&snapshot::render(
        &market::snapshot(db, &symbols, newest).await?,
    ))?;

    let done = metrics::run(db, metrics::Window::default(), metrics::Scope::Changed).await?;
    text(&format!("\n{}\n", describe(&done)))?;
    let newest = correlations::latest_matrix(db)
        .await?
        .context("no correlations")?;
    text(&matrix::render(&newest))
}

/// The last whole week of the data, saved in one transaction, then executed and measured.
async fn the_week(db: &Db) -> Result<WeekId> {
    let symbols = bars::symbols(db).await?;
    let newest = snapshot::newest_bar(db, &symbols).await?;
    let week = WeekId::containing(newest).previous();
    let made = week::council(week)?;
    council::save(db, &made, week::instant(week, 13)?).await?;

    text(&format!("\nThe week of {week}\n"))?;
    let head = ["model", "trade", "conviction", "reviews", "score"];
    let mut pitched = table(&head, 2);
    let rows = pitches::reviewed(db, week).await?.into_iter().map(|pitch| {
        vec![
            pitch.model.to_string(),
            match pitch.instrument {
                Instrument::Flat => "FLAT".to_owned(),
                Instrument::Symbol(symbol) => format!("{} {symbol}", pitch.direction),
            },
            pitch.conviction.to_string(),
            pitch.reviews.to_string(),
            or_dash(pitch.average_score),
        ]
    });
    text(&pitched.add_rows(rows).to_string())?;
    let decision = decisions::latest(db)
        .await?
        .context("no decision")?
        .decision_data;
    let trade = &decision.selected_trade;
    text(&format!(
        "\nThe chairman: {} {}, {}\n",
        trade.direction, trade.instrument, decision.rationale
    ))?;

    let happened = week::trades(db, week).await?;
    let added = events::append_many(db, &happened).await?;
    text(&format!(
        "{added} entries and exits at the week's real prices\n"
    ))?;
    for lookback in [Some(Weeks::new(4)?), Some(Weeks::new(8)?), None] {
        performance_job::run(db, lookback, week::instant(week.next(), 0)?).await?;
    }
    text(&leaderboard::render(
        &performance::leaderboard(db, None).await?,
    ))?;
    Ok(week)
}

async fn money(db: &Db, at: DateTime<Utc>) -> Result<()> {
    let (desk, fees) = (AccountId::generate(at), AccountId::generate(at));
    accounts::open(db, desk, "100000.00".parse()?, at).await?;
    accounts::open(db, fees, "0.00".parse()?, at).await?;
    let after = accounts::transfer(db, desk, fees, "12.34".parse()?).await?;
    text(&format!(
        "\nTransfer of 12.34 from the desk to its fees: {} and {}",
        after.from, after.to
    ))
}

/// The bars as a file, which is removed in the end: the demo imports like everybody else.
struct BarsFile(PathBuf);

impl BarsFile {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("llm-trading-db-demo-{}.csv", process::id()));
        let file = fs::File::options().write(true).create_new(true).open(&path);
        let mut file = file.with_context(|| format!("cannot make {}", path.display()))?;
        let made = Self(path);
        file.write_all(BARS.as_bytes())?;
        Ok(made)
    }
}

impl Drop for BarsFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::warn!(%error, "the demo's file stays behind");
        }
    }
}
