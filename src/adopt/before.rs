//! What is looked at before anything moves.

use super::{End, Error, Options, in_the_way, statements};
use crate::{
    db::{Db, Tx},
    error::{MigrationError, TimeoutKind},
};

/// Looks whether anything stands in the way. Returns who else is connected.
pub(super) async fn look(tx: &mut Tx, options: &Options) -> Result<Vec<String>, End> {
    if let Some(objection) = statements::objection(tx).await? {
        return Err(in_the_way(objection));
    }
    if statements::adoption_is_taken(tx).await? {
        return Err(in_the_way(
            "there is a schema adoption of others, which this program needs for itself: rename it",
        ));
    }
    let missing = statements::missing_ownership(tx).await?;
    if !missing.is_empty() {
        return Err(in_the_way(missing.join("; ")));
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

/// Looks whether anything can be written at all.
pub(super) async fn writable(tx: &mut Tx) -> Result<(), End> {
    match statements::not_writable(tx).await? {
        None => Ok(()),
        Some(why) => Err(in_the_way(why)),
    }
}

/// Looks whether the role may do what comes first.
pub(super) async fn rights(tx: &mut Tx) -> Result<(), End> {
    match statements::missing_rights(tx).await? {
        missing if missing.is_empty() => Ok(()),
        missing => Err(in_the_way(missing.join("; "))),
    }
}

/// Says who holds an old table where that is what stood in the way.
pub(super) async fn held(db: &Db, error: Error) -> Error {
    let Error::Database(crate::Error::Timeout(TimeoutKind::Lock)) = error else {
        return error;
    };
    let sessions = db
        .transaction_once(async |tx| statements::in_transactions(tx).await)
        .await;
    Error::InTheWay(format!(
        "nothing was changed, since another transaction held one of the tables for five seconds: end it, or try again later: {}",
        sessions.unwrap_or_default().join("; ")
    ))
}

/// Something of others has the name of something that the migrations make.
pub(super) fn taken_name(error: crate::Error) -> End {
    // Of tables, of types and constraints, of schemas, of functions.
    const TAKEN: [&str; 4] = ["42P07", "42710", "42P06", "42723"];
    let code = match &error {
        crate::Error::Migration(MigrationError::Failed { source, .. }) => match &**source {
            crate::Error::Database(found) => found.code().to_owned(),
            _ => String::new(),
        },
        _ => String::new(),
    };
    match TAKEN.contains(&code.as_str()) {
        false => error.into(),
        true => in_the_way(format!(
            "nothing was changed, since something of others has a name that this program needs: rename it ({error})"
        )),
    }
}
