//! A trader's notes about pitches (table `trade_notes`).

use llm_trading_db::{
    documents::{Content, Document},
    error::Result,
    types::{Direction, Instrument, Invalid, Model, PitchId, Timestamp, WeekId},
};
use sqlx::PgExecutor;

/// The content of a [`NoteDocument`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Note {
    /// Who wrote it.
    pub trader: String,
    /// What there is to say; not empty.
    pub text: String,
}

impl Content for Note {
    const DOMAIN: &'static str = "note_document";

    fn validate(&self) -> Result<(), Invalid> {
        match self.text.as_str() {
            "" => Err(Invalid::new("text", "must not be empty")),
            _ => Ok(()),
        }
    }
}

/// A note, of the domain `note_document`.
pub type NoteDocument = Document<Note>;

/// A note beside what it is about.
#[derive(Debug, Clone, PartialEq)]
pub struct NotedPitch {
    /// Model that pitched.
    pub model: Model,
    /// What it would trade.
    pub instrument: Instrument,
    /// Which way.
    pub direction: Direction,
    /// The trader's note, if there is one.
    pub note: Option<NoteDocument>,
}

/// Writes the note about a pitch; replaces the one that is there.
///
/// # Errors
/// [`Error::Conflict`](llm_trading_db::error::Error::Conflict) on `trade_notes_pitch_fkey` if there is no such pitch.
pub async fn write(
    db: impl PgExecutor<'_>,
    pitch: PitchId,
    note: &NoteDocument,
    at: Timestamp,
) -> Result<()> {
    sqlx::query!(
        r#"
        INSERT INTO trade_notes (pitch_id, note, written_at) VALUES ($1, $2, $3)
        ON CONFLICT (pitch_id) DO UPDATE SET note = EXCLUDED.note, written_at = EXCLUDED.written_at
        "#,
        pitch,
        note,
        at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The note about a pitch, if there is one.
pub async fn find(db: impl PgExecutor<'_>, pitch: PitchId) -> Result<Option<NoteDocument>> {
    let note = sqlx::query_scalar!(
        "SELECT note FROM trade_notes WHERE pitch_id = $1::pitch_id",
        pitch,
    )
    .fetch_optional(db)
    .await?;
    Ok(note)
}

/// The pitches of a week, by model, each with its note: a table of the library beside one of ours.
pub async fn of_week(db: impl PgExecutor<'_>, week: WeekId) -> Result<Vec<NotedPitch>> {
    let pitches = sqlx::query_as!(
        NotedPitch,
        r#"
        SELECT pm_pitches.model, pm_pitches.instrument, pm_pitches.direction, trade_notes.note AS "note?"
        FROM pm_pitches
        LEFT JOIN trade_notes ON trade_notes.pitch_id = pm_pitches.id
        WHERE pm_pitches.week_id = $1::week_id
        ORDER BY pm_pitches.model
        "#,
        week,
    )
    .fetch_all(db)
    .await?;
    Ok(pitches)
}
