//! The schema `compat`: programs of the Python layer read and write the tables of now as they did those of before, and lose nothing.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the old programs' statements are what is tested here"
)]

mod guide;
mod python;
mod rules;

use llm_trading_db::{
    config::Config,
    db::Db,
    repo::{decisions, events, pitches, reviews, weekly},
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, postgres::PgConnectOptions};

use crate::{
    adopt::old::Old,
    cli::{binary, end},
    fixtures::{at, count, execute, week},
    support,
};

/// Rows of the two tables that no program of the Python layer wrote, for both databases.
const WEEKS: &str = "
    INSERT INTO weekly_performance (account, week_id, week_start, week_end, weekly_return, instrument, direction, entry_price,
        exit_price, realized_pnl, fees, net_pnl, entry_reason, market_regime, calculated_at)
    VALUES ('GROQ', '2026-01-07', '2026-01-07', '2026-01-13', 0.01, 'SPY', 'LONG', 601.25, 605.5, 42.50, 1.10, 41.40, 'CPI', 'calm',
               '2026-01-20Z'),
           ('GROQ', '2025-12-31', '2025-12-31', '2026-01-06', -0.02, 'TLT', 'LONG', 90, 89, -10, 1, -11, 'rates', 'calm',
               '2026-01-20Z')";

const CONDITION: &str = "
    INSERT INTO market_condition_performance
        (condition_type, condition_value, account, weeks_in_condition, avg_return, calculated_at)
    VALUES ('volatility', 'high', 'GROQ', 3, 0.012, '2026-01-20Z')";

/// A database of now, and how the programs of before reach it.
pub struct Desk {
    pub db: Db,
    options: PgConnectOptions,
    /// Its tables as they are.
    url: String,
    /// Its tables as they were.
    pub compat: String,
}

impl Desk {
    pub async fn new() -> Self {
        let options = support::database_options().await;
        let url = checked_pg::testing::url(&options);
        Self {
            db: Db::connect(&Config::from_options(options.clone()))
                .await
                .unwrap(),
            compat: through_compat(&url),
            options,
            url,
        }
    }

    /// A session as one of the old programs has it.
    pub async fn session(&self) -> PgConnection {
        let options = self
            .options
            .clone()
            .options([("search_path", "compat,public")]);
        PgConnection::connect_with(&options).await.unwrap()
    }

    /// Runs statements as one of the old programs would.
    pub async fn run(&self, sql: &str) -> Result<u64, String> {
        let mut session = self.session().await;
        let done = session.execute(AssertSqlSafe(sql.to_owned())).await;
        session.close().await.unwrap();
        done.map(|done| done.rows_affected())
            .map_err(|error| match error.as_database_error() {
                Some(error) => error.message().to_owned(),
                None => error.to_string(),
            })
    }
}

/// The address as an old program has it.
fn through_compat(url: &str) -> String {
    let sign = if url.contains('?') { '&' } else { '?' };
    format!("{url}{sign}options=-csearch_path%3Dcompat%2Cpublic")
}

/// The same writers write the same week into the old tables and through the schema, and the same readers read it: what they
/// answer is equal, value by value and type by type. The one call that answers otherwise answered wrongly.
#[tokio::test]
async fn all_readers_and_writers_of_before_run_unchanged() {
    let (old, desk) = (Old::new().await, Desk::new().await);
    old.run(include_str!("old_views.sql")).await;
    old.run(WEEKS).await;
    old.run(CONDITION).await;
    execute(&desk.db, WEEKS).await.unwrap();
    desk.run(CONDITION).await.unwrap();

    let Some(before) = python::run("writers.py", &old.url, &["all_of_it"]) else {
        return;
    };
    let now = python::run("writers.py", &desk.compat, &["all_of_it"]).unwrap();
    assert_eq!(before, now);

    let before = python::run("readers.py", &old.url, &[]).unwrap();
    let now = python::run("readers.py", &desk.compat, &[]).unwrap();
    assert_eq!((before.len(), now.len()), (48, 48));
    for ((name, before), (_, now)) in before.iter().zip(&now) {
        match name.as_str() {
            // The Thursday of before was of nobody's weeks.
            "get_week_id" => {
                let (before, now) = (before.as_str().unwrap(), now.as_str().unwrap());
                assert!(before.parse::<llm_trading_db::types::WeekId>().is_err());
                assert!(now.parse::<llm_trading_db::types::WeekId>().is_ok());
            }
            // Faults of these programs: they ask with the wrong type, and swallow what the server says.
            "load_pitches(text)" => {
                let nothing = serde_json::json!([]);
                assert_eq!((before, now), (&nothing, &nothing));
            }
            "find_pitch_by_id(int)" => assert!(before.is_null() && now.is_null()),
            _ => {
                assert_eq!(before, now, "{name}");
                assert_ne!(*now, serde_json::json!([]), "{name} reads nothing");
                assert!(!now.is_null(), "{name} reads nothing");
            }
        }
    }

    // The services that moved already read what the others wrote, as their own types.
    let this = week("2026-01-07");
    assert_eq!(pitches::of_week(&desk.db, this).await.unwrap().len(), 3);
    let round = Some(at("2026-01-07T13:30:00Z"));
    let of_round = reviews::of_round(&desk.db, this, round).await.unwrap();
    assert_eq!(of_round.len(), 3);
    assert_eq!(decisions::of_week(&desk.db, this).await.unwrap().len(), 1);
    assert_eq!(events::trades(&desk.db).await.unwrap().len(), 4);
    let account = "GROQ".parse().unwrap();
    assert_eq!(
        weekly::of_account(&desk.db, account, 9)
            .await
            .unwrap()
            .len(),
        2
    );
}

/// What there is of the council, with the ids and what was said.
async fn council(db: &Db) -> Vec<String> {
    let sql = "SELECT 'pitch ' || id || ' ' || pitch_data FROM pm_pitches
        UNION ALL SELECT 'review ' || id || ' ' || pitch_id || ' ' || review_data FROM peer_reviews
        UNION ALL SELECT 'decision ' || id || ' ' || decision_data FROM chairman_decisions
        ORDER BY 1";
    crate::fixtures::column(db, sql).await.unwrap()
}

/// Each deletes first and inserts then, with a commit in between: on the tables of now the delete took the pitch and its reviews,
/// and the insert failed.
#[tokio::test]
async fn a_save_of_before_on_the_tables_of_now_deletes_nothing() {
    let desk = Desk::new().await;
    if python::run("writers.py", &desk.compat, &["all_of_it"]).is_none() {
        return;
    }
    let before = council(&desk.db).await;
    assert_eq!(before.len(), 8);
    for work in [
        &["pitches_again", "2"][..],
        &["reviews_again"],
        &["decision_again"],
    ] {
        let told = python::run("writers.py", &desk.url, work).unwrap();
        let (outcome, why) = &told[0];
        assert_eq!(outcome, "failed", "{work:?}");
        let why = why.as_str().unwrap();
        assert!(why.contains("keeps its rows"), "{why}");
        assert!(why.contains("write through the schema compat"), "{why}");
        assert_eq!(council(&desk.db).await, before, "{work:?}");
    }
}

#[tokio::test]
async fn a_save_through_the_schema_keeps_ids_and_reviews() {
    let desk = Desk::new().await;
    if python::run("writers.py", &desk.compat, &["all_of_it"]).is_none() {
        return;
    }
    let ids = async || -> Vec<String> {
        let of = |line: String| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
        council(&desk.db).await.into_iter().map(of).collect()
    };
    let (before, first) = (council(&desk.db).await, ids().await);
    // A save that the tables refuse changes nothing, where it used to lose the pitch.
    let told = python::run("writers.py", &desk.compat, &["pitches_again", "7"]).unwrap();
    assert_eq!(told[0].0, "failed");
    assert_eq!(council(&desk.db).await, before);
    for work in [
        &["pitches_again", "2"][..],
        &["reviews_again"],
        &["decision_again"],
    ] {
        let told = python::run("writers.py", &desk.compat, work).unwrap();
        assert_eq!(told[0].0, "saved", "{told:?}");
    }
    assert_eq!(ids().await, first);
    let changed = council(&desk.db).await;
    let differ = before.iter().zip(&changed).filter(|(a, b)| a != b).count();
    assert_eq!(differ, 3, "one pitch, one review, the decision");
}

/// A service that did not move yet and one that did write the journal at the same time.
#[tokio::test]
async fn services_move_one_by_one_and_no_event_is_lost() {
    let desk = Desk::new().await;
    let Some(old) = python::start("writers.py", &desk.compat, &["events", "GROQ", "200"]) else {
        return;
    };
    for n in 0..200 {
        let event = events::NewEvent {
            id: llm_trading_db::types::EventId::from_key(&format!("moved/{n}")),
            week_id: week("2026-01-07"),
            account: "COUNCIL".parse().unwrap(),
            event_data: crate::fixtures::other_event("note"),
            occurred_at: crate::fixtures::now(),
        };
        crate::fixtures::append_events(&desk.db, &[event])
            .await
            .unwrap();
    }
    let written = tokio::task::spawn_blocking(|| old.end()).await.unwrap();
    assert_eq!(written.len(), 200);
    assert_eq!(count(&desk.db, "execution_events").await, 400);
    let every = events::Filter::default();
    let all = events::history(&desk.db, &every, None, 1000).await;
    assert_eq!(all.unwrap().len(), 400);
    // The id that an old writer was told is the id of its event.
    for (_, id) in written {
        let id = id.as_str().unwrap().trim_start_matches("UUID ");
        events::get(&desk.db, id.parse().unwrap()).await.unwrap();
    }
}

/// What an old program wrote has an id of its own; it is the same event all the same.
#[tokio::test]
async fn an_export_of_the_journal_adds_nothing_when_it_comes_back() {
    let desk = Desk::new().await;
    desk.run(
        r#"INSERT INTO execution_events (week_id, event_type, account, event_data, occurred_at) VALUES
            ('2026-01-07', 'ENTRY', 'GROQ', '{"price": 601.25, "direction": "LONG", "conviction": 1.50}', '2026-01-08 15:00:00.123456Z'),
            ('2026-01-07', 'note', 'GROQ', '{"b": {"y": 1, "x": [1, 2]}, "a": "ü"}', '2026-01-08T16:00Z'),
            ('2026-01-14', 'note', 'GROQ', '{}', '2026-01-08T16:00Z')"#,
    )
    .await
    .unwrap();
    let mut session = desk.session().await;
    let lines: Vec<String> = sqlx::query_scalar(
        "SELECT json_build_object('account', account, 'week_id', week_id, 'event_type', event_type, 'event_data', event_data,
                                  'occurred_at', occurred_at)::text
         FROM execution_events",
    )
    .fetch_all(&mut session)
    .await
    .unwrap();
    let file = format!("/tmp/desk-export-{}", std::process::id());
    std::fs::write(&file, lines.join("\n")).unwrap();
    let import = || end(binary(&desk.url).args(["import-events", &file])).ok();
    assert_eq!(import(), "3 events, 0 new\n");
    // One more that the file alone has, of the same instant.
    let more = lines[1].replace("\\u00fc", "u").replace('ü', "u");
    std::fs::write(&file, [lines.join("\n"), more].join("\n")).unwrap();
    assert_eq!(import(), "4 events, 1 new\n");
    assert_eq!(import(), "4 events, 0 new\n");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(count(&desk.db, "execution_events").await, 4);
}
