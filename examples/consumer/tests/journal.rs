//! The journal on a real server.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use chrono::{DateTime, NaiveDate, Utc};
use journal::notes::{self, Note, NoteDocument};
use llm_trading_db::{
    config::Config,
    db::Db,
    documents::{PitchDocument, PitchV2, RiskProfile},
    embedded::EmbeddedServer,
    error::Error,
    repo::pitches::{self, NewPitch},
    types::{Account, Model, PitchId, Symbol, WeekId},
};

/// A migrated database, and the server that it lives on.
async fn desk() -> (Db, EmbeddedServer) {
    let server = EmbeddedServer::temporary().unwrap();
    let db = Db::connect(&Config::from_options(server.options()))
        .await
        .unwrap();
    journal::migrate(&db).await.unwrap();
    (db, server)
}

fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, 7).unwrap()
}

fn at() -> DateTime<Utc> {
    day().and_hms_opt(14, 0, 0).unwrap().and_utc()
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
    let (db, _server) = desk().await;
    let week = WeekId::containing(day());
    let id = journal::pitch_with_note(&db, week, pitch(week), note("Half the size"), at())
        .await
        .unwrap();
    assert_eq!(
        notes::find(&db, id).await.unwrap(),
        Some(note("Half the size"))
    );

    notes::write(&db, id, &note("All of it"), at())
        .await
        .unwrap();
    let noted = notes::of_week(&db, week).await.unwrap();
    assert_eq!(noted.len(), 1);
    assert_eq!(noted[0].model.as_str(), "chatgpt");
    assert_eq!(noted[0].note, Some(note("All of it")));
}

#[tokio::test]
async fn a_note_that_fails_undoes_the_pitch() {
    let (db, _server) = desk().await;
    let week = WeekId::containing(day());
    let nobody = PitchId::generate(at());
    let outcome: Result<(), Error> = db
        .transaction(async |tx| {
            pitches::save(&mut *tx, week, None, &[pitch(week)], at()).await?;
            notes::write(tx, nobody, &note("about nothing"), at()).await
        })
        .await;
    let error = outcome.unwrap_err();
    assert!(
        error.to_string().contains("trade_notes_pitch_fkey"),
        "{error}"
    );
    assert_eq!(notes::of_week(&db, week).await.unwrap(), []);
}

/// Whoever writes it: what [`Note`] could not read is not stored.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a statement of the test alone")]
async fn the_domain_refuses_what_is_no_note() {
    let (db, _server) = desk().await;
    for (note, fits) in [
        (r#"{"text": "Half"}"#, true),
        (r#"{"text": ""}"#, false),
        ("{}", false),
    ] {
        let cast = sqlx::query("SELECT $1::text::jsonb::note_document")
            .bind(note)
            .execute(&db)
            .await;
        assert_eq!(cast.is_ok(), fits, "{note}");
    }
}

/// Twice, since a program migrates whenever it starts: neither list of migrations knows anything of the other's.
#[tokio::test]
async fn both_crates_migrate_one_database() {
    let (db, _server) = desk().await;
    assert_eq!(db.migrate(&llm_trading_db::SCHEMA).await.unwrap(), 0);
    assert_eq!(db.migrate(&journal::SCHEMA).await.unwrap(), 0);
    assert_eq!(
        db.verify(&llm_trading_db::SCHEMA).await.unwrap().findings,
        []
    );
}

#[tokio::test]
async fn the_statements_fit_the_live_database() {
    let (db, _server) = desk().await;
    let verification = db.verify(&journal::SCHEMA).await.unwrap();
    assert_eq!(verification.statements, 3);
    assert_eq!(verification.findings, []);
}
