//! `Db::verify`: a healthy database gives no finding, and each way to drift gives its line.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "schemas are changed as no statement of the crate does it"
)]

mod drift;
mod own;
mod server;

use std::time::Instant;

use llm_trading_db::{
    config::Config,
    db::{Db, Finding, Verification},
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, postgres::PgConnectOptions};

use crate::support;

/// A migrated database, and a session outside of the pool that spoils it.
struct Live {
    options: PgConnectOptions,
    outside: PgConnection,
}

impl Live {
    async fn new() -> Self {
        Self::on(support::database_options().await).await
    }

    async fn on(options: PgConnectOptions) -> Self {
        let outside = PgConnection::connect_with(&options).await.unwrap();
        Self { options, outside }
    }

    async fn run(&mut self, sql: &str) {
        self.outside
            .execute(AssertSqlSafe(sql.to_owned()))
            .await
            .unwrap();
    }

    async fn db(&self) -> Db {
        let config = Config::from_options(self.options.clone());
        Db::connect(&config).await.unwrap()
    }

    async fn verify(&self) -> Verification {
        self.db()
            .await
            .verify(&llm_trading_db::SCHEMA)
            .await
            .unwrap()
    }

    async fn lines(&self) -> Vec<String> {
        let findings = self.verify().await.findings;
        assert!(findings.iter().all(|finding| !finding.advice.is_empty()));
        findings.into_iter().map(|finding| finding.what).collect()
    }
}

/// The one finding.
fn only(findings: &[Finding]) -> (&str, &str) {
    assert_eq!(findings.len(), 1, "{findings:#?}");
    (&findings[0].what, &findings[0].advice)
}

#[tokio::test]
async fn a_healthy_database_gives_no_finding() {
    let live = Live::new().await;
    let verification = live.verify().await;
    assert_eq!(verification.findings, []);
    assert!(verification.statements > 70, "{verification:?}");
    assert!(verification.migrations > 5, "{verification:?}");
    assert!(
        verification.server_version.contains('.'),
        "{verification:?}"
    );
}

/// sqlx reads the plans, and the plans follow the data.
#[tokio::test]
async fn data_and_statistics_make_no_difference() {
    let mut live = Live::new().await;
    live.run(
        "INSERT INTO daily_bars (symbol, date, open, high, low, close, volume)
         SELECT 'S' || s, date '1990-01-01' + d, 10, 12, 9, 11, 1000
         FROM generate_series(1, 20) AS s, generate_series(1, 5000) AS d;
         INSERT INTO daily_log_returns (symbol, date, log_return)
         SELECT symbol, date, 0.01 FROM daily_bars WHERE date > '1995-01-01';
         INSERT INTO logs (id, level, message)
         SELECT gen_random_uuid(), 'INFO', 'n' || n FROM generate_series(1, 1000) AS n;
         ANALYZE",
    )
    .await;
    let db = live.db().await;
    let start = Instant::now();
    let verification = db.verify(&llm_trading_db::SCHEMA).await.unwrap();
    eprintln!(
        "{} statements in {:?}",
        verification.statements,
        start.elapsed()
    );
    assert_eq!(verification.findings, []);
}
