//! A crate of your own on llm-trading-db: a trader's journal of pitches.
//!
//! It calls the library's repositories, and has a table of its own with the same guarantees: own migrations, own `sqlx.toml`, own
//! query cache, a document domain and a typed repository ([`notes`]) that runs on the library's `Db` and in its transactions.

pub mod notes;

use llm_trading_db::{
    db::Db,
    error::{Error, Result},
    repo::pitches::{self, NewPitch},
    types::{PitchId, Timestamp, WeekId},
};

use notes::NoteDocument;

/// The migrations and statements of this crate; `sqlx.toml` gives its migrations a table of their own.
pub static SCHEMA: checked_pg::Schema = checked_pg::schema!();

/// Brings the database up to date: first the library's tables, then ours, which refer to them.
///
/// # Errors
/// [`Error::Migration`].
pub async fn migrate(db: &Db) -> Result<()> {
    db.migrate(&llm_trading_db::SCHEMA).await?;
    db.migrate(&SCHEMA).await?;
    Ok(())
}

/// Saves a pitch and the trader's note about it: both, or neither.
///
/// # Errors
/// The errors of [`pitches::save`] and [`notes::write`].
pub async fn pitch_with_note(
    db: &Db,
    week: WeekId,
    pitch: NewPitch,
    note: NoteDocument,
    at: Timestamp,
) -> Result<PitchId> {
    db.transaction(async |tx| {
        let pitches = std::slice::from_ref(&pitch);
        let ids = pitches::save(&mut *tx, week, None, pitches, at).await?;
        let [id] = ids[..] else {
            return Err(Error::RowCount {
                expected: 1,
                actual: ids.len() as u64,
            });
        };
        notes::write(tx, id, &note, at).await?;
        Ok(id)
    })
    .await
}
