//! The journal on a real server.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use checked_pg::{Db, Error, Schema, testing};
use journal::{
    SCHEMA,
    notes::{self, Note, NoteDocument},
};
use llm_trading_db::{
    documents::{PitchDocument, PitchV2, RiskProfile},
    repo::pitches::{self, NewPitch},
    types::{Account, Model, PitchId, Symbol, Timestamp, WeekId},
};

/// What the database of each test has.
const SCHEMAS: &[&Schema] = &[&llm_trading_db::SCHEMA, &SCHEMA];

async fn database() -> Db {
    testing::database(SCHEMAS).await
}

fn at() -> Timestamp {
    "2026-01-07T14:00:00Z".parse().unwrap()
}

fn pitch(week: WeekId) -> NewPitch {
    let pitch = PitchV2::trade(
        week,
        "gpt-5.1",
        Symbol::new("TLT").unwrap(),
        "1.5".parse().unwrap(),
        RiskProfile::Base,
        vec!["Rates: policy supports duration".to_owned()],
    );
    NewPitch {
        model: Model::new("chatgpt").unwrap(),
        account: Account::new("CHATGPT").unwrap(),
        pitch_data: PitchDocument::new(pitch.into()).unwrap(),
    }
}

fn note(text: &str) -> NoteDocument {
    NoteDocument::new(Note {
        trader: "Ada".to_owned(),
        text: text.to_owned(),
    })
    .unwrap()
}

#[tokio::test]
async fn a_pitch_and_its_note_are_saved_together() {
    let db = database().await;
    let week = WeekId::containing(at().date_naive());
    let first = note("Half the size");
    let id = journal::pitch_with_note(&db, week, pitch(week), first.clone(), at());
    let id = id.await.unwrap();
    assert_eq!(notes::find(&db, id).await.unwrap(), Some(first));

    let second = note("All of it");
    notes::write(&db, id, &second, at()).await.unwrap();
    let noted = notes::of_week(&db, week).await.unwrap();
    assert_eq!(noted.len(), 1);
    assert_eq!(noted[0].model.as_str(), "chatgpt");
    assert_eq!(noted[0].note, Some(second));
}

#[tokio::test]
async fn a_note_that_fails_undoes_the_pitch() {
    let db = database().await;
    let week = WeekId::containing(at().date_naive());
    let nobody = PitchId::generate(at());
    let outcome: Result<(), Error> = db
        .transaction(async |tx| {
            pitches::save(&mut *tx, week, None, &[pitch(week)], at()).await?;
            notes::write(tx, nobody, &note("about nothing"), at()).await
        })
        .await;
    let error = outcome.unwrap_err();
    assert_eq!(
        error.constraint(),
        Some("trade_notes_pitch_fkey"),
        "{error}"
    );
    assert_eq!(notes::of_week(&db, week).await.unwrap(), []);
}

#[tokio::test]
async fn the_database_is_the_one_that_both_crates_were_compiled_for() {
    let db = database().await;
    for schema in SCHEMAS {
        assert_eq!(db.verify(schema).await.unwrap().findings, []);
    }
}

#[test]
fn every_statement_is_executed() {
    testing::assert_every_statement_is_executed(&SCHEMA);
}
