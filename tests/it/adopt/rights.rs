//! What the role that adopts may do, and what others may do afterwards.

use sqlx::{Connection, PgConnection};

use super::{
    adopting::{lines, report},
    old::{Old, TABLES},
    rows::rows,
};
use crate::cli::{binary, end};

/// Roles belong to the server, which other tests use as well.
struct Role(String);

impl Role {
    async fn new(old: &Old, name: &str) -> Self {
        let name = format!("{name}_{}", std::process::id());
        old.run(&format!("CREATE ROLE {name} LOGIN")).await;
        Self(name)
    }

    /// The address with which this role comes.
    fn url(&self, old: &Old) -> String {
        let url = old
            .url
            .replacen("://postgres@", &format!("://{}@", self.0), 1);
        assert_ne!(url, old.url);
        url
    }

    async fn gone(self, old: &Old) {
        old.run(&format!("DROP OWNED BY {0}; DROP ROLE {0}", self.0))
            .await;
    }
}

#[tokio::test]
async fn what_the_role_may_not_do_is_told_with_the_statement_that_allows_it() {
    let old = Old::bare().await;
    let role = Role::new(&old, "adopter").await;
    let name = &role.0;
    let database = old.text("SELECT quote_ident(current_database())").await;
    let try_it = || end(binary(&role.url(&old)).args(["adopt", "--json"]));
    old.run(TABLES).await;
    old.run(&rows()).await;
    old.run(&format!(
        "REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC"
    ))
    .await;
    try_it().failed(&["GRANT TEMPORARY ON DATABASE", name]);
    old.run(&format!("GRANT TEMPORARY ON DATABASE {database} TO {name}"))
        .await;
    let owner = old.text("SELECT current_user::text").await;
    let owned = "does not own account_performance, accounts, chairman_decisions";
    let as_owner = format!(
        "get_week_id(), hourly_snapshots, logs, market_condition_performance, peer_reviews, pm_pitches, research_reports, \
        rolling_7day_log_returns, users, v_account_history, v_latest_daily, weekly_performance: run adopt as {owner}"
    );
    try_it().failed(&[
        owned,
        &as_owner,
        &format!("GRANT CREATE ON DATABASE {database} TO {name}"),
        "GRANT CREATE ON SCHEMA public",
    ]);

    old.run(&format!(
        "GRANT CREATE ON DATABASE {database} TO {name}; GRANT CREATE ON SCHEMA public TO {name};
         DO $$ DECLARE name text; BEGIN
             FOR name IN SELECT oid::regclass FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') LOOP
                 EXECUTE 'ALTER TABLE ' || name || ' OWNER TO {name}';
             END LOOP;
         END $$; ALTER FUNCTION get_week_id() OWNER TO {name};
         ALTER TABLE logs ENABLE ROW LEVEL SECURITY; ALTER TABLE logs FORCE ROW LEVEL SECURITY; CREATE POLICY few ON logs USING (id < 2)"
    ))
    .await;
    // Rows that it cannot see would be lost.
    try_it().failed(&["policies hide rows of logs", "NO FORCE ROW LEVEL SECURITY"]);
    old.run("ALTER TABLE logs NO FORCE ROW LEVEL SECURITY")
        .await;
    let report = report(&try_it());
    assert!(
        lines(&report).contains(&"logs 4 1 3".to_owned()),
        "{report}"
    );
    role.gone(&old).await;
}

/// A right on a column is a right, too; and who could read the old table finds it where it was.
#[tokio::test]
async fn rights_are_listed_and_given_on_what_programs_of_before_see() {
    let old = Old::new().await;
    let role = Role::new(&old, "counter").await;
    let name = &role.0;
    old.run(&format!(
        "GRANT SELECT ON pm_pitches TO {name}; GRANT UPDATE (age) ON users TO {name}"
    ))
    .await;
    let report = end(binary(&old.url).args(["adopt", "--grant-like-before", "--json"])).json();
    let rights: Vec<String> = report["rights"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| format!("{} {}", r["table"], r["privileges"]))
        .collect();
    assert_eq!(
        rights,
        [r#""pm_pitches" ["SELECT"]"#, r#""users" ["UPDATE (age)"]"#]
    );
    let mut reader = PgConnection::connect(&role.url(&old)).await.unwrap();
    for table in ["public.pm_pitches", "compat.pm_pitches"] {
        let count: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
                .fetch_one(&mut reader)
                .await
                .unwrap();
        assert_eq!(count, 0);
    }
    reader.close().await.unwrap();
    role.gone(&old).await;
}

/// One line says why, and what it says helps.
#[tokio::test]
async fn a_server_that_takes_no_writes_is_told_with_what_to_do() {
    let old = Old::new().await;
    old.run(&rows()).await;
    let database = old.text("SELECT quote_ident(current_database())").await;
    let owner = old.text("SELECT quote_ident(current_user)").await;
    let run = |arguments: &[&str]| end(binary(&old.url).arg("adopt").args(arguments));
    let set = format!("ALTER DATABASE {database} SET default_transaction_read_only");
    old.run(&format!("{set} = on")).await;
    for arguments in [&[][..], &["--dry-run"]] {
        run(arguments).failed(&[&format!(
            "error: this server takes no writes, since default_transaction_read_only is on for the database {database}: {set} = off"
        )]);
    }
    old.run(&format!("BEGIN READ WRITE; {set} = off; COMMIT"))
        .await;
    let of_role =
        format!("ALTER ROLE {owner} IN DATABASE {database} SET default_transaction_read_only");
    old.run(&format!("{of_role} = on")).await;
    run(&[]).failed(&[&format!("in this database: {of_role} = off")]);
    old.run(&format!("BEGIN READ WRITE; {of_role} = off; COMMIT"))
        .await;
    assert_eq!(run(&[]).code, Some(3));
}
