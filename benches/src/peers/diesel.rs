//! diesel-async with its deadpool: the query builder where it reaches, SQL where it does not.

#![expect(
    clippy::disallowed_methods,
    reason = "this peer has no typed keys; its rows get theirs as a service without them would"
)]

use std::sync::Arc;

use anyhow::Result;
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{Array, BigInt, Date, Integer, Text},
    upsert::excluded,
};
use diesel_async::{
    AsyncConnection, AsyncPgConnection, RunQueryDsl,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod, deadpool::Pool,
    },
};
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

use super::{Endpoint, Peer, Read, document::Document, not_done, seen, seen_bars, sql};
use crate::{
    fixture::{BARS_EACH, Fixture},
    server::url,
    workload::{DIESEL, Op},
};

diesel::table! {
    pm_pitches (id) {
        id -> Uuid,
        week_id -> Date,
        model -> Text,
        account -> Text,
        pitch_data -> Jsonb,
        instrument -> Text,
        direction -> Text,
        conviction -> Numeric,
        research_date -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    daily_log_returns (symbol, date) {
        symbol -> Text,
        date -> Date,
        log_return -> Numeric,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    accounts (id) {
        id -> Uuid,
        balance -> Numeric,
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = pm_pitches)]
#[allow(
    dead_code,
    reason = "decoded as a user would, and not all of it is looked at"
)]
struct Pitch {
    id: Uuid,
    week_id: NaiveDate,
    model: String,
    account: String,
    pitch_data: PitchData,
    instrument: String,
    direction: String,
    conviction: Decimal,
    research_date: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

/// Straight from the bytes of the column: `serde_json::Value` in between would cost more.
#[derive(Debug, diesel::deserialize::FromSqlRow)]
struct PitchData(Document);

impl diesel::deserialize::FromSql<diesel::sql_types::Jsonb, diesel::pg::Pg> for PitchData {
    fn from_sql(value: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
        Ok(Self(serde_json::from_slice(&value.as_bytes()[1..])?))
    }
}

impl Pitch {
    fn seen(&self) -> Value {
        let document = &self.pitch_data.0;
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

#[derive(QueryableByName)]
#[allow(
    dead_code,
    reason = "decoded as a user would, and not all of it is looked at"
)]
struct Bar {
    #[diesel(sql_type = Text)]
    symbol: String,
    #[diesel(sql_type = Date)]
    date: NaiveDate,
    #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Numeric>)]
    open: Option<Decimal>,
    #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Numeric>)]
    high: Option<Decimal>,
    #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Numeric>)]
    low: Option<Decimal>,
    #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Numeric>)]
    close: Option<Decimal>,
    #[diesel(sql_type = diesel::sql_types::Nullable<BigInt>)]
    volume: Option<i64>,
}

pub struct Diesel {
    pool: Pool<AsyncPgConnection>,
    fixture: Arc<Fixture>,
    document: Value,
    symbols: Vec<String>,
}

impl Diesel {
    pub fn connect(fixture: &Arc<Fixture>, endpoint: Endpoint) -> Result<Self> {
        let mut config = ManagerConfig::default();
        config.recycling_method = RecyclingMethod::Fast;
        let manager = AsyncDieselConnectionManager::new_with_config(url(endpoint.port), config);
        Ok(Self {
            pool: Pool::builder(manager)
                .max_size(endpoint.connections)
                .build()?,
            fixture: fixture.clone(),
            document: serde_json::from_str(&fixture.document)?,
            symbols: fixture.symbols.iter().map(ToString::to_string).collect(),
        })
    }

    async fn nothing(&self) -> Result<i32> {
        let mut conn = self.pool.get().await?;
        let one = diesel::select(1.into_sql::<Integer>());
        Ok(one.get_result(&mut conn).await?)
    }

    async fn pitch(&self, id: Uuid) -> Result<Pitch> {
        let mut conn = self.pool.get().await?;
        Ok(pm_pitches::table
            .find(id)
            .select(Pitch::as_select())
            .first(&mut conn)
            .await?)
    }

    async fn pitches(&self, ids: &[Uuid]) -> Result<Vec<Pitch>> {
        let mut conn = self.pool.get().await?;
        let query = pm_pitches::table.filter(pm_pitches::id.eq_any(ids));
        let mut found: Vec<Pitch> = query.select(Pitch::as_select()).load(&mut conn).await?;
        found.sort_by_key(|pitch| ids.iter().position(|id| *id == pitch.id));
        Ok(found)
    }

    async fn bars(&self) -> Result<Vec<Bar>> {
        let mut conn = self.pool.get().await?;
        let query = sql_query(sql::BARS)
            .bind::<Array<Text>, _>(&self.symbols)
            .bind::<BigInt, _>(BARS_EACH)
            .bind::<Date, _>(self.fixture.until);
        Ok(query.load(&mut conn).await?)
    }

    async fn upsert(&self, n: usize) -> Result<()> {
        use daily_log_returns::{created_at, date, log_return, symbol, table};
        let rows: Vec<_> = self
            .fixture
            .returns(n)
            .iter()
            .map(|row| {
                (
                    symbol.eq(row.symbol.as_str()),
                    date.eq(row.date),
                    log_return.eq(row.log_return),
                )
            })
            .collect();
        let mut conn = self.pool.get().await?;
        diesel::insert_into(table)
            .values(rows)
            .on_conflict((symbol, date))
            .do_update()
            .set((
                log_return.eq(excluded(log_return)),
                created_at.eq(diesel::dsl::now),
            ))
            .execute(&mut conn)
            .await?;
        Ok(())
    }

    async fn transfer(&self) -> Result<()> {
        use accounts::{balance, table};
        let (from, to) = self.fixture.accounts();
        let cent = Decimal::new(1, 2);
        let mut sides = [(from, -cent), (to, cent)];
        sides.sort();
        let mut conn = self.pool.get().await?;
        conn.transaction(async |conn| {
            for (id, change) in sides {
                diesel::update(table.find(id))
                    .set(balance.eq(balance + change))
                    .execute(conn)
                    .await?;
            }
            diesel::QueryResult::Ok(())
        })
        .await?;
        Ok(())
    }

    async fn save(&self, n: usize) -> Result<()> {
        use pm_pitches::{
            account, created_at, id, model, pitch_data, research_date, table, updated_at, week_id,
        };
        let at = self.fixture.research_date();
        let rows: Vec<_> = self.fixture.models[..n]
            .iter()
            .map(|name| {
                (
                    id.eq(Uuid::now_v7()),
                    week_id.eq(self.fixture.week.start()),
                    model.eq(name),
                    account.eq("CLAUDE"),
                    pitch_data.eq(&self.document),
                    research_date.eq(at),
                    created_at.eq(at),
                    updated_at.eq(at),
                )
            })
            .collect();
        let mut conn = self.pool.get().await?;
        diesel::insert_into(table)
            .values(rows)
            .on_conflict((week_id, model, research_date))
            .do_update()
            .set((
                account.eq(excluded(account)),
                pitch_data.eq(excluded(pitch_data)),
                updated_at.eq(excluded(updated_at)),
            ))
            .returning(id)
            .get_results::<Uuid>(&mut conn)
            .await?;
        Ok(())
    }
}

#[async_trait]
impl Peer for Diesel {
    fn name(&self) -> &'static str {
        DIESEL
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
