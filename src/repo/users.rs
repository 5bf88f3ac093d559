//! Users of the desk (table `users`).
//!
//! | function | flights | index |
//! |---|---|---|
//! | [`add`], [`add_many`], [`get`], [`change`], [`set_active`] | 1 | primary key |
//! | [`find_by_email`] | 1 | `users_email_key` |
//! | [`active`] | 1 | whole table |

use sqlx::PgExecutor;

use super::batch::{all_of, columns, sorted};
use crate::{
    error::{Error, Result},
    types::{Email, Timestamp, UserId, UserName},
};

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct User {
    /// Made with [`UserId::generate`].
    pub id: UserId,
    /// Display name.
    pub name: UserName,
    /// Address; unique regardless of case.
    pub email: Email,
    /// False once the user has left.
    pub active: bool,
    /// Age in years, where known.
    pub age: Option<i32>,
    /// When the user was added.
    pub created_at: Timestamp,
}

/// Adds a user.
///
/// # Errors
/// [`Error::Conflict`] on `users_email_key` if the address is taken, on `users_age_plausible` if the age is not 0 to 150.
#[tracing::instrument(name = "db.users.add", skip_all, fields(id = %user.id), err(level = "debug"))]
pub async fn add(db: impl PgExecutor<'_>, user: &User) -> Result<()> {
    sqlx::query!(
        "INSERT INTO users (id, name, email, active, age, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        user.id,
        user.name,
        user.email,
        user.active,
        user.age,
        user.created_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Adds users: one statement, all or nothing.
///
/// # Errors
/// [`Error::Invalid`] lists the ids given twice; else as [`add`].
#[tracing::instrument(name = "db.users.add_many", skip_all, fields(rows = users.len()), err(level = "debug"))]
pub async fn add_many(db: impl PgExecutor<'_>, users: &[User]) -> Result<()> {
    if users.is_empty() {
        return Ok(());
    }
    let rows = sorted("users", users, |user| user.id)?;
    columns!(rows => id, name, email, active, created_at);
    // An array of integers has no room for an age that is not known.
    let age: Vec<i64> = rows
        .iter()
        .map(|user| user.age.map_or(i64::MIN, i64::from))
        .collect();
    let added = sqlx::query!(
        r#"
        INSERT INTO users (id, name, email, active, age, created_at)
        SELECT new.id, new.name, new.email, new.active, NULLIF(new.age, -9223372036854775808)::integer, new.created_at
        FROM UNNEST($1::user_id[], $2::user_name[], $3::email[], $4::boolean[], $5::bigint[], $6::timestamptz[])
            AS new (id, name, email, active, age, created_at)
        "#,
        &id[..],
        &name[..],
        &email[..],
        &active[..],
        &age[..],
        &created_at[..],
    )
    .execute(db)
    .await?;
    all_of(users.len(), added.rows_affected())
}

/// Fetches one user.
///
/// # Errors
/// [`Error::NotFound`] if no user has this id.
#[tracing::instrument(name = "db.users.get", skip_all, fields(%id), err(level = "debug"))]
pub async fn get(db: impl PgExecutor<'_>, id: UserId) -> Result<User> {
    sqlx::query_as!(
        User,
        "SELECT id, name, email, active, age, created_at FROM users WHERE id = $1::user_id",
        id,
    )
    .fetch_optional(db)
    .await?
    .ok_or_else(|| Error::not_found("user", id))
}

/// The user with an address, however it is capitalised.
#[tracing::instrument(name = "db.users.find_by_email", skip_all, err(level = "debug"))]
pub async fn find_by_email(db: impl PgExecutor<'_>, email: &Email) -> Result<Option<User>> {
    let user = sqlx::query_as!(
        User,
        r#"
        SELECT id, name, email, active, age, created_at
        FROM users
        WHERE lower(email) = lower($1::email)
        "#,
        email,
    )
    .fetch_optional(db)
    .await?;
    Ok(user)
}

/// The users who have not left, by name, then by id.
#[tracing::instrument(name = "db.users.active", skip_all, err(level = "debug"))]
pub async fn active(db: impl PgExecutor<'_>) -> Result<Vec<User>> {
    let users = sqlx::query_as!(
        User,
        "SELECT id, name, email, active, age, created_at FROM users WHERE active ORDER BY name, id",
    )
    .fetch_all(db)
    .await?;
    Ok(users)
}

/// What [`change`] changes: only what is `Some`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Another name.
    pub name: Option<UserName>,
    /// Another address.
    pub email: Option<Email>,
    /// Another age; `Some(None)` if it is not known any more.
    pub age: Option<Option<i32>>,
}

/// Changes of a user what is given, and leaves the rest as another writer may have made it; returns the user as it is then.
///
/// # Errors
/// [`Error::NotFound`] if no user has this id; those of [`add`].
#[tracing::instrument(name = "db.users.change", skip_all, fields(%id), err(level = "debug"))]
pub async fn change(db: impl PgExecutor<'_>, id: UserId, change: &Change) -> Result<User> {
    sqlx::query_as!(
        User,
        r#"
        UPDATE users
        SET name = COALESCE($2::user_name, name),
            email = COALESCE($3::email, email),
            age = CASE WHEN $4::boolean THEN $5 ELSE age END
        WHERE id = $1::user_id
        RETURNING id, name, email, active, age, created_at
        "#,
        id,
        change.name.as_ref(),
        change.email.as_ref(),
        change.age.is_some(),
        change.age.flatten(),
    )
    .fetch_optional(db)
    .await?
    .ok_or_else(|| Error::not_found("user", id))
}

/// Says that a user has left, or is back.
///
/// # Errors
/// [`Error::NotFound`] if no user has this id.
#[tracing::instrument(name = "db.users.set_active", skip_all, fields(%id, active), err(level = "debug"))]
pub async fn set_active(db: impl PgExecutor<'_>, id: UserId, active: bool) -> Result<()> {
    let updated = sqlx::query!(
        "UPDATE users SET active = $2 WHERE id = $1::user_id",
        id,
        active
    )
    .execute(db)
    .await?;
    match updated.rows_affected() {
        0 => Err(Error::not_found("user", id)),
        _ => Ok(()),
    }
}
