//! The functions that give ids: a row keeps its id, and is rewritten only if it changes.

use std::{collections::BTreeMap, fmt::Debug};

use chrono::TimeDelta;
use llm_trading_db::{
    db::Db,
    documents::{DecisionDocument, PitchDocument, ReviewDocument},
    error::Result,
    repo::{
        decisions,
        pitches::{self, NewPitch},
        research::{self, Report},
        reviews::{self, NewReview, Round},
    },
    types::{
        Account, DecisionId, PitchId, PitchLabel, Provider, ReportId, ReportStatus, ReviewId,
        Timestamp, WeekId,
    },
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use uuid::Uuid;

use super::{any_account, given_twice, on_random_calls};
use crate::fixtures::{
    ALLOWED, account, column, count, decision, execute, invalid, label, model, now, pitch,
    research, review, week,
};

/// A function that saves rows, and what the model needs to know of its table.
trait Save {
    const TABLE: &'static str;
    /// What is saved by one call.
    type Call: Debug;
    type Row: Clone + Debug + PartialEq;

    fn call() -> impl Strategy<Value = Self::Call>;

    /// The rows given, in order, with their keys.
    fn rows(call: &Self::Call) -> Vec<(String, Self::Row)>;

    /// What becomes of a row that is there.
    fn replaced(_old: &Self::Row, new: &Self::Row) -> Self::Row {
        new.clone()
    }

    /// Whether the call removes the row of a key that it does not give.
    fn removes(_call: &Self::Call, _key: &str) -> bool {
        false
    }

    /// Stores what the rows refer to.
    async fn prepare(_db: &Db) {}

    async fn save(db: &Db, call: &Self::Call) -> Result<Vec<Uuid>>;

    async fn stored(db: &Db, id: Uuid) -> Self::Row;
}

/// What a table holds, by key.
type Model<S> = BTreeMap<String, (Uuid, <S as Save>::Row)>;

/// The version of each row: it changes when the row is written, even with the same values.
async fn versions(db: &Db, table: &str) -> BTreeMap<Uuid, String> {
    let sql = format!("SELECT id::text || ' ' || xmin || ' ' || ctid FROM {table}");
    let rows: Vec<String> = column(db, &sql).await.unwrap();
    let parse = |row: &String| {
        let (id, version) = row.split_once(' ').unwrap();
        (id.parse().unwrap(), version.to_owned())
    };
    rows.iter().map(parse).collect()
}

/// Saves the rows of a call in the model; gives the ids of those that are written.
fn save<S: Save>(model: &mut Model<S>, call: &S::Call, ids: &[Uuid]) -> Vec<Uuid> {
    let rows = S::rows(call);
    assert_eq!(ids.len(), rows.len());
    let given = |key: &String| rows.iter().any(|row| row.0 == *key);
    model.retain(|key, _| given(key) || !S::removes(call, key));
    let mut written = Vec::new();
    for ((key, row), id) in rows.into_iter().zip(ids) {
        let new = match model.get(&key) {
            None => Some(row),
            Some((known, old)) => {
                assert_eq!(id, known, "{key}");
                let new = S::replaced(old, &row);
                (new != *old).then_some(new)
            }
        };
        if let Some(new) = new {
            model.insert(key, (*id, new));
            written.push(*id);
        }
    }
    written
}

fn does_what_a_map_does<S: Save>() {
    on_random_calls(S::TABLE, S::call(), async |db, calls| {
        S::prepare(db).await;
        let mut model = Model::<S>::new();
        for call in calls {
            let before = versions(db, S::TABLE).await;
            let saved = S::save(db, &call).await;
            let keys: Vec<String> = S::rows(&call).into_iter().map(|(key, _)| key).collect();
            let written = if given_twice(&keys).is_empty() {
                save::<S>(&mut model, &call, &saved.unwrap())
            } else {
                assert!(invalid(saved).contains("give each key once"));
                Vec::new()
            };
            for (id, version) in versions(db, S::TABLE).await {
                let rewritten = before.get(&id) != Some(&version);
                assert_eq!(rewritten, written.contains(&id), "{id}");
            }
            for (id, row) in model.values() {
                assert_eq!(S::stored(db, *id).await, *row);
            }
            assert_eq!(count(db, S::TABLE).await, model.len() as i64);
        }
    });
}

type Research = Option<Timestamp>;

fn wednesday() -> WeekId {
    week("2026-01-07")
}

/// No research, or that of one of two instants.
fn any_research() -> impl Strategy<Value = Research> {
    option::of((0..2_i64).prop_map(|micros| now() + TimeDelta::microseconds(micros)))
}

fn any_model() -> impl Strategy<Value = &'static str> {
    select(vec!["gemini", "groq", "o3"])
}

fn any_conviction() -> impl Strategy<Value = &'static str> {
    select(vec!["0", "1.5"])
}

struct Pitches;

impl Save for Pitches {
    const TABLE: &'static str = "pm_pitches";
    type Call = (Research, Vec<NewPitch>);
    type Row = (Account, PitchDocument);

    fn call() -> impl Strategy<Value = Self::Call> {
        let new = (any_model(), any_account(), any_conviction());
        let new = new.prop_map(|(name, account, conviction)| NewPitch {
            model: model(name),
            account,
            pitch_data: pitch(wednesday(), name, "SPY", conviction),
        });
        (any_research(), vec(new, 0..4))
    }

    fn rows((research, new): &Self::Call) -> Vec<(String, Self::Row)> {
        let row = |new: &NewPitch| {
            let key = format!("{research:?} {}", new.model);
            (key, (new.account, new.pitch_data.clone()))
        };
        new.iter().map(row).collect()
    }

    async fn save(db: &Db, (research, new): &Self::Call) -> Result<Vec<Uuid>> {
        let ids = pitches::save(db, wednesday(), *research, new, now()).await?;
        Ok(ids.iter().map(|id| id.as_uuid()).collect())
    }

    async fn stored(db: &Db, id: Uuid) -> Self::Row {
        let pitch = pitches::get(db, PitchId::from_uuid(id)).await.unwrap();
        (pitch.account, pitch.pitch_data)
    }
}

struct Reviews;

impl Save for Reviews {
    const TABLE: &'static str = "peer_reviews";
    type Call = Round;
    type Row = (PitchLabel, ReviewDocument);

    fn call() -> impl Strategy<Value = Round> {
        let reviewer = select(vec!["claude", "deepseek"]);
        let new = (reviewer, select(vec!['A', 'B', 'C']), 6..8_u8);
        let new = new.prop_map(|(name, letter, mark)| NewReview {
            reviewer_model: model(name),
            review_data: review(label(letter), mark),
        });
        // Whose pitch is behind a label is drawn anew for each round.
        let names = Just(vec!["gemini", "groq", "o3"]).prop_shuffle();
        (any_research(), names, vec(new, 0..5)).prop_map(|(research_date, names, reviews)| Round {
            week: wednesday(),
            research_date,
            labels: ['A', 'B', 'C']
                .map(label)
                .into_iter()
                .zip(names.into_iter().map(model))
                .collect(),
            reviews,
        })
    }

    fn rows(round: &Round) -> Vec<(String, Self::Row)> {
        let row = |new: &NewReview| {
            let label = new.review_data.pitch_label();
            let (research, reviewed) = (round.research_date, &round.labels[&label]);
            let key = format!("{research:?} {reviewed} {}", new.reviewer_model);
            (key, (label, new.review_data.clone()))
        };
        round.reviews.iter().map(row).collect()
    }

    fn removes(round: &Round, key: &str) -> bool {
        key.starts_with(&format!("{:?} ", round.research_date))
    }

    async fn prepare(db: &Db) {
        let delete = format!("DELETE FROM pm_pitches WHERE {ALLOWED}");
        execute(db, &delete).await.unwrap();
        let new = ["gemini", "groq", "o3"].map(|name| NewPitch {
            model: model(name),
            account: account("COUNCIL"),
            pitch_data: pitch(wednesday(), name, "SPY", "1"),
        });
        for research in [None, Some(0), Some(1)] {
            let research = research.map(|micros| now() + TimeDelta::microseconds(micros));
            let saved = pitches::save(db, wednesday(), research, &new, now()).await;
            assert_eq!(saved.unwrap().len(), 3);
        }
    }

    async fn save(db: &Db, round: &Round) -> Result<Vec<Uuid>> {
        let saved = db.transaction(async |tx| reviews::save_round(tx, round, now()).await);
        Ok(saved.await?.iter().map(|id| id.as_uuid()).collect())
    }

    async fn stored(db: &Db, id: Uuid) -> Self::Row {
        let review = reviews::get(db, ReviewId::from_uuid(id)).await.unwrap();
        (review.pitch_label, review.review_data)
    }
}

struct Decisions;

impl Save for Decisions {
    const TABLE: &'static str = "chairman_decisions";
    type Call = (Research, &'static str);
    type Row = DecisionDocument;

    fn call() -> impl Strategy<Value = Self::Call> {
        (any_research(), any_conviction())
    }

    fn rows((research, conviction): &Self::Call) -> Vec<(String, DecisionDocument)> {
        let instrument = if *conviction == "0" { "FLAT" } else { "SPY" };
        let document = decision(wednesday(), instrument, conviction);
        vec![(format!("{research:?}"), document)]
    }

    async fn save(db: &Db, call: &Self::Call) -> Result<Vec<Uuid>> {
        let document = &Self::rows(call)[0].1;
        let id = decisions::save(db, wednesday(), call.0, document, now()).await?;
        Ok(vec![id.as_uuid()])
    }

    async fn stored(db: &Db, id: Uuid) -> DecisionDocument {
        decisions::get(db, DecisionId::from_uuid(id))
            .await
            .unwrap()
            .decision_data
    }
}

struct Reports;

impl Save for Reports {
    const TABLE: &'static str = "research_reports";
    type Call = Report;
    type Row = Report;

    fn call() -> impl Strategy<Value = Report> {
        let status = select(vec![ReportStatus::Pending, ReportStatus::Complete]);
        let risk_mode = select(vec!["RISK_ON", "RISK_OFF"]);
        (0..2_u128, risk_mode, status, any_research(), 0..2_i64).prop_map(
            |(id, risk_mode, status, generated_at, micros)| Report {
                id: ReportId::from_uuid(Uuid::from_u128(id)),
                week_id: wednesday(),
                provider: Provider::Gemini,
                model: model("sonar"),
                natural_language: risk_mode.to_owned(),
                structured_json: research(risk_mode),
                status,
                error_message: generated_at.map(|_| String::new()),
                generated_at,
                created_at: now() + TimeDelta::microseconds(micros),
            },
        )
    }

    fn rows(report: &Report) -> Vec<(String, Report)> {
        vec![(report.id.to_string(), report.clone())]
    }

    /// The time of the first save stays.
    fn replaced(old: &Report, new: &Report) -> Report {
        Report {
            created_at: old.created_at,
            ..new.clone()
        }
    }

    async fn save(db: &Db, report: &Report) -> Result<Vec<Uuid>> {
        research::save(db, report).await?;
        Ok(vec![report.id.as_uuid()])
    }

    async fn stored(db: &Db, id: Uuid) -> Report {
        research::get(db, ReportId::from_uuid(id)).await.unwrap()
    }
}

#[test]
fn of_pitches() {
    does_what_a_map_does::<Pitches>();
}

#[test]
fn of_reviews() {
    does_what_a_map_does::<Reviews>();
}

#[test]
fn of_decisions() {
    does_what_a_map_does::<Decisions>();
}

#[test]
fn of_reports() {
    does_what_a_map_does::<Reports>();
}
