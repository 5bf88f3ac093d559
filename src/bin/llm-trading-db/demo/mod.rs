//! `demo`: the desk's week on real market data.

mod week;

use std::{io::Write, time::Instant};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use llm_trading_db::{
    config::Config,
    db::Db,
    embedded::EmbeddedServer,
    repo::{accounts, bars, correlations, decisions, events, performance, pitches},
    service::{council, market, metrics, performance as performance_job},
    types::{AccountId, Instrument, WeekId},
};

use crate::{
    commands::{import_bars, leaderboard, performance::usual_lookbacks, snapshot},
    output::{StatementCount, heat_map, or_dash, print, table},
};

const BARS: &str = include_str!("bars.csv");

/// Runs the week on a temporary server and prints what a person wants to look at.
pub async fn run(statements: StatementCount) -> Result<()> {
    let server = EmbeddedServer::temporary()?;
    let config = Config::from_options(server.options()).log_statements(true);
    let db = Db::connect(&config).await?;
    db.migrate().await?;
    let (start, before) = (Instant::now(), statements.get());

    market_data(&db).await?;
    let week = the_week(&db).await?;
    money(&db, week::instant(week, 20)?).await?;

    let statements = statements.get() - before;
    print(format_args!(
        "\n{statements} statements in {:.1?}",
        start.elapsed()
    ))?;
    drop(db);
    server.stop()?;
    Ok(())
}

async fn market_data(db: &Db) -> Result<()> {
    let mut file = tempfile()?;
    file.1.write_all(BARS.as_bytes())?;
    let path = file.0.clone();
    let counts = db
        .transaction(async |tx| import_bars::import(tx, &path).await)
        .await;
    std::fs::remove_file(&file.0)?;
    let symbols = bars::symbols(db).await?;
    let newest = bars::latest(db, &symbols)
        .await?
        .iter()
        .map(|bar| bar.date)
        .max()
        .context("no bars")?;
    print(format_args!(
        "{} daily bars of {} symbols until {newest}\n",
        counts?.inserted,
        symbols.len()
    ))?;
    print(snapshot::render(
        &market::snapshot(db, &symbols, newest).await?,
    ))?;

    let done = metrics::run(db, metrics::Window::default(), metrics::Scope::Changed).await?;
    print(format_args!(
        "\n{} daily and {} seven-day returns, correlations of {} dates; the newest:\n",
        done.daily.inserted, done.seven_day.inserted, done.dates
    ))?;
    let matrix = correlations::latest_matrix(db)
        .await?
        .context("no correlations")?;
    print(heat_map(&matrix))
}

/// The last whole week of the data, saved in one transaction, then executed and measured.
async fn the_week(db: &Db) -> Result<WeekId> {
    let symbols = bars::symbols(db).await?;
    let newest = bars::latest(db, &symbols)
        .await?
        .iter()
        .map(|bar| bar.date)
        .max()
        .context("no bars")?;
    let week = WeekId::containing(newest).previous();
    let made = week::council(week)?;
    council::save(db, &made, week::instant(week, 13)?).await?;

    print(format_args!("\nThe week of {week}\n"))?;
    let head = ["model", "trade", "conviction", "reviews", "score"];
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
    print(table(&head, 2, rows))?;
    let decision = decisions::latest(db)
        .await?
        .context("no decision")?
        .decision_data;
    let trade = &decision.selected_trade;
    print(format_args!(
        "\nThe chairman: {} {}, {}\n",
        trade.direction, trade.instrument, decision.rationale
    ))?;

    let happened = week::trades(db, week).await?;
    let added = events::append_many(db, &happened).await?;
    print(format_args!(
        "{added} entries and exits at the week's real prices\n"
    ))?;
    for lookback in usual_lookbacks()? {
        performance_job::run(db, lookback, week::instant(week.next(), 0)?).await?;
    }
    print(leaderboard::render(
        &performance::leaderboard(db, None).await?,
    ))?;
    Ok(week)
}

async fn money(db: &Db, at: DateTime<Utc>) -> Result<()> {
    let (desk, fees) = (AccountId::generate(at), AccountId::generate(at));
    accounts::open(db, desk, "100000.00".parse()?, at).await?;
    accounts::open(db, fees, "0.00".parse()?, at).await?;
    let after = accounts::transfer(db, desk, fees, "12.34".parse()?).await?;
    print(format_args!(
        "\nTransfer of 12.34 from the desk to its fees: {} and {}",
        after.from, after.to
    ))
}

/// A new file in the folder for temporary files.
fn tempfile() -> Result<(std::path::PathBuf, std::fs::File)> {
    let path = std::env::temp_dir().join(format!("llm-trading-db-demo-{}.csv", std::process::id()));
    let file = std::fs::File::options()
        .write(true)
        .create_new(true)
        .open(&path);
    let file = file.with_context(|| format!("cannot make {}", path.display()))?;
    Ok((path, file))
}
