//! Shows the journal at work, on a private server: `cargo run`.

use anyhow::Result;
use chrono::NaiveDate;
use journal::notes::{self, Note, NoteDocument};
use llm_trading_db::{
    config::Config,
    db::Db,
    documents::{PitchDocument, PitchV2, RiskProfile},
    embedded::EmbeddedServer,
    repo::pitches::NewPitch,
    types::{Account, Model, Symbol, WeekId},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let server = EmbeddedServer::temporary()?;
    let db = Db::connect(&Config::from_options(server.options())).await?;
    journal::migrate(&db).await?;

    let day = NaiveDate::from_ymd_opt(2026, 1, 7).unwrap_or_default();
    let at = day.and_hms_opt(14, 0, 0).unwrap_or_default().and_utc();
    let week = WeekId::containing(day);
    let pitch = PitchV2::trade(
        week,
        "gpt-5.1",
        Symbol::new("TLT")?,
        "1.5".parse()?,
        RiskProfile::Base,
        vec!["Rates: policy supports duration".to_owned()],
    );
    let pitch = NewPitch {
        model: Model::new("chatgpt")?,
        account: Account::new("CHATGPT")?,
        pitch_data: PitchDocument::new(pitch.into())?,
    };
    let note = NoteDocument::new(Note {
        trader: "Ada".to_owned(),
        text: "Half the size: the auction is on Thursday".to_owned(),
    })?;
    journal::pitch_with_note(&db, week, pitch, note, at).await?;

    for pitch in notes::of_week(&db, week).await? {
        let note = pitch.note.as_ref().map_or("no note", |note| &note.text);
        println!(
            "{} {} {}: {note}",
            pitch.model, pitch.direction, pitch.instrument
        );
    }
    drop(db);
    server.stop()?;
    Ok(())
}
