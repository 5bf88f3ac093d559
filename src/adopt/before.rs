//! What is looked at before anything moves.

use super::{End, Options, in_the_way, statements};
use crate::db::Tx;

/// Looks whether anything stands in the way. Returns who else is connected.
pub(super) async fn look(tx: &mut Tx, options: &Options) -> Result<Vec<String>, End> {
    if let Some(objection) = statements::objection(tx).await? {
        return Err(in_the_way(objection));
    }
    if statements::schema_is_there(tx, &options.legacy_schema).await? {
        return Err(in_the_way(format!(
            "there is a schema {} already, so the old tables need another one: give --legacy-schema NAME",
            options.legacy_schema
        )));
    }
    let published = statements::published(tx).await?;
    if !published.is_empty() && !options.published {
        return Err(in_the_way(format!(
            "publications send the old tables elsewhere ({}): drop them, or give --allow-published",
            published.join(", ")
        )));
    }
    let sessions = statements::sessions(tx).await?;
    if !sessions.is_empty() && !options.while_connected && !options.dry_run {
        return Err(in_the_way(format!(
            "others are connected to this database, and what they write meanwhile would be lost or refused: stop them, or give \
             --while-connected: {}",
            sessions.join("; ")
        )));
    }
    Ok(sessions)
}
