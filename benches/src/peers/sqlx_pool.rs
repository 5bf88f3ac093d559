//! sqlx with its own pool: the same statements and types, so that the difference is the pool's.
#![expect(clippy::disallowed_methods, reason = "this peer is sqlx's own pool")]

use std::sync::Arc;

use anyhow::Result;
use async_trait::async_trait;
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::{PgPool, postgres::PgPoolOptions};

use super::{Endpoint, Peer, Read, ours::Work, sql};
use crate::{
    fixture::Fixture,
    server::options,
    workload::{Op, SQLX},
};

pub struct SqlxPool {
    pool: PgPool,
    work: Work,
}

impl SqlxPool {
    pub async fn connect(fixture: &Arc<Fixture>, endpoint: Endpoint) -> Result<Self> {
        let pool = PgPoolOptions::new().max_connections(u32::try_from(endpoint.connections)?);
        Ok(Self {
            pool: pool.connect_with(options(endpoint.port)).await?,
            work: Work::new(fixture)?,
        })
    }

    async fn transfer(&self) -> Result<()> {
        let (from, to) = self.work.fixture.accounts();
        let cent = Decimal::new(1, 2);
        let mut sides = [(from, -cent), (to, cent)];
        sides.sort();
        let mut tx = self.pool.begin().await?;
        for (id, change) in sides {
            sqlx::query(sql::ADD)
                .bind(change)
                .bind(id)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

#[async_trait]
impl Peer for SqlxPool {
    fn name(&self) -> &'static str {
        SQLX
    }

    async fn run(&self, op: Op) -> Result<()> {
        match op {
            Op::Transfer => self.transfer().await,
            op => self.work.run(&self.pool, op).await,
        }
    }

    async fn look(&self, read: Read) -> Result<Value> {
        self.work.look(&self.pool, read).await
    }
}
