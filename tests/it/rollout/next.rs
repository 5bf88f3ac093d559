//! Programs beside a schema that is newer than they are: the previous release's on this schema, and this one on the next.

use std::{
    fs,
    path::{Path, PathBuf},
};

use cargo_checked_pg::{Project, check, rollout};
use llm_trading_db::{
    SCHEMA,
    config::Config,
    db::{Db, MigrationState},
    error::{Error, MigrationError},
};
use serde_json::Value;
use sqlx::migrate::Migrator;

use crate::{
    cli::{end, plain_binary},
    fixtures::{column, execute},
    support,
};

/// What the previous release was compiled for: the number of its newest migration, then a statement a line. Landed migrations do
/// not change, so their numbers are enough. `cargo run -p xtask -- keep-release` writes it when a release is made.
const PREVIOUS: &str = include_str!("previous.jsonl");

fn previous() -> (i64, Vec<(String, String)>) {
    let mut lines = PREVIOUS.lines();
    let newest = lines.next().unwrap().parse().unwrap();
    let statement = |line: &str| {
        let entry: Value = serde_json::from_str(line).unwrap();
        (entry["place"].as_str().unwrap().to_owned(), line.to_owned())
    };
    (newest, lines.map(statement).collect())
}

async fn bare() -> Db {
    let options = support::bare_database_options().await;
    Db::connect(&Config::from_options(options)).await.unwrap()
}

/// Either the previous release goes on beside this one, with all that it does, or it refuses to start.
#[tokio::test]
async fn the_previous_release_goes_with_this_schema_or_refuses_to() {
    let (newest, statements) = previous();
    assert!(statements.len() > 70);
    let db = bare().await;
    let migrations = SCHEMA.migrator().iter();
    let known = migrations.filter(|migration| migration.version <= newest);
    let known = Migrator::with_migrations(known.cloned().collect());
    assert!(db.migrate_with(&known).await.unwrap() > 10);
    assert_eq!(db.verify_statements(&statements).await.unwrap(), []);

    db.migrate(&SCHEMA).await.unwrap();
    match db.migrate_with(&known).await {
        Ok(applied) => {
            assert_eq!(applied, 0);
            let findings = db.verify_statements(&statements).await.unwrap();
            assert_eq!(
                findings,
                [],
                "a migration since {newest} is marked as compatible and is not"
            );
        }
        Err(error) => assert!(
            matches!(error, Error::Migration(MigrationError::Ahead { .. })),
            "{error:?}"
        ),
    }
}

/// The migrations of the desk with those of the next release.
struct Next(PathBuf);

impl Next {
    fn new(name: &str, more: &[(String, String)]) -> Self {
        let path = std::env::temp_dir().join(format!("desk-next-{}-{name}", std::process::id()));
        fs::create_dir_all(path.join("migrations")).unwrap();
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        for entry in fs::read_dir(own).unwrap() {
            let from = entry.unwrap().path();
            let to = path.join("migrations").join(from.file_name().unwrap());
            fs::copy(from, to).unwrap();
        }
        for (file, sql) in more {
            fs::write(path.join(file), sql).unwrap();
        }
        Self(path)
    }

    fn migrations(&self) -> PathBuf {
        self.0.join("migrations")
    }

    async fn migrator(&self) -> Migrator {
        Migrator::new(self.migrations()).await.unwrap()
    }
}

impl Drop for Next {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn file(name: &str, sql: &str) -> (String, String) {
    (format!("migrations/{name}.sql"), sql.to_owned())
}

#[tokio::test]
async fn the_next_schema_is_tried_before_the_deploy() {
    let good = "-- compatible: expand\nALTER TABLE users ADD COLUMN nickname text;\n";
    let good = Next::new("good", &[file("9001_nickname", good)]);
    let findings = rollout::against(&SCHEMA, &good.migrations()).await.unwrap();
    assert_eq!(findings, []);

    let unmarked = "ALTER TABLE users ADD COLUMN nickname text;\n";
    let unmarked = Next::new("unmarked", &[file("9001_nickname", unmarked)]);
    let findings = rollout::against(&SCHEMA, &unmarked.migrations())
        .await
        .unwrap();
    let told: Vec<_> = findings
        .iter()
        .map(|finding| finding.what.as_str())
        .collect();
    assert_eq!(told, ["migration 9001 is not known to this program"]);

    let bad = "-- compatible: expand\nALTER TABLE users RENAME COLUMN age TO years;\n";
    let bad = Next::new("bad", &[file("9001_years", bad)]);
    let folder = bad.migrations();
    let mut doctor = plain_binary();
    let ended = end(doctor.args(["doctor", "--against", folder.to_str().unwrap()]));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended
            .out
            .contains("(repo::users::add): column \"age\" of relation \"users\" does not exist"),
        "{ended:?}"
    );
    assert!(
        ended.out.contains("  → let the next schema hold"),
        "{ended:?}"
    );
    assert!(
        ended
            .err
            .starts_with("error: this program does not go with the next schema:"),
        "{ended:?}"
    );

    let elsewhere = std::env::temp_dir().join("no such folder");
    let error = rollout::against(&SCHEMA, &elsewhere).await.unwrap_err();
    assert!(
        format!("{error:#}").starts_with("no migrations in "),
        "{error:#}"
    );
}

/// The files of the guide's example, in its order: migrations, and statements between them.
fn example() -> Vec<(String, String)> {
    let page = include_str!("../../../docs/changing-the-schema.md");
    let mut files = Vec::new();
    let mut lines = page.lines();
    let mut name = String::new();
    while let Some(line) = lines.next() {
        let quoted = line.split('`').skip(1).step_by(2);
        let path = quoted.filter(|text| text.starts_with("migrations/") || *text == "backfill.sql");
        if let Some(path) = path.last() {
            path.clone_into(&mut name);
        }
        if line == "```sql" {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            files.push((name.clone(), block.join("\n") + "\n"));
        }
    }
    files
}

/// docs/changing-the-schema.md, as a desk would do it: this program goes on until the last step, and then refuses to start.
#[tokio::test]
async fn the_guide_to_changes_of_the_schema_works() {
    let files = example();
    let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "migrations/9001_opened_at.sql",
            "backfill.sql",
            "migrations/9002_opened_at_is_there.sql",
            "migrations/9003_opened_at_is_required.sql",
            "migrations/9004_drop_created_at.sql",
        ]
    );
    let db = bare().await;
    db.migrate(&SCHEMA).await.unwrap();
    // As this program writes it.
    let insert =
        "INSERT INTO accounts (id, balance, created_at) VALUES (gen_random_uuid(), 7, now())";
    execute(&db, insert).await.unwrap();
    let mut applied = Vec::new();
    for (name, sql) in &files {
        if name == "backfill.sql" {
            while execute(&db, sql).await.unwrap() > 0 {}
            assert_eq!(apart(&db).await, 0);
            continue;
        }
        applied.push((name.clone(), sql.clone()));
        let next = Next::new("guide", &applied);
        let project = Project::open(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        let findings = check::migrations::findings(&next.0, &project.allowed).unwrap();
        assert_eq!(findings, [""; 0], "{name}");
        let migrator = next.migrator().await;
        assert_eq!(db.migrate_with(&migrator).await.unwrap(), 1, "{name}");

        let outcome = db.migrate(&SCHEMA).await;
        if name.contains("drop_created_at") {
            assert!(
                matches!(
                    outcome,
                    Err(Error::Migration(MigrationError::Ahead {
                        version: 9004,
                        ..
                    }))
                ),
                "{outcome:?}"
            );
            continue;
        }
        assert_eq!(outcome.unwrap(), 0, "{name}");
        let states = db.migrations(&SCHEMA).await.unwrap();
        assert_eq!(
            states.last().unwrap().state,
            MigrationState::Compatible,
            "{name}"
        );
        assert_eq!(db.verify(&SCHEMA).await.unwrap().findings, [], "{name}");
        execute(&db, insert).await.unwrap();
        let changed = "UPDATE accounts SET created_at = created_at - interval '1 day'";
        if name.contains("required") {
            execute(&db, changed).await.unwrap();
            assert_eq!(apart(&db).await, 0, "{name}");
        }
        assert_eq!(apart(&db).await, i64::from(name.contains("9001")), "{name}");
    }
    // As the program of the last release writes it.
    let insert =
        "INSERT INTO accounts (id, balance, opened_at) VALUES (gen_random_uuid(), 5, now())";
    execute(&db, insert).await.unwrap();
}

/// In how many rows the two columns of the example differ.
async fn apart(db: &Db) -> i64 {
    let sql = "SELECT count(*) FROM accounts WHERE opened_at IS DISTINCT FROM created_at";
    column(db, sql).await.unwrap()[0]
}
