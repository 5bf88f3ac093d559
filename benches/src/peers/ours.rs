//! This crate, by its public functions.
#![expect(
    clippy::disallowed_methods,
    reason = "`SELECT 1` is no statement of the crate"
)]

use std::sync::Arc;

use anyhow::Result;
use async_trait::async_trait;
use llm_trading_db::{
    config::Config,
    db::{Db, Queryable},
    documents::PitchDocument,
    repo::{
        accounts,
        bars::{self, Bar},
        pitches::{self, NewPitch, StoredPitch},
        returns,
    },
    service::metrics::{self, Scope, Window},
    types::{AccountId, Amount, PitchId},
};
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::PgExecutor;

use super::{Endpoint, Peer, Read};
use crate::{
    fixture::{BARS_EACH, Fixture},
    server::options,
    workload::{OURS, Op},
};

pub struct Ours {
    db: Db,
    work: Work,
}

impl Ours {
    pub async fn connect(fixture: &Arc<Fixture>, endpoint: Endpoint) -> Result<Self> {
        let config =
            Config::from_options(options(endpoint.port)).max_pool_size(endpoint.connections);
        Ok(Self {
            db: Db::connect(&config).await?,
            work: Work::new(fixture)?,
        })
    }
}

#[async_trait]
impl Peer for Ours {
    fn name(&self) -> &'static str {
        OURS
    }

    fn does(&self, _op: Op) -> bool {
        true
    }

    async fn run(&self, op: Op) -> Result<()> {
        match op {
            Op::Transfer => {
                let (from, to) = self.work.fixture.accounts();
                let (from, to) = (AccountId::from_uuid(from), AccountId::from_uuid(to));
                accounts::transfer(&self.db, from, to, self.work.cent).await?;
            }
            Op::Metrics | Op::NextDay => {
                metrics::run(&self.db, Window::default(), Scope::Changed).await?;
            }
            op => self.work.run(&self.db, op).await?,
        }
        Ok(())
    }

    async fn look(&self, read: Read) -> Result<Value> {
        self.work.look(&self.db, read).await
    }
}

/// What the repositories do on any pool.
pub struct Work {
    pub fixture: Arc<Fixture>,
    pub cent: Amount,
    pitches: Vec<NewPitch>,
}

impl Work {
    pub fn new(fixture: &Arc<Fixture>) -> Result<Self> {
        let document = PitchDocument::from_json(&fixture.document)?;
        let pitch = |model: &String| -> Result<NewPitch> {
            Ok(NewPitch {
                model: model.parse()?,
                account: "CLAUDE".parse()?,
                pitch_data: document.clone(),
            })
        };
        Ok(Self {
            fixture: fixture.clone(),
            cent: Amount::new(Decimal::new(1, 2))?,
            pitches: fixture.models.iter().map(pitch).collect::<Result<_>>()?,
        })
    }

    pub async fn run(&self, mut db: impl Queryable, op: Op) -> Result<()> {
        let fixture = &self.fixture;
        match op {
            Op::Nothing => drop(
                sqlx::query("SELECT 1")
                    .fetch_optional(db.executor())
                    .await?,
            ),
            Op::Pitch => {
                drop(pitches::get(db.executor(), PitchId::from_uuid(fixture.pitch_id())).await?)
            }
            Op::Pitches => {
                drop(
                    pitches::get_many(db.executor(), &fixture.pitch_ids().map(PitchId::from_uuid))
                        .await?,
                );
            }
            Op::Bars => drop(self.bars(db.executor()).await?),
            Op::Returns(n) => drop(returns::upsert_daily(db.executor(), fixture.returns(n)).await?),
            Op::Save(n) => {
                let at = fixture.research_date().into();
                let new = &self.pitches[..n];
                drop(pitches::save(db, fixture.week, Some(at), new, at).await?);
            }
            op => super::not_done(op)?,
        }
        Ok(())
    }

    pub async fn look(&self, db: impl PgExecutor<'_>, read: Read) -> Result<Value> {
        Ok(match read {
            Read::Pitch(id) => seen(&pitches::get(db, PitchId::from_uuid(id)).await?),
            Read::Pitches(ids) => {
                let found = pitches::get_many(db, &ids.map(PitchId::from_uuid)).await?;
                found.iter().map(seen).collect()
            }
            Read::Bars => seen_bars(&self.bars(db).await?),
        })
    }

    async fn bars(&self, db: impl PgExecutor<'_>) -> Result<Vec<Bar>> {
        let (symbols, until) = (&self.fixture.symbols, self.fixture.until);
        Ok(bars::last_n(db, symbols, u32::try_from(BARS_EACH)?, until).await?)
    }
}

fn seen(pitch: &StoredPitch) -> Value {
    let document = &pitch.pitch_data;
    let conviction = document.conviction().value().normalize().to_string();
    let bullets = document.thesis_bullets();
    super::seen(
        pitch.id.as_uuid(),
        pitch.model.as_str(),
        conviction,
        bullets,
        pitch.created_at.into(),
    )
}

fn seen_bars(bars: &[Bar]) -> Value {
    super::seen_bars(bars.iter().map(|bar| {
        let close = bar.close.map(|close| close.value());
        (bar.symbol.as_str(), bar.date, close, bar.volume)
    }))
}
