//! The schema `compat`, in which programs of the Python layer find the tables as they knew them.

use sqlx::PgExecutor;

use crate::error::Result;

/// The name of the schema, if this session finds it first: it is for programs of the Python layer, and hides the tables from this
/// crate.
#[tracing::instrument(name = "db.compat.find_in_front", skip_all, err(level = "debug"))]
pub async fn find_in_front(db: impl PgExecutor<'_>) -> Result<Option<&'static str>> {
    let in_front = sqlx::query_scalar!(
        r#"SELECT COALESCE(current_schema() = 'compat', false) AS "in_front!""#
    )
    .fetch_one(db)
    .await?;
    Ok(in_front.then_some("compat"))
}
