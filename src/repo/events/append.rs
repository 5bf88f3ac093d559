use std::collections::HashSet;

use sqlx::PgExecutor;

use super::NewEvent;
use crate::{
    db::Tx,
    error::{Error, Result},
    repo::batch::{columns, sorted},
    types::EventId,
};

/// Appends an event; says whether it was new. An event that is there already with the same content adds nothing.
///
/// # Errors
/// [`Error::Invalid`] if the id is taken by an event of other content.
#[tracing::instrument(name = "db.events.append", skip_all, fields(id = %event.id), err(level = "debug"))]
pub async fn append(tx: &mut Tx, event: &NewEvent) -> Result<bool> {
    Ok(append_many(tx, std::slice::from_ref(event)).await? == 1)
}

/// Appends events and says how many were new, which is what [`append`] says of them one by one.
///
/// # Errors
/// [`Error::Invalid`] lists the ids given twice, and those that are taken by an event of other content. The caller rolls back then, as
/// after any other error.
#[tracing::instrument(name = "db.events.append_many", skip_all, fields(rows = events.len()), err(level = "debug"))]
pub async fn append_many(tx: &mut Tx, events: &[NewEvent]) -> Result<u64> {
    if events.is_empty() {
        return Ok(0);
    }
    let rows = sorted("events", events, |event| event.id)?;
    columns!(rows => id, week_id, account, event_data, occurred_at);
    let appended = sqlx::query!(
        r#"
        INSERT INTO execution_events (id, week_id, account, event_data, occurred_at)
        SELECT * FROM UNNEST($1::event_id[], $2::week_id[], $3::account[], $4::event_document[], $5::timestamptz[])
        ON CONFLICT (id) DO NOTHING
        "#,
        &id[..],
        &week_id[..],
        &account[..],
        &event_data[..],
        &occurred_at[..],
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if appended < events.len() as u64 {
        refuse_taken(tx, &rows).await?;
    }
    Ok(appended)
}

/// Refuses events whose ids are stored with other content.
async fn refuse_taken(tx: &mut Tx, rows: &[&NewEvent]) -> Result<()> {
    const SHOWN: usize = 5;
    columns!(rows => id, week_id, account, event_data, occurred_at);
    let taken = sqlx::query_scalar!(
        r#"
        SELECT stored.id
        FROM UNNEST($1::event_id[], $2::week_id[], $3::account[], $4::event_document[], $5::timestamptz[])
            AS new (id, week_id, account, event_data, occurred_at)
        JOIN execution_events AS stored ON stored.id = new.id
        WHERE (stored.week_id, stored.account, stored.event_data, stored.occurred_at)
            IS DISTINCT FROM (new.week_id, new.account, new.event_data, new.occurred_at)
        ORDER BY stored.id
        "#,
        &id[..],
        &week_id[..],
        &account[..],
        &event_data[..],
        &occurred_at[..],
    )
    .fetch_all(tx)
    .await?;
    let names: Vec<String> = taken.iter().take(SHOWN).map(ToString::to_string).collect();
    let (names, more) = (names.join(", "), taken.len().saturating_sub(SHOWN));
    let why = match (taken.len(), more) {
        (0, _) => return Ok(()),
        (1, _) => {
            format!("event {names} is stored with other content; give this one a key of its own")
        }
        (_, 0) => {
            format!("events {names} are stored with other content; give these keys of their own")
        }
        _ => format!(
            "events {names} and {more} more are stored with other content; give these keys of their own"
        ),
    };
    Err(Error::invalid("id", why))
}

/// The ids of those events that were stored before this transaction with the same content under another id, as by a program of the
/// Python layer, which took an id at random.
#[tracing::instrument(name = "db.events.known", skip_all, fields(rows = events.len()), err(level = "debug"))]
pub async fn known(db: impl PgExecutor<'_>, events: &[NewEvent]) -> Result<HashSet<EventId>> {
    if events.is_empty() {
        return Ok(HashSet::new());
    }
    columns!(events => id, week_id, account, event_data, occurred_at);
    let known = sqlx::query_scalar!(
        r#"
        SELECT new.place AS "place!"
        FROM UNNEST($1::event_id[], $2::week_id[], $3::account[], $4::event_document[], $5::timestamptz[])
            WITH ORDINALITY AS new (id, week_id, account, event_data, occurred_at, place)
        WHERE EXISTS (
            SELECT
            FROM execution_events AS stored
            WHERE stored.account = new.account
              AND stored.occurred_at = new.occurred_at
              AND stored.week_id = new.week_id
              AND stored.event_data = new.event_data
              AND stored.id <> new.id
              AND stored.xmin IS DISTINCT FROM pg_current_xact_id_if_assigned()::xid
        )
        "#,
        &id[..],
        &week_id[..],
        &account[..],
        &event_data[..],
        &occurred_at[..],
    )
    .fetch_all(db)
    .await?;
    let known: HashSet<i64> = known.into_iter().collect();
    let places = (1..).zip(events);
    Ok(places
        .filter(|(place, _)| known.contains(place))
        .map(|(_, event)| event.id)
        .collect())
}
