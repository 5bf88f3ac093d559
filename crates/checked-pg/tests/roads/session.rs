//! What a session is when it is handed out.

use crate::support::{ask_at, server};
use checked_pg::{config::Config, db::Db};
use sqlx::AssertSqlSafe;

#[tokio::test]
async fn rows_that_a_policy_hides_are_an_error_unless_policies_are_meant() {
    let server = server();
    server.psql(
        "CREATE TABLE hidden (n int); INSERT INTO hidden VALUES (3), (1), (2); ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; \
         CREATE POLICY odd ON hidden USING (n % 2 = 1); CREATE ROLE reader LOGIN; GRANT SELECT ON hidden TO reader",
    );
    let url = server.url().replace("postgres@", "reader@");
    let config = Config::from_url(&url).unwrap();
    let count = "SELECT count(*)::text FROM hidden";
    let db = Db::connect(&config).await.unwrap();
    let error = sqlx::query_scalar::<_, String>(count)
        .fetch_one(&db)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("row-level security policy"),
        "{error}"
    );
    assert_eq!(ask_at(&config.row_security(true), count).await, "2");
}

#[tokio::test]
async fn a_connection_keeps_as_many_statements_as_it_is_told_to() {
    let url = server().url();
    let with_parameter = format!("{url}?statement-cache-capacity=70");
    for (config, most) in [
        (Config::from_url(&url).unwrap(), 512),
        (Config::from_url(&url).unwrap().statement_cache(30), 30),
        (Config::from_url(&with_parameter).unwrap(), 70),
    ] {
        let db = Db::connect(&config.max_pool_size(1)).await.unwrap();
        for n in 0..600 {
            let one = sqlx::query(AssertSqlSafe(format!("SELECT {n}")));
            one.execute(&db).await.unwrap();
        }
        // Not prepared itself.
        let kept = sqlx::raw_sql("SELECT count(*)::text FROM pg_prepared_statements");
        let kept = kept.fetch_one(&db).await.unwrap();
        assert_eq!(sqlx::Row::get::<String, _>(&kept, 0), most.to_string());
    }
}
