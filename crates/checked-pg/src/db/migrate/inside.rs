//! Migrations and their verification in a transaction of the caller's, for what must be done together with them or not at all.

use super::{
    apply::{create_table, record},
    attempt::{Failure, Sent, failed},
    history::{applied, pending},
    objection, script, turn,
};
use crate::{
    Schema,
    db::{Tx, Verification, verify},
    error::{Error, MigrationError, Result},
};
use sqlx::{AssertSqlSafe, Executor, PgConnection};
use std::borrow::Cow;
use tokio::time::Instant;

impl Tx {
    /// As [`Db::migrate`](crate::Db::migrate), but in this transaction: what `schema` lacks is there when it commits, with all else
    /// that it does, or not at all. Returns how many migrations this call ran.
    ///
    /// It does not step back for others: whatever `lock_timeout` is in force holds, and the locks are kept to the end. So it is for
    /// moves that nobody should work beside anyway.
    ///
    /// # Errors
    /// As [`Db::migrate`](crate::Db::migrate); and [`MigrationError::Unusable`] if one that is missing must not be in a transaction, or if
    /// another program migrates just now.
    pub async fn migrate(&mut self, schema: &Schema) -> Result<usize> {
        self.raw(async |conn| migrate(conn, schema).await).await
    }

    /// As [`Db::verify`](crate::Db::verify), but as this transaction sees the database.
    ///
    /// # Errors
    /// As [`Db::verify`](crate::Db::verify).
    pub async fn verify(&mut self, schema: &Schema) -> Result<Verification> {
        self.raw(async |conn| verify::inside(conn, schema).await)
            .await
    }
}

async fn migrate(conn: &mut PgConnection, schema: &Schema) -> Result<usize> {
    let migrator = &schema.migrator;
    if !turn::take_in_transaction(conn).await? {
        return unusable("another program migrates this database: wait for it".into());
    }
    for schema in &*migrator.create_schemas {
        let create = format!("CREATE SCHEMA IF NOT EXISTS {schema}");
        conn.execute(AssertSqlSafe(create)).await?;
    }
    conn.execute(AssertSqlSafe(create_table(&migrator.table_name)))
        .await?;
    if let Some(objection) = objection(conn, schema).await? {
        return Err(MigrationError::Objection(objection).into());
    }
    let history = applied(conn, migrator).await?;
    let missing = pending(migrator, &history)?;
    for migration in &missing {
        let sql = script::plain(migration.sql.as_str());
        if script::is_without_transaction(&sql) {
            let version = migration.version;
            return unusable(
                format!("migration {version} must not be in a transaction: run `migrate` first")
                    .into(),
            );
        }
        let begun = Instant::now();
        let sent = conn.execute(AssertSqlSafe(sql.clone().into_owned())).await;
        let done = match sent {
            Ok(_) => record(conn, &migrator.table_name, migration, &sql, begun).await,
            Err(error) => Err(Failure::new(error, Sent::Whole)),
        };
        done.map_err(|failure| failed(migration, &sql, failure))?;
    }
    Ok(missing.len())
}

fn unusable<T>(why: Cow<'static, str>) -> Result<T> {
    Err(Error::Migration(MigrationError::Unusable(why)))
}
