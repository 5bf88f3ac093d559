//! mistake: a connection, a transaction or a statement by any other road of sqlx
//! covers: a connection by hand; sqlx's `begin`; SQL as text
//! symptom: half of a week was stored after an error
//! stage: clippy
//! expect: sqlx::pool::PoolOptions::connect
//! expect: sqlx::pool::PoolOptions::connect_with
//! expect: sqlx::Pool::connect_lazy
//! expect: sqlx::pool::PoolOptions::connect_lazy_with
//! expect: sqlx::Pool::begin_with
//! expect: sqlx::Pool::try_begin
//! expect: sqlx::Connection::begin_with
//! expect: sqlx::Pool::try_acquire
//! expect: sqlx::Acquire::acquire
//! expect: sqlx::postgres::PgListener::connect
//! expect: sqlx::Connection::transaction
//! expect: sqlx::Executor::prepare
//! expect: sqlx::Statement::query
//! expect: sqlx::Executor::execute_many
//! expect: sqlx::Executor::fetch_many
//! expect: sqlx::PgConnection::copy_in_raw
//! expect: sqlx::query
//! expect: sqlx::migrate::Migrate::lock

use llm_trading_db::{db::Db, error::Result};

#[cfg(mistake)]
mod roads {
    use sqlx::{
        Acquire, Connection, Executor, PgConnection, PgPool, SqlSafeStr, Statement,
        migrate::Migrate,
        postgres::{PgConnectOptions, PgListener, PgPoolOptions},
    };

    pub async fn pools(options: PgConnectOptions) -> sqlx::Result<[PgPool; 4]> {
        Ok([
            PgPoolOptions::new().connect("postgres://x").await?,
            PgPoolOptions::new().connect_with(options.clone()).await?,
            PgPool::connect_lazy("postgres://x")?,
            PgPoolOptions::new().connect_lazy_with(options),
        ])
    }

    pub async fn transactions(pool: &PgPool, conn: &mut PgConnection) -> sqlx::Result<()> {
        pool.begin_with("BEGIN READ ONLY").await?.commit().await?;
        if let Some(tx) = pool.try_begin().await? {
            tx.commit().await?;
        }
        conn.begin_with("BEGIN").await?.commit().await?;
        conn.transaction(|_| Box::pin(async move { Ok::<_, sqlx::Error>(()) })).await
    }

    pub async fn connections(pool: &PgPool) -> sqlx::Result<PgListener> {
        drop(pool.try_acquire());
        Acquire::acquire(pool).await?.ping().await?;
        PgListener::connect("postgres://x").await
    }

    pub async fn statements(conn: &mut PgConnection) -> sqlx::Result<()> {
        use sqlx::query as quietly;
        let prepared = conn.prepare("SELECT 1".into_sql_str()).await?;
        prepared.query().execute(&mut *conn).await?;
        drop(conn.execute_many("DELETE FROM logs"));
        drop(conn.fetch_many("DELETE FROM logs"));
        quietly("DELETE FROM logs").execute(&mut *conn).await?;
        conn.copy_in_raw("COPY logs FROM STDIN").await?.finish().await?;
        Ok(())
    }

    pub async fn migrations(conn: &mut PgConnection) -> std::result::Result<(), sqlx::migrate::MigrateError> {
        conn.lock().await
    }
}

pub async fn clear(db: &Db) -> Result<()> {
    db.transaction(async |tx| {
        sqlx::query!("DELETE FROM logs").execute(tx).await?;
        Ok(())
    })
    .await
}

#[cfg(not(mistake))]
pub async fn clear_twice(db: &Db) -> Result<()> {
    clear(db).await?;
    clear(db).await
}
