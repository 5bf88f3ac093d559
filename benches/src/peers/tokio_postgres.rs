//! tokio-postgres with deadpool: statements prepared once per connection, rows of a batch pipelined in one transaction.

#![expect(
    clippy::disallowed_methods,
    reason = "this peer has no typed keys; its rows get theirs as a service without them would"
)]

use std::sync::Arc;

use anyhow::{Context, Result};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use deadpool_postgres::{Config, ManagerConfig, Pool, PoolConfig, RecyclingMethod, Runtime};
use futures_util::future::try_join_all;
use rust_decimal::Decimal;
use serde_json::Value;
use tokio_postgres::{NoTls, Row, types::Json};
use uuid::Uuid;

use super::{Endpoint, Peer, Read, document::Document, not_done, seen, seen_bars, sql};
use crate::{
    fixture::{BARS_EACH, Fixture},
    server::{DATABASE, HOST, PASSWORD, USER},
    workload::{Op, TOKIO_POSTGRES},
};

pub struct TokioPostgres {
    pool: Pool,
    fixture: Arc<Fixture>,
    document: Document,
    symbols: Vec<&'static str>,
}

#[allow(
    dead_code,
    reason = "decoded as a user would, and not all of it is looked at"
)]
struct Pitch {
    id: Uuid,
    week_id: NaiveDate,
    model: String,
    account: String,
    pitch_data: Document,
    instrument: String,
    direction: String,
    conviction: Decimal,
    research_date: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for Pitch {
    type Error = tokio_postgres::Error;

    fn try_from(row: Row) -> Result<Self, Self::Error> {
        Ok(Self {
            id: row.try_get(0)?,
            week_id: row.try_get(1)?,
            model: row.try_get(2)?,
            account: row.try_get(3)?,
            pitch_data: row.try_get::<_, Json<Document>>(4)?.0,
            instrument: row.try_get(5)?,
            direction: row.try_get(6)?,
            conviction: row.try_get(7)?,
            research_date: row.try_get(8)?,
            created_at: row.try_get(9)?,
        })
    }
}

impl Pitch {
    fn seen(&self) -> Value {
        let document = &self.pitch_data;
        let conviction = document.conviction.to_string();
        seen(
            self.id,
            &self.model,
            conviction,
            &document.thesis_bullets,
            self.created_at,
        )
    }
}

#[allow(
    dead_code,
    reason = "decoded as a user would, and not all of it is looked at"
)]
struct Bar {
    symbol: String,
    date: NaiveDate,
    open: Option<Decimal>,
    high: Option<Decimal>,
    low: Option<Decimal>,
    close: Option<Decimal>,
    volume: Option<i64>,
}

impl TryFrom<Row> for Bar {
    type Error = tokio_postgres::Error;

    fn try_from(row: Row) -> Result<Self, Self::Error> {
        Ok(Self {
            symbol: row.try_get(0)?,
            date: row.try_get(1)?,
            open: row.try_get(2)?,
            high: row.try_get(3)?,
            low: row.try_get(4)?,
            close: row.try_get(5)?,
            volume: row.try_get(6)?,
        })
    }
}

impl TokioPostgres {
    pub fn connect(fixture: &Arc<Fixture>, endpoint: Endpoint) -> Result<Self> {
        let config = Config {
            host: Some(HOST.to_owned()),
            port: Some(endpoint.port),
            user: Some(USER.to_owned()),
            password: Some(PASSWORD.to_owned()),
            dbname: Some(DATABASE.to_owned()),
            pool: Some(PoolConfig::new(endpoint.connections)),
            manager: Some(ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            }),
            ..Config::new()
        };
        let symbols: Vec<&'static str> = fixture
            .symbols
            .iter()
            .map(|s| &*s.to_string().leak())
            .collect();
        Ok(Self {
            pool: config.create_pool(Some(Runtime::Tokio1), NoTls)?,
            fixture: fixture.clone(),
            document: serde_json::from_str(&fixture.document)?,
            symbols,
        })
    }

    async fn nothing(&self) -> Result<Row> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached("SELECT 1").await?;
        Ok(client.query_one(&statement, &[]).await?)
    }

    async fn pitch(&self, id: Uuid) -> Result<Pitch> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(sql::PITCH).await?;
        Ok(client.query_one(&statement, &[&id]).await?.try_into()?)
    }

    /// Single reads, all under way at once on one connection.
    async fn pitches(&self, ids: &[Uuid]) -> Result<Vec<Pitch>> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(sql::PITCH).await?;
        let reads = ids
            .iter()
            .map(async |id| Pitch::try_from(client.query_one(&statement, &[id]).await?));
        Ok(try_join_all(reads).await?)
    }

    async fn bars(&self) -> Result<Vec<Bar>> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(sql::BARS).await?;
        let rows = client
            .query(
                &statement,
                &[&self.symbols, &BARS_EACH, &self.fixture.until],
            )
            .await?;
        Ok(rows
            .into_iter()
            .map(Bar::try_from)
            .collect::<Result<_, _>>()?)
    }

    async fn upsert(&self, n: usize) -> Result<()> {
        let mut client = self.pool.get().await?;
        let statement = client.prepare_cached(sql::RETURN).await?;
        let tx = client.transaction().await?;
        let (tx_ref, statement) = (&tx, &statement);
        let rows = self.fixture.returns(n).iter();
        try_join_all(rows.map(|row| async move {
            let symbol = row.symbol.as_str();
            tx_ref
                .execute(statement, &[&symbol, &row.date, &row.log_return])
                .await
        }))
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn transfer(&self) -> Result<()> {
        let (from, to) = self.fixture.accounts();
        let cent = Decimal::new(1, 2);
        let mut sides = [(from, -cent), (to, cent)];
        sides.sort();
        let mut client = self.pool.get().await?;
        let statement = client.prepare_cached(sql::ADD).await?;
        let tx = client.transaction().await?;
        for (id, change) in &sides {
            tx.execute(&statement, &[change, id]).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn save(&self, n: usize) -> Result<()> {
        let at = self.fixture.research_date();
        let mut client = self.pool.get().await?;
        let statement = client.prepare_cached(sql::SAVE).await?;
        let (week, document) = (self.fixture.week.start(), Json(&self.document));
        if n == 1 {
            let (id, model) = (
                Uuid::now_v7(),
                self.fixture.models.first().context("a model")?,
            );
            client
                .query_one(
                    &statement,
                    &[&id, &week, model, &"CLAUDE", &document, &at, &at],
                )
                .await?;
            return Ok(());
        }
        let tx = client.transaction().await?;
        let (tx_ref, statement, document) = (&tx, &statement, &document);
        try_join_all(self.fixture.models[..n].iter().map(|model| async move {
            let id = Uuid::now_v7();
            tx_ref
                .query_one(
                    statement,
                    &[&id, &week, model, &"CLAUDE", document, &at, &at],
                )
                .await
        }))
        .await?;
        tx.commit().await?;
        Ok(())
    }
}

#[async_trait]
impl Peer for TokioPostgres {
    fn name(&self) -> &'static str {
        TOKIO_POSTGRES
    }

    async fn run(&self, op: Op) -> Result<()> {
        match op {
            Op::Nothing => self.nothing().await.map(drop),
            Op::Pitch => self.pitch(self.fixture.pitch_id()).await.map(drop),
            Op::Pitches => self.pitches(&self.fixture.pitch_ids()).await.map(drop),
            Op::Bars => self.bars().await.map(drop),
            Op::Returns(n) => self.upsert(n).await,
            Op::Transfer => self.transfer().await,
            Op::Save(n) => self.save(n).await,
            op => not_done(op),
        }
    }

    async fn look(&self, read: Read) -> Result<Value> {
        Ok(match read {
            Read::Pitch(id) => self.pitch(id).await?.seen(),
            Read::Pitches(ids) => self.pitches(&ids).await?.iter().map(Pitch::seen).collect(),
            Read::Bars => {
                let bars = self.bars().await?;
                seen_bars(
                    bars.iter()
                        .map(|bar| (&*bar.symbol, bar.date, bar.close, bar.volume)),
                )
            }
        })
    }
}
