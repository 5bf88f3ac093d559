//! A service that cannot be spawned is of no use behind a route: each of them runs as a task of its own, generic over its borrows.

use crate::{
    council::council_week,
    fixtures::{database, week},
};
use chrono::NaiveDate;
use llm_trading_db::{
    adopt,
    db::{Db, Tx},
    documents::EventDocument,
    error::{Error, Result},
    service::{
        council,
        journal::{self, Instead},
        market,
        metrics::{self, Scope, Window},
        performance,
    },
    types::{Account, EventId, FarPrices, Symbol, Timestamp, WeekId},
};
use std::pin::Pin;

type Task<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// What compiles for every lifetime is accepted by `tokio::spawn`, by axum and by `async_trait`.
fn tasks<'a>(db: &'a Db, symbols: &'a [Symbol], day: NaiveDate, at: Timestamp) -> Vec<Task<'a>> {
    vec![
        Box::pin(async move {
            metrics::run(db, Window::default(), Scope::All)
                .await
                .map(drop)
        }),
        Box::pin(async move {
            let run = metrics::run_with(db, Window::default(), Scope::Changed, drop);
            run.await.map(drop)
        }),
        Box::pin(async move { performance::run(db, None, at).await.map(drop) }),
        Box::pin(async move { market::snapshot(db, symbols, day).await.map(drop) }),
        Box::pin(async move { market::metrics(db).await.map(drop) }),
        Box::pin(async move {
            let weeks: &[(Account, WeekId)] = &[(Account::new("CLAUDE")?, WeekId::containing(day))];
            doubts(db, weeks).await
        }),
        Box::pin(async move {
            let week = council::load(db, WeekId::containing(day), None).await;
            week.map(drop)
        }),
        Box::pin(async move { council::save(db, &council_week(), at).await.map(drop) }),
        Box::pin(async move {
            let hour = market::checkpoint(db, symbols, WeekId::containing(day), day, 10);
            hour.await.map(drop)
        }),
        Box::pin(async move {
            let void = journal::void(db, EventId::from_key("none"), "no such event", at);
            void.await.map(drop)
        }),
        Box::pin(async move {
            let instead = Instead {
                week_id: WeekId::containing(day),
                account: Account::new("GROK")?,
                event: EventDocument::new(serde_json::from_str(EXIT).unwrap())?.into_inner(),
                occurred_at: at,
            };
            let (id, far) = (EventId::from_key("none"), FarPrices::Refused);
            let correction = journal::correct(db, id, "typo", &instead, far).await;
            correction.map(drop)
        }),
        Box::pin(async move {
            let options = adopt::Options::default();
            match adopt::run(db, &options, at, drop).await {
                Err(adopt::Error::InTheWay(_)) => Ok(()),
                other => panic!("an empty database has nothing to adopt: {other:?}"),
            }
        }),
    ]
}

const EXIT: &str = r#"{"event_type":"EXIT","price":110}"#;

async fn doubts(db: &Db, weeks: &[(Account, WeekId)]) -> Result<()> {
    let look = async |tx: &mut Tx| journal::doubts(tx, weeks).await;
    db.transaction(look).await.map(drop)
}

#[tokio::test]
async fn each_service_runs_as_a_task() {
    let db = database().await;
    let at = "2026-01-09T21:05:00Z".parse().unwrap();
    let (symbols, day) = ([Symbol::new("SPY").unwrap()], week("2026-01-07").start());
    let count = tasks(&db, &symbols, day, at).len();
    for n in 0..count {
        let db = db.clone();
        tokio::spawn(async move {
            let task = tasks(&db, &symbols, day, at).remove(n);
            // An empty database may lack what is asked for.
            match task.await {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(error) => panic!("{n}: {error}"),
            }
        })
        .await
        .unwrap();
    }
}
