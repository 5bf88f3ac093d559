//! The rights that `doctor --grants` prints are enough, and none is too many.

use std::{fs, path::Path};

use cargo_checked_pg::rollout::{self, Work};
use llm_trading_db::{
    SCHEMA,
    config::Config,
    db::Db,
    error::Error,
    repo::{accounts, users},
    types::{AccountId, UserId},
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, postgres::PgConnectOptions};

use crate::{
    cli::{binary, end},
    fixtures::{at, now},
    support,
};

/// A role of its own with the rights for its work on a database, and a session of the superuser there.
struct Tried {
    role: String,
    grants: String,
    options: PgConnectOptions,
    outside: PgConnection,
}

impl Tried {
    async fn new(options: PgConnectOptions, work: Work) -> Self {
        let mut outside = PgConnection::connect_with(&options).await.unwrap();
        let role = format!("{work:?}_of_{}", options.get_database().unwrap());
        let grants = rollout::grants(&SCHEMA, &role, work).await.unwrap();
        let make = format!("CREATE ROLE \"{role}\" LOGIN; {grants}");
        outside.execute(AssertSqlSafe(make)).await.unwrap();
        Self {
            options: options.username(&role),
            role,
            grants,
            outside,
        }
    }

    async fn on_migrated(work: Work) -> Self {
        Self::new(support::database_options().await, work).await
    }

    async fn db(&self) -> Db {
        let config = Config::from_options(self.options.clone());
        Db::connect(&config).await.unwrap()
    }

    async fn run(&mut self, sql: String) {
        self.outside.execute(AssertSqlSafe(sql)).await.unwrap();
    }

    fn url(&self) -> String {
        let url = checked_pg::testing::url(&self.options);
        url.replace("//postgres@", &format!("//{}@", self.role))
    }
}

#[tokio::test]
async fn a_role_that_writes_does_all_work_of_the_desk() {
    let tried = Tried::on_migrated(Work::Write).await;
    let db = tried.db().await;
    assert_eq!(db.migrate(&SCHEMA).await.unwrap(), 0);
    assert_eq!(db.verify(&SCHEMA).await.unwrap().findings, []);
    let folder = std::env::temp_dir().join(format!("{}.csv", tried.role));
    let bars: String = (1..29)
        .flat_map(|day| ["SPY", "TLT"].map(|symbol| (symbol, day)))
        .map(|(symbol, day)| {
            let close = day * day + symbol.len() as i32 * day;
            format!("{symbol},2026-01-{day:02},1,9999,1,{close},7\n")
        })
        .collect();
    fs::write(
        &folder,
        format!("symbol,date,open,high,low,close,volume\n{bars}"),
    )
    .unwrap();
    let file = folder.to_str().unwrap();
    for arguments in [
        &["import-bars", file][..],
        &["metrics", "--window", "5"],
        &["metrics", "--backfill", "--window", "6"],
        &["performance"],
        &["snapshot"],
        &["matrix"],
        &["leaderboard"],
        &["events"],
        &["status"],
        &["doctor"],
    ] {
        let ended = end(binary(&tried.url()).args(arguments));
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
    }
    fs::remove_file(&folder).unwrap();
    let account = AccountId::generate(now());
    let cash = "70.25".parse().unwrap();
    accounts::open(&db, account, cash, now()).await.unwrap();
    let more = "0.75".parse().unwrap();
    accounts::deposit(&db, account, more).await.unwrap();
    db.transaction(async |tx| accounts::lock(tx, &[account]).await)
        .await
        .unwrap();
}

/// The query cache: each file and what it holds.
pub(super) fn cached() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let entries = files.filter(|file| {
        file.extension()
            .is_some_and(|extension| extension == "json")
    });
    entries
        .map(|file| {
            (
                file.display().to_string(),
                fs::read_to_string(&file).unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_role_that_writes_has_no_right_too_many() {
    let mut tried = Tried::on_migrated(Work::Write).await;
    let db = tried.db().await;
    let grants = tried.grants.clone();
    let statements = cached();
    let mut tables = 0;
    for line in grants.lines().filter(|line| !line.contains(" SCHEMA ")) {
        let (rights, rest) = line
            .strip_prefix("GRANT ")
            .unwrap()
            .split_once(" ON ")
            .unwrap();
        let (table, _) = rest.split_once(" TO ").unwrap();
        if table == "_sqlx_migrations" {
            continue;
        }
        tables += 1;
        // The others say nothing about it, and take their time.
        let of_table: Vec<(&str, &str)> = statements
            .iter()
            .filter(|(_, entry)| entry.contains(table))
            .map(|(name, entry)| (name.as_str(), entry.as_str()))
            .collect();
        for right in rights.split(", ") {
            let role = tried.role.clone();
            tried
                .run(format!("REVOKE {right} ON {table} FROM \"{role}\""))
                .await;
            let findings = db.verify_statements(&of_table).await.unwrap();
            assert!(!findings.is_empty(), "nothing needs {right} on {table}");
            let mend = format!("grant what is missing: GRANT {right} ON {table} TO \"{role}\"");
            assert!(
                findings.iter().all(|finding| finding.advice == mend),
                "{right} on {table}: {findings:#?}"
            );
            tried
                .run(format!("GRANT {right} ON {table} TO \"{role}\""))
                .await;
        }
    }
    assert!(tables > 15, "{grants}");
}

#[tokio::test]
async fn a_role_that_reads_reads_and_writes_nothing() {
    let tried = Tried::on_migrated(Work::Read).await;
    let others: Vec<_> = tried
        .grants
        .lines()
        .filter(|line| {
            !line.starts_with("GRANT SELECT ON ") && !line.starts_with("GRANT USAGE ON SCHEMA ")
        })
        .collect();
    assert_eq!(others, [""; 0]);
    for command in ["events", "status"] {
        end(binary(&tried.url()).arg(command)).ok();
    }
    // Whoever is denied a right learns how to grant it.
    let file = std::env::temp_dir().join(format!("{}.csv", tried.role));
    fs::write(
        &file,
        "symbol,date,open,high,low,close,volume\nSPY,2026-01-07,3,9,1,4,7\n",
    )
    .unwrap();
    let denied = end(binary(&tried.url()).arg("import-bars").arg(&file));
    fs::remove_file(&file).unwrap();
    denied.failed(&[
        "permission denied for table daily_bars",
        "`llm-trading-db doctor`, run as this role, names the GRANT that is missing",
    ]);
    let doctor = end(binary(&tried.url()).arg("doctor"));
    assert_eq!(doctor.code, Some(1), "{doctor:?}");
    let mend = format!("GRANT INSERT, UPDATE ON daily_bars TO \"{}\"", tried.role);
    assert!(doctor.out.contains(&mend), "{}", doctor.out);
    let db = tried.db().await;
    assert_eq!(users::active(&db).await.unwrap(), []);
    let id = UserId::generate(at("2026-01-08T00:00:00Z"));
    let error = users::set_active(&db, id, true).await.unwrap_err();
    assert!(matches!(error, Error::Database(_)), "{error:?}");
    assert_eq!(
        error.to_string(),
        "permission denied for table users (SQLSTATE 42501); `Db::verify` names the GRANT that is missing"
    );
}

#[tokio::test]
async fn a_role_that_migrates_migrates_an_empty_database() {
    let tried = Tried::new(support::bare_database_options().await, Work::Migrate).await;
    let db = tried.db().await;
    assert!(db.migrate(&SCHEMA).await.unwrap() > 0);
    assert_eq!(db.verify(&SCHEMA).await.unwrap().findings, []);
}
