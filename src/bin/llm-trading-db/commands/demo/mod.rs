//! `demo`: twelve weeks of the desk on real prices, on a server that is there only for it.

mod council;
mod rules;

use std::{collections::BTreeMap, time::Instant};

use anyhow::{Context, Result};
use chrono::{NaiveDate, NaiveTime};
use llm_trading_db::{
    db::Db,
    embedded::EmbeddedServer,
    repo::{
        accounts, bars, correlations, events,
        performance::leaderboard,
        pitches::{self, Reviewed},
    },
    service::{council as weeks_of_council, market, metrics, performance},
    types::{AccountId, Amount, Balance, Symbol, Timestamp, WeekId, Weeks},
};
use rust_decimal::Decimal;

use super::{import_bars, leaderboard as board, matrix, snapshot};
use crate::{
    connect::{Session, aside},
    logging::Statements,
    output::{self, or_dash},
};

/// Daily bars of five US symbols; `demo/SOURCE.md` tells where they come from.
const BARS: &str = include_str!("../../demo/bars.csv");
/// Weeks that are played.
const WEEKS: i32 = 12;
/// Bars that a week has at most.
const DAYS: u32 = 7;
/// Hours of a day in UTC: research before the opening bell, trades at the bells.
const RESEARCH: u32 = 13;
const OPEN: u32 = 15;
const CLOSE: u32 = 21;

pub(crate) async fn run(statements: &Statements) -> Result<()> {
    crate::say("setting up a temporary PostgreSQL server …");
    let begun = Instant::now();
    let server = aside(EmbeddedServer::temporary).await?;
    let version = server.version().to_owned();
    let place = "a temporary server".to_owned();
    let session = Session::on(server, place, |config| config.log_statements(true)).await?;
    let ready = begun.elapsed();
    let outcome = play(&session.db, &version).await;
    let played = begun.elapsed() - ready;
    let closed = session.close().await;
    outcome.and(closed)?;
    output::text(&format!(
        "\n{} statements in {:.2} s, on a server that was set up for them in {:.2} s and is gone now",
        statements.count(),
        played.as_secs_f64(),
        ready.as_secs_f64(),
    ))
}

async fn play(db: &Db, version: &str) -> Result<()> {
    let bars = import_bars::parse_all("demo/bars.csv", BARS)?;
    bars::upsert_many(db, &bars).await?;
    let symbols = bars::symbols(db).await?;
    let dates = || bars.iter().map(|bar| bar.date);
    let (first, last) = dates()
        .min()
        .zip(dates().max())
        .context("there are no bars")?;
    let calculated = metrics::run(db, metrics::Window::default(), metrics::Scope::All).await?;
    output::text(&format!(
        "A trading desk of language models on PostgreSQL {version}\n\n\
         {} real daily bars of {} symbols, {first} to {last}; from them {} returns and {} correlations\n",
        bars.len(),
        symbols.len(),
        calculated.daily.inserted + calculated.seven_day.inserted,
        calculated.correlations.inserted,
    ))?;
    output::text(&snapshot::render(
        &market::snapshot(db, &symbols, last).await?,
    ))?;
    let newest = correlations::latest_matrix(db)
        .await?
        .context("there are no correlations")?;
    output::text(&format!("\n{}", matrix::render(&newest)))?;

    let week = last_whole_week(last);
    let mut decision = String::new();
    let mut next = week.minus(Weeks::new(WEEKS - 1)?);
    while next <= week {
        decision = play_week(db, &symbols, next).await?;
        next = next.next();
    }
    let reviewed = pitches::reviewed(db, week).await?;
    output::text(&format!(
        "\nPitches of the week of {week}\n{}",
        pitch_table(&reviewed)
    ))?;
    output::text(&format!("The council decides: {decision}"))?;

    performance::run(db, None, at(last, CLOSE)).await?;
    let places = leaderboard(db, None).await?;
    output::text(&format!(
        "\nLeaderboard after {WEEKS} weeks\n{}",
        board::render(&places)
    ))?;
    output::text(&format!("\n{}", transfer(db, at(last, CLOSE)).await?))
}

/// The newest week that the bars cover to its end.
fn last_whole_week(last: NaiveDate) -> WeekId {
    let week = WeekId::containing(last);
    if week.end() <= last {
        week
    } else {
        week.previous()
    }
}

fn at(date: NaiveDate, hour: u32) -> Timestamp {
    let time = NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
    date.and_time(time).and_utc().into()
}

/// Plays a week: what the models know before it, what they make of it, and how it ends. Gives the decision in words.
async fn play_week(db: &Db, symbols: &[Symbol], week: WeekId) -> Result<String> {
    let eve = week
        .start()
        .pred_opt()
        .context("the calendar begins here")?;
    let known = market::snapshot(db, symbols, eve).await?;
    let made = council::meet(&known, week, at(week.start(), RESEARCH))?;
    weeks_of_council::save(db, &made.week, at(week.start(), RESEARCH)).await?;

    let bars = bars::last_n(db, symbols, DAYS, week.end()).await?;
    let mut moves: BTreeMap<Symbol, council::Move> = BTreeMap::new();
    for bar in bars.iter().filter(|bar| bar.date >= week.start()) {
        let (Some(open), Some(close)) = (bar.open, bar.close) else {
            continue;
        };
        let opened = (at(bar.date, OPEN), open);
        let week = moves.entry(bar.symbol).or_insert(council::Move {
            opened,
            closed: opened,
        });
        week.closed = (at(bar.date, CLOSE), close);
    }
    let journal = made.journal(week, &moves)?;
    db.transaction(async |tx| events::append_many(tx, &journal).await)
        .await?;
    Ok(made.decision)
}

fn pitch_table(pitches: &[Reviewed]) -> String {
    let headings = ["model", "trade", "conviction", "reviews", "mean score"];
    let mut table = output::table(&headings, 2);
    for pitch in pitches {
        table.add_row([
            pitch.model.to_string(),
            format!("{} {}", pitch.direction, pitch.instrument),
            format!("{:+.2}", pitch.conviction.value()),
            pitch.reviews.to_string(),
            or_dash(pitch.average_score),
        ]);
    }
    table.to_string()
}

/// Opens two cash accounts and moves money from one to the other.
async fn transfer(db: &Db, at: Timestamp) -> Result<String> {
    let (from, to) = (AccountId::generate(at), AccountId::generate(at));
    let amount = Amount::new(Decimal::from(25_000))?;
    for account in [from, to] {
        accounts::open(db, account, Balance::new(Decimal::from(100_000))?, at).await?;
    }
    let after = accounts::transfer(db, from, to, amount).await?;
    Ok(format!(
        "Transfer of {amount} dollars between two accounts of 100000: now {} and {}",
        after.from, after.to
    ))
}
