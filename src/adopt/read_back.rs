//! Reads what was adopted, the way a program reads it: what cannot be read would be of no use.

use chrono::{DateTime, NaiveDate, Utc};

use crate::{
    db::Tx,
    error::Result,
    repo::{
        accounts, bars, decisions, events, fetch_log, logs, performance, pitches, research,
        reviews, snapshots, users, weekly,
    },
    types::WeekId,
};

/// Rows of a page.
const PAGE: u32 = 2_000;

/// Reads each week, each account, and the journal. Returns how many rows were read.
pub(super) async fn all(tx: &mut Tx, weeks: &[WeekId]) -> Result<usize> {
    let mut read = 0;
    for week in weeks {
        read += of_week(tx, *week).await?;
    }
    Ok(read + journal(tx).await? + market(tx).await? + people(tx).await?)
}

async fn of_week(tx: &mut Tx, week: WeekId) -> Result<usize> {
    let pitches = pitches::of_week(&mut *tx, week).await?;
    let mut read = pitches.len();
    for pitch in pitches {
        read += reviews::of_pitch(&mut *tx, pitch.id).await?.len();
    }
    pitches::reviewed(&mut *tx, week).await?;
    research::latest_by_provider(&mut *tx, week).await?;
    read += decisions::of_week(&mut *tx, week).await?.len();
    read += weekly::of_week(&mut *tx, week).await?.len();
    Ok(read)
}

async fn journal(tx: &mut Tx) -> Result<usize> {
    let mut read = 0;
    for days in research::history(&mut *tx, year_one().into())
        .await?
        .values()
    {
        for id in days.values().flat_map(|day| &day.report_ids) {
            research::get(&mut *tx, *id).await?;
            read += 1;
        }
    }
    let (filter, mut after) = (events::Filter::default(), None);
    loop {
        let page = events::history(&mut *tx, &filter, after, PAGE).await?;
        read += page.len();
        match page.last() {
            Some(last) if page.len() == PAGE as usize => after = Some(last.cursor()),
            _ => break,
        }
    }
    events::trades(&mut *tx).await?;
    events::counts_by_type(&mut *tx, None, None).await?;
    for account in events::accounts(&mut *tx).await? {
        events::latest_of_account(&mut *tx, account).await?;
        weekly::of_account(&mut *tx, account, PAGE).await?;
    }
    performance::council_vs_individuals(&mut *tx, None).await?;
    Ok(read)
}

async fn market(tx: &mut Tx) -> Result<usize> {
    let symbols = bars::symbols(&mut *tx).await?;
    let ever = NaiveDate::MAX;
    let mut read = snapshots::latest(&mut *tx, &symbols, ever, 23).await?.len();
    for symbol in symbols {
        read += bars::last_n(&mut *tx, &[symbol], PAGE, ever).await?.len();
    }
    Ok(read)
}

async fn people(tx: &mut Tx) -> Result<usize> {
    let mut read = users::active(&mut *tx).await?.len();
    read += accounts::list(&mut *tx).await?.len();
    read += logs::recent(&mut *tx, None, PAGE).await?.len();
    read += fetch_log::recent(&mut *tx, None, PAGE).await?.len();
    Ok(read)
}

fn year_one() -> DateTime<Utc> {
    const SECONDS: i64 = -62_135_596_800;
    DateTime::from_timestamp(SECONDS, 0).unwrap_or(DateTime::UNIX_EPOCH)
}
