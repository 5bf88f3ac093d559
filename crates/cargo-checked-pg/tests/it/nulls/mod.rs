//! NOT NULL, soundly: what is proven is never NULL on the server.

mod generator;

use cargo_checked_pg::inspect::{Inspector, nulls};
use checked_pg_server::EmbeddedServer;
use generator::{Generator, SCHEMA};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, ValueRef};

/// What came of a run of random statements.
#[derive(Default, Debug)]
struct Outcome {
    /// Statements that the server runs.
    ran: usize,
    refused: usize,
    columns: usize,
    proven: usize,
    /// Columns that sqlx takes for NOT NULL, and that held a NULL.
    sqlx_wrong: usize,
    wrong: Vec<String>,
}

struct Bench {
    _server: EmbeddedServer,
    inspector: Inspector,
    db: PgConnection,
}

impl Bench {
    async fn open(schema: &'static str) -> Self {
        let server = EmbeddedServer::temporary().unwrap();
        let mut db = PgConnection::connect_with(&server.options()).await.unwrap();
        sqlx::raw_sql(schema).execute(&mut db).await.unwrap();
        let other = PgConnection::connect_with(&server.options()).await.unwrap();
        Self {
            inspector: Inspector::open(other, Vec::new()).await.unwrap(),
            _server: server,
            db,
        }
    }

    /// Which columns are NULL in a row at least; none if the server does not run the statement.
    async fn nulls(&mut self, sql: &str) -> Option<Vec<bool>> {
        let mut transaction = self.db.begin().await.unwrap();
        let rows = sqlx::raw_sql(AssertSqlSafe(sql))
            .fetch_all(&mut *transaction)
            .await;
        transaction.rollback().await.unwrap();
        let rows = rows.ok()?;
        let width = rows.first().map_or(0, Row::len);
        let null = |at| {
            let mut values = rows.iter().map(|row| row.try_get_raw(at).unwrap());
            values.any(|value| value.is_null())
        };
        Some((0..width).map(null).collect())
    }

    /// What the macros may take for NOT NULL without a finding, and what sqlx takes for it.
    async fn accepted(&mut self, sql: &str) -> (Vec<bool>, Vec<bool>) {
        let tree = self.inspector.tree(sql).await.unwrap().unwrap();
        let columns = self.inspector.outputs(sql).await.unwrap();
        let guessed: Vec<_> = columns
            .iter()
            .map(|column| column.nullable == Some(false))
            .collect();
        let proven = nulls::not_null(&self.inspector.catalog, &tree);
        // Each guess that is not proven is a finding, and nothing else is.
        let findings = nulls::findings(&self.inspector.catalog, &tree, &columns);
        let doubted = guessed
            .iter()
            .zip(&proven)
            .filter(|(guessed, proven)| **guessed && !**proven);
        assert_eq!(findings.len(), doubted.count(), "{sql}\n{findings:?}");
        (proven, guessed)
    }

    async fn run(&mut self, seeds: std::ops::Range<u64>) -> Outcome {
        let mut outcome = Outcome::default();
        for seed in seeds {
            let sql = Generator::new(seed).statement();
            let Some(nulls) = self.nulls(&sql).await else {
                outcome.refused += 1;
                continue;
            };
            outcome.ran += 1;
            let (accepted, guessed) = self.accepted(&sql).await;
            outcome.columns += accepted.len();
            outcome.proven += accepted.iter().filter(|proven| **proven).count();
            for at in (0..nulls.len()).filter(|at| nulls[*at]) {
                outcome.sqlx_wrong += usize::from(guessed[at]);
                if accepted[at] {
                    outcome
                        .wrong
                        .push(format!("seed {seed}, column {at}: {sql}"));
                }
            }
        }
        outcome
    }
}

fn judge(outcome: &Outcome) {
    println!(
        "{} statements ran, {} refused; {} of {} columns proven; sqlx was wrong {} times",
        outcome.ran, outcome.refused, outcome.proven, outcome.columns, outcome.sqlx_wrong
    );
    assert!(outcome.wrong.is_empty(), "{}", outcome.wrong.join("\n"));
    // The generator and the proofs are good for something.
    assert!(outcome.refused * 4 < outcome.ran, "too many are refused");
    assert!(outcome.proven * 5 > outcome.columns, "too little is proven");
    assert!(outcome.sqlx_wrong > 0, "nothing that sqlx gets wrong");
}

#[tokio::test]
async fn a_sample_of_random_statements_holds_no_null_that_is_proven_away() {
    judge(&Bench::open(SCHEMA).await.run(0..600).await);
}

/// `cargo test -p cargo-checked-pg --test it -- --ignored soak`
#[tokio::test]
#[ignore = "a soak: some minutes"]
async fn soak_of_random_statements() {
    judge(&Bench::open(SCHEMA).await.run(1_000_000..1_015_000).await);
}
