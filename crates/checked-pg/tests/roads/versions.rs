//! Servers of other versions.

use checked_pg::{
    config::Config,
    db::Db,
    error::{Error, MigrationError},
};
use sqlx::{
    SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};
use std::time::Duration;
use test_servers::{Cluster, ClusterSettings};

#[tokio::test]
async fn an_older_server_is_refused_before_anything_is_applied() {
    let programs = match checked_pg_server::pinned(14) {
        Ok(programs) => programs,
        Err(why) => {
            return test_servers::skipped(&format!("no PostgreSQL 14 for this machine: {why}"));
        }
    };
    let server = Cluster::start_of(programs, &ClusterSettings::default());
    let db = Db::connect(&Config::from_url(&server.url()).unwrap())
        .await
        .unwrap();
    let sql = "CREATE TABLE notes (id int)".into_sql_str();
    let migration = Migration::new(1, "notes".into(), MigrationType::Simple, sql, false);
    let migrator = Migrator::with_migrations(vec![migration]);
    let error = db.migrate_with(&migrator).await.unwrap_err();
    assert!(
        matches!(error, Error::Migration(MigrationError::TooOld { .. })),
        "{error:?}"
    );
    let line = error.to_string();
    assert!(
        line.starts_with("the server is PostgreSQL 14.")
            && line.ends_with("upgrade it to PostgreSQL 15 or later; nothing was applied"),
        "{line}"
    );
    let made =
        server.psql("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace");
    assert_eq!(made, "0");
    let findings = db
        .verify(&checked_pg::Schema::empty())
        .await
        .unwrap()
        .findings;
    assert_eq!(findings.len(), 1, "{findings:?}");
    db.close(Duration::from_secs(1)).await;
}
