//! The performance job: beside a model of what its documentation says, on random journals; and what it does with events that
//! cannot be true.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use llm_trading_db::{
    db::Db,
    documents::{Entry, Event, EventDocument, Exit},
    repo::{
        events::{self, NewEvent},
        performance::{self as statistics, Performance, Problem},
        weekly::{self, WeeklyPerformance},
    },
    service::{
        journal::{self, Instead},
        performance::{self, Summary},
    },
    types::{Account, Direction, EventId, FarPrices, Timestamp, WeekId, Weeks},
};
use rust_decimal::{Decimal, prelude::ToPrimitive};

use crate::{
    fixtures::{
        account, append_events, at, count, database, database_as_owner, dec, entry, execute, exit,
        invalid, not_found, other_event, price, week,
    },
    metrics::Random,
};

const THIS_WEEK: &str = "2026-01-21";

/// A Friday of the current week.
fn now() -> Timestamp {
    at("2026-01-23T18:00:00Z")
}

fn weeks(count: i32) -> Option<Weeks> {
    Some(Weeks::new(count).unwrap())
}

async fn run(db: &Db, lookback: Option<Weeks>) -> Summary {
    performance::run(db, lookback, now()).await.unwrap()
}

/// An event of a week, so many minutes after its Wednesday began.
fn event(
    key: &str,
    name: &str,
    week_id: &str,
    minutes: i64,
    event_data: EventDocument,
) -> NewEvent {
    let week_id = week(week_id);
    let start = week_id.start().and_hms_opt(0, 0, 0).unwrap().and_utc();
    NewEvent {
        id: EventId::from_key(key),
        week_id,
        account: account(name),
        event_data,
        occurred_at: (start + TimeDelta::minutes(minutes)).into(),
    }
}

async fn append(db: &Db, journal: &[NewEvent]) {
    assert_eq!(
        append_events(db, journal).await.unwrap(),
        journal.len() as u64
    );
}

// The model -----------------------------------------------------------------------------------------------------------

/// A trade as the documentation defines it: the first entry of a week, and the last exit at or after it.
#[derive(Debug, Clone, PartialEq)]
struct Modelled {
    entry: Entry,
    exit: Option<Decimal>,
    returned: Decimal,
}

fn modelled(journal: &[NewEvent]) -> BTreeMap<(Account, WeekId), Modelled> {
    let keys: BTreeSet<_> = journal.iter().map(|e| (e.account, e.week_id)).collect();
    let trade = |key: &(Account, WeekId)| {
        let of_week = || journal.iter().filter(|e| (e.account, e.week_id) == *key);
        let entries = of_week().filter_map(|e| match &*e.event_data {
            Event::Entry(entry) => Some((e.occurred_at, e.id, entry.clone())),
            _ => None,
        });
        let (entered, _, entry) = entries.min_by_key(|(time, id, _)| (*time, *id))?;
        let exits = of_week().filter_map(|e| match &*e.event_data {
            Event::Exit(exit) if e.occurred_at >= entered => {
                Some((e.occurred_at, e.id, exit.price))
            }
            _ => None,
        });
        let exit = exits
            .max_by_key(|(time, id, _)| (*time, *id))
            .map(|found| found.2);
        let gain = exit.map_or(Decimal::ZERO, |exit| (exit - entry.price) / entry.price);
        let returned = match entry.direction {
            Direction::Long => gain,
            Direction::Short => -gain,
            Direction::Flat => Decimal::ZERO,
        };
        Some((
            *key,
            Modelled {
                entry,
                exit,
                returned,
            },
        ))
    };
    keys.iter().filter_map(trade).collect()
}

/// What is stored of an account, in the words of the documentation of the columns.
#[derive(Debug, PartialEq)]
struct Statistics {
    total_return: f64,
    sharpe: Option<f64>,
    drawdown: Option<f64>,
    volatility: Option<f64>,
    weeks: usize,
    profitable: usize,
    average_conviction: Option<f64>,
    strongest: Option<f64>,
}

fn statistics_of(trades: &[&Modelled]) -> Statistics {
    let returns: Vec<f64> = trades
        .iter()
        .map(|t| t.returned.to_f64().unwrap())
        .collect();
    let convictions: Vec<f64> = trades
        .iter()
        .map(|t| t.entry.conviction.value().to_f64().unwrap())
        .collect();
    let n = returns.len() as f64;
    let mut capital = vec![1.0];
    for r in &returns {
        capital.push(capital[capital.len() - 1] * (1.0 + r).max(0.0));
    }
    let drawdown = (0..capital.len()).map(|at| {
        let peak = capital[..=at].iter().copied().fold(f64::MIN, f64::max);
        capital[at] / peak - 1.0
    });
    let mean = returns.iter().sum::<f64>() / n;
    let deviation = (returns.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / n).sqrt();
    let volatility = deviation * 52f64.sqrt();
    let sharpe = (mean - 0.04 / 52.0) / (deviation + 1e-10) * 52f64.sqrt();
    let strongest = convictions
        .iter()
        .copied()
        .reduce(|a, b| if b.abs() > a.abs() { b } else { a });
    let some = |value: f64| (!returns.is_empty()).then_some(value);
    Statistics {
        total_return: capital[capital.len() - 1] - 1.0,
        sharpe: (returns.len() > 1 && volatility >= 5e-7).then_some(sharpe),
        drawdown: some(drawdown.fold(0.0, f64::min)),
        volatility: (returns.len() > 1).then_some(volatility),
        weeks: returns.len(),
        profitable: returns.iter().filter(|r| **r > 0.0).count(),
        average_conviction: some(convictions.iter().sum::<f64>() / n),
        strongest,
    }
}

fn near(stored: Option<Decimal>, modelled: Option<f64>, tolerance: f64) -> bool {
    match (stored, modelled) {
        (None, None) => true,
        (Some(stored), Some(modelled)) => {
            (stored.to_f64().unwrap() - modelled).abs() <= tolerance * modelled.abs().max(1.0)
        }
        _ => false,
    }
}

fn agrees(stored: &Performance, modelled: &Statistics) -> bool {
    let share = modelled.profitable as f64 / modelled.weeks as f64;
    near(Some(stored.total_return), Some(modelled.total_return), 1e-6)
        && near(stored.sharpe_ratio, modelled.sharpe, 1e-6)
        && near(stored.max_drawdown, modelled.drawdown, 1e-6)
        && near(stored.volatility, modelled.volatility, 1e-6)
        && (stored.weeks_traded, stored.profitable_weeks)
            == (modelled.weeks as i32, modelled.profitable as i32)
        && near(stored.win_rate, (modelled.weeks > 0).then_some(share), 1e-4)
        && near(
            stored.avg_conviction.map(|c| c.value()),
            modelled.average_conviction,
            5.001e-3,
        )
        && near(
            stored.max_conviction.map(|c| c.value()),
            modelled.strongest,
            0.0,
        )
}

/// Entries and exits in no order, of few accounts, over weeks before, in and after the current one; now and then at one instant.
fn random_journal(random: &mut Random, round: u64) -> Vec<NewEvent> {
    let names = ["CLAUDE", "GEMINI", "GROQ"];
    (0..5 + random.below(40))
        .map(|n| {
            let this_week = week(THIS_WEEK).start();
            let back = random.below(7) as i64 - 2;
            let week_id = (this_week - TimeDelta::weeks(back)).to_string();
            let price = Decimal::new(500_000 + random.below(1_000_000) as i64, 4);
            let conviction = ["2", "-1.25", "0", "0.5", "-0.01", "1.5"][random.below(6) as usize];
            let document = match random.below(5) {
                0 | 1 => entry(&price.to_string(), conviction),
                4 => other_event("order_filled"),
                _ => exit(&price.to_string()),
            };
            let name = names[random.below(3) as usize];
            let minutes = random.below(12) as i64 * 600;
            event(&format!("{round} {n}"), name, &week_id, minutes, document)
        })
        .collect()
}

#[tokio::test]
async fn the_job_agrees_with_its_documentation() {
    let db = database_as_owner().await;
    let mut random = Random(20_260_121);
    for round in 0..60 {
        execute(&db, "TRUNCATE execution_events, weekly_performance, account_performance, performance_problems")
            .await
            .unwrap();
        let journal = random_journal(&mut random, round);
        append(&db, &journal).await;
        let lookback = [None, weeks(1), weeks(2), weeks(4)][random.below(4) as usize];
        let summary = run(&db, lookback).await;
        assert_eq!(summary.problems, []);

        let trades = modelled(&journal);
        let this_week = week(THIS_WEEK);
        let later = trades.keys().filter(|(_, week)| *week > this_week).count();
        assert_eq!(
            (summary.weeks.inserted, summary.upcoming),
            (trades.len() as u64, later as u64)
        );
        for ((name, week_id), trade) in &trades {
            let stored: Vec<WeeklyPerformance> = weekly::of_week(&db, *week_id).await.unwrap();
            let stored = stored.iter().find(|row| row.account == *name).unwrap();
            let said = format!("round {round}: {stored:?} is not {trade:?}\n{journal:#?}");
            assert_eq!(
                stored.weekly_return,
                Some(trade.returned.round_dp(6)),
                "{said}"
            );
            assert_eq!(stored.exit_price.map(|p| p.value()), trade.exit, "{said}");
            assert_eq!(
                stored.entry_price.map(|p| p.value()),
                Some(trade.entry.price),
                "{said}"
            );
            assert_eq!(stored.direction, Some(trade.entry.direction), "{said}");
            assert_eq!(
                stored.entry_conviction,
                Some(trade.entry.conviction),
                "{said}"
            );
        }
        let first = lookback.map(|n| this_week.start() - TimeDelta::weeks(i64::from(n.get()) - 1));
        let accounts: BTreeSet<Account> = journal.iter().map(|e| e.account).collect();
        for name in accounts {
            let counted =
                |week: WeekId| week <= this_week && first.is_none_or(|f| week.start() >= f);
            let of_account = trades
                .iter()
                .filter(|((a, w), _)| *a == name && counted(*w));
            let modelled = statistics_of(&of_account.map(|(_, trade)| trade).collect::<Vec<_>>());
            let stored = statistics::get(&db, name, lookback).await.unwrap();
            assert!(
                agrees(&stored, &modelled),
                "round {round}, {name} over {lookback:?}:\n{stored:#?}\nis not\n{modelled:#?}\n{journal:#?}"
            );
        }
    }
}

// What cannot be true --------------------------------------------------------------------------------------------------

/// Three accounts with a trade each: up by a tenth, by a fifth, by a quarter.
async fn three_accounts(db: &Db) {
    let journal = [
        event("c in", "CLAUDE", "2026-01-14", 900, entry("100", "1")),
        event("c out", "CLAUDE", "2026-01-14", 960, exit("110")),
        event("g in", "GEMINI", "2026-01-14", 900, entry("50", "1.5")),
        event("g out", "GEMINI", "2026-01-14", 960, exit("60")),
        event("q in", "GROQ", "2026-01-14", 900, entry("80", "0.5")),
        event("q out", "GROQ", "2026-01-14", 960, exit("100")),
    ];
    append(db, &journal).await;
}

async fn total_return(db: &Db, name: &str, lookback: Option<Weeks>) -> Decimal {
    statistics::get(db, account(name), lookback)
        .await
        .unwrap()
        .total_return
}

fn named(problems: &[Problem]) -> Vec<(String, EventId)> {
    problems
        .iter()
        .map(|p| (p.account.to_string(), p.event_id))
        .collect()
}

#[tokio::test]
async fn an_account_that_cannot_be_believed_stops_no_other() {
    let db = database().await;
    three_accounts(&db).await;
    assert_eq!(run(&db, None).await.problems, []);
    let later = [
        event("g in 2", "GEMINI", THIS_WEEK, 900, entry("100", "1")),
        event("g out 2", "GEMINI", THIS_WEEK, 901, exit("123456789")),
        event("q in 2", "GROQ", THIS_WEEK, 900, entry("100", "1")),
        event("q out 2", "GROQ", THIS_WEEK, 901, exit("90")),
    ];
    append(&db, &later).await;
    let summary = performance::run(&db, None, now() + TimeDelta::minutes(5))
        .await
        .unwrap();
    assert_eq!(
        named(&summary.problems),
        [("GEMINI".to_owned(), EventId::from_key("g out 2"))]
    );
    assert!(
        summary.problems[0].problem.contains("123456789"),
        "{summary:?}"
    );
    assert_eq!(summary.accounts.updated, 2);
    assert_eq!(total_return(&db, "GROQ", None).await, dec("0.125"));
    assert_eq!(
        total_return(&db, "GEMINI", None).await,
        dec("0.2"),
        "as it was"
    );
    assert_eq!(
        statistics::problems(&db, None).await.unwrap(),
        summary.problems
    );

    let board = statistics::leaderboard(&db, None).await.unwrap();
    let stale: Vec<_> = board
        .iter()
        .filter(|p| p.stale)
        .map(|p| p.account)
        .collect();
    assert_eq!(stale, [account("GEMINI")]);

    // A lookback has problems of its own, and one that leaves the week out has none.
    let before = statistics::problems(&db, weeks(1)).await.unwrap();
    assert_eq!(before, []);
    assert_eq!(run(&db, weeks(1)).await.problems.len(), 1);
    assert_eq!(statistics::problems(&db, weeks(1)).await.unwrap().len(), 1);
    let missing = statistics::get(&db, account("GEMINI"), weeks(1)).await;
    assert!(not_found(missing).contains("GEMINI"));
}

#[tokio::test]
async fn a_single_account_that_cannot_be_believed_is_stale() {
    let db = database().await;
    append(
        &db,
        &[event("in", "GROQ", THIS_WEEK, 900, entry("100", "1"))],
    )
    .await;
    run(&db, None).await;
    append(
        &db,
        &[event("out", "GROQ", THIS_WEEK, 901, exit("99999999999"))],
    )
    .await;
    let summary = run(&db, None).await;
    assert_eq!(
        named(&summary.problems),
        [("GROQ".to_owned(), EventId::from_key("out"))]
    );
    let board = statistics::leaderboard(&db, None).await.unwrap();
    assert!(board[0].stale);
}

#[tokio::test]
async fn a_week_outside_of_the_lookback_does_not_hold_the_account_back() {
    let db = database().await;
    let journal = [
        event("old in", "GROQ", "2025-11-05", 900, entry("0.00001", "1")),
        event("old out", "GROQ", "2025-11-05", 901, exit("7")),
        event("in", "GROQ", THIS_WEEK, 900, entry("100", "1")),
        event("out", "GROQ", THIS_WEEK, 901, exit("101")),
    ];
    append(&db, &journal).await;
    let summary = run(&db, weeks(2)).await;
    assert_eq!(
        named(&summary.problems),
        [("GROQ".to_owned(), EventId::from_key("old in"))]
    );
    assert!(
        summary.problems[0].problem.contains("0.00001"),
        "{summary:?}"
    );
    assert_eq!(total_return(&db, "GROQ", weeks(2)).await, dec("0.01"));
    assert_eq!(count(&db, "weekly_performance").await, 1);
}

#[tokio::test]
async fn returns_that_multiply_beyond_belief_name_the_largest() {
    let db = database().await;
    let journal = [
        event("1 in", "GROQ", "2026-01-07", 900, entry("1", "1")),
        event("1 out", "GROQ", "2026-01-07", 901, exit("900")),
        event("2 in", "GROQ", "2026-01-14", 900, entry("1", "1")),
        event("2 out", "GROQ", "2026-01-14", 901, exit("3000")),
        event("other", "CLAUDE", "2026-01-14", 901, other_event("note")),
    ];
    append(&db, &journal).await;
    let summary = run(&db, None).await;
    assert_eq!(
        named(&summary.problems),
        [("GROQ".to_owned(), EventId::from_key("2 out"))]
    );
    assert_eq!((summary.weeks.inserted, summary.accounts.inserted), (2, 1));
}

#[tokio::test]
async fn a_document_that_cannot_be_read_is_its_account_s_matter() {
    let db = database_as_owner().await;
    three_accounts(&db).await;
    // As an older program may have left it, before the domain had this rule.
    for sql in [
        "ALTER DOMAIN event_document DROP CONSTRAINT event_document_form",
        "UPDATE execution_events SET event_data = event_data - 'direction' WHERE account = 'GEMINI' AND event_type = 'ENTRY'",
    ] {
        execute(&db, sql).await.unwrap();
    }
    let summary = run(&db, None).await;
    assert_eq!(
        named(&summary.problems),
        [("GEMINI".to_owned(), EventId::from_key("g in"))]
    );
    assert!(
        summary.problems[0].problem.contains("direction"),
        "{summary:?}"
    );
    assert_eq!((summary.weeks.inserted, summary.accounts.inserted), (2, 2));
}

// Corrections ----------------------------------------------------------------------------------------------------------

async fn weekly_return(db: &Db, name: &str, week_id: &str) -> Option<Decimal> {
    let weeks = weekly::of_week(db, week(week_id)).await.unwrap();
    weeks
        .iter()
        .find(|row| row.account == account(name))
        .unwrap()
        .weekly_return
}

#[tokio::test]
async fn a_voided_event_counts_no_more() {
    let db = database().await;
    three_accounts(&db).await;
    run(&db, None).await;
    let out = EventId::from_key("g out");
    let voided = journal::void(&db, out, "never filled", now())
        .await
        .unwrap();
    assert_eq!(
        events::find_correction(&db, out).await.unwrap().unwrap().id,
        voided
    );
    let summary = run(&db, None).await;
    assert_eq!((summary.weeks.updated, summary.withdrawn), (1, 0));
    assert_eq!(
        weekly_return(&db, "GEMINI", "2026-01-14").await,
        Some(dec("0")),
        "the position is open"
    );

    // Without its entry the week has no trade; what others know about it stays.
    execute(
        &db,
        "UPDATE weekly_performance SET fees = 1.25 WHERE account = 'GEMINI'",
    )
    .await
    .unwrap();
    journal::void(&db, EventId::from_key("g in"), "never filled", now())
        .await
        .unwrap();
    let summary = run(&db, None).await;
    assert_eq!((summary.withdrawn, summary.exits_without_entry), (1, 0));
    let stored = weekly::of_week(&db, week("2026-01-14")).await.unwrap();
    assert_eq!(
        (
            stored[1].weekly_return,
            stored[1].entry_price,
            stored[1].fees
        ),
        (None, None, Some(dec("1.25")))
    );
    let measured = statistics::get(&db, account("GEMINI"), None).await.unwrap();
    assert_eq!(
        (measured.weeks_traded, measured.total_return),
        (0, dec("0"))
    );
    assert_eq!(run(&db, None).await.withdrawn, 0, "once is enough");
    // The journal keeps it all.
    assert_eq!(count(&db, "execution_events").await, 8);
}

#[tokio::test]
async fn a_correction_counts_in_the_place_of_an_event() {
    let db = database().await;
    three_accounts(&db).await;
    run(&db, None).await;
    let instead = |week_id: &str, price: &str| Instead {
        week_id: week(week_id),
        account: account("GROQ"),
        event: Exit::new(dec(price)).into(),
        occurred_at: at("2026-01-16T15:00:00Z"),
    };
    let out = EventId::from_key("q out");
    let first = journal::correct(
        &db,
        out,
        "typo",
        &instead("2026-01-14", "84"),
        FarPrices::Refused,
    )
    .await
    .unwrap();
    run(&db, None).await;
    assert_eq!(
        weekly_return(&db, "GROQ", "2026-01-14").await,
        Some(dec("0.05"))
    );

    let again = invalid(
        journal::correct(
            &db,
            out,
            "typo",
            &instead("2026-01-14", "85"),
            FarPrices::Refused,
        )
        .await,
    );
    assert!(
        again.contains(&format!("was corrected by {first} already")),
        "{again}"
    );
    let second = journal::correct(
        &db,
        first,
        "typo in the typo",
        &instead("2026-01-14", "76"),
        FarPrices::Refused,
    )
    .await
    .unwrap();
    run(&db, None).await;
    assert_eq!(
        weekly_return(&db, "GROQ", "2026-01-14").await,
        Some(dec("-0.05"))
    );

    // A void of the last one does not bring the first one back.
    let voided = journal::void(&db, second, "no exit at all", now())
        .await
        .unwrap();
    run(&db, None).await;
    assert_eq!(
        weekly_return(&db, "GROQ", "2026-01-14").await,
        Some(dec("0"))
    );
    let of_void = invalid(journal::void(&db, voided, "after all", now()).await);
    assert!(of_void.contains("is a VOID, which stays"), "{of_void}");
    let of_voided = invalid(journal::void(&db, second, "again", now()).await);
    assert!(of_voided.contains("was voided by"), "{of_voided}");
    let missing = journal::void(&db, EventId::from_key("nothing"), "typo", now()).await;
    assert!(not_found(missing).starts_with("event "));
    let why = invalid(journal::void(&db, EventId::from_key("c in"), " ", now()).await);
    assert!(why.contains("reason: must not be empty"), "{why}");
}

#[tokio::test]
async fn an_event_of_another_week_or_account_or_type_moves() {
    let db = database().await;
    let journal = [
        event("in", "GROQ", "2026-01-14", 900, entry("100", "1")),
        event("out", "GROQ", THIS_WEEK, 10, exit("110")),
        event("lower", "CLAUDE", THIS_WEEK, 900, other_event("opened")),
    ];
    append(&db, &journal).await;
    let summary = run(&db, None).await;
    assert_eq!(
        (summary.weeks.inserted, summary.exits_without_entry),
        (1, 1)
    );
    let moved = Instead {
        week_id: week("2026-01-14"),
        account: account("GROQ"),
        event: Exit::new(dec("110")).into(),
        occurred_at: journal[1].occurred_at,
    };
    journal::correct(
        &db,
        journal[1].id,
        "booked under the next week",
        &moved,
        FarPrices::Refused,
    )
    .await
    .unwrap();
    let opened = Instead {
        week_id: week(THIS_WEEK),
        account: account("DEEPSEEK"),
        event: Entry::new(dec("20"), "1".parse().unwrap()).into(),
        occurred_at: journal[2].occurred_at,
    };
    journal::correct(&db, journal[2].id, "an entry", &opened, FarPrices::Refused)
        .await
        .unwrap();
    let summary = run(&db, None).await;
    assert_eq!(
        (
            summary.weeks.updated,
            summary.weeks.inserted,
            summary.exits_without_entry
        ),
        (1, 1, 0)
    );
    assert_eq!(
        weekly_return(&db, "GROQ", "2026-01-14").await,
        Some(dec("0.1"))
    );
    let stored = weekly::of_week(&db, week(THIS_WEEK)).await.unwrap();
    assert_eq!(
        (stored[0].account, stored[0].entry_price),
        (account("DEEPSEEK"), Some(price("20")))
    );

    let other = Instead {
        event: Event::clone(&other_event("note")),
        ..opened
    };
    let why =
        invalid(journal::correct(&db, journal[0].id, "no trade", &other, FarPrices::Refused).await);
    assert!(why.contains("must be an ENTRY or an EXIT"), "{why}");
}

#[tokio::test]
async fn of_two_corrections_at_once_one_counts() {
    let db = database().await;
    three_accounts(&db).await;
    let instead = |price: &str| Instead {
        week_id: week("2026-01-14"),
        account: account("GROQ"),
        event: Exit::new(dec(price)).into(),
        occurred_at: now(),
    };
    let out = EventId::from_key("q out");
    let (one, other) = (instead("81"), instead("82"));
    let (one, other) = tokio::join!(
        journal::correct(&db, out, "typo", &one, FarPrices::Refused),
        journal::correct(&db, out, "typo", &other, FarPrices::Refused),
    );
    assert_eq!(
        [one.is_ok(), other.is_ok()]
            .iter()
            .filter(|ok| **ok)
            .count(),
        1,
        "{one:?} {other:?}"
    );
    let why = invalid(one.and(other));
    assert!(
        why.contains("already") || why.contains("other content"),
        "{why}"
    );
}
