use std::{collections::BTreeMap, mem, pin::pin};

use chrono::NaiveDate;
use futures_util::{Stream, TryStreamExt};

use super::{Bar, upsert_many};
use crate::{
    db::{Db, Tx},
    error::{Error, Result},
    repo::Upserted,
    types::Symbol,
};

/// Bars per statement: about a megabyte.
const CHUNK: usize = 10_000;

/// Stores a stream of bars in one transaction: all of them, or none if the stream or the database fails or this future is
/// dropped. It is as if one bar was stored after the other: of two of the same symbol and day the later one wins.
///
/// Memory is that of 10 000 bars, however long the stream is. Other writers of bars wait for the end of the import,
/// readers do not. `progress` hears after each 10 000 bars what has become of all so far; they are not committed yet.
///
/// ```no_run
/// # use llm_trading_db::{db::Db, error::{Error, Result}, repo::bars::{self, Bar}};
/// # async fn f(db: &Db, bars: Vec<Bar>) -> Result<()> {
/// let bars = futures_util::stream::iter(bars.into_iter().map(Ok::<_, Error>));
/// let stored = bars::import(db, bars, |so_far| println!("{} new bars", so_far.inserted)).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// The errors of the stream; [`Error::Conflict`] if a `high` is below its `low`. A stream cannot be read twice, so nothing is
/// run again: with serializable isolation as the server's default, [`Error::Retryable`] is for the caller.
#[tracing::instrument(name = "db.bars.import", skip_all)]
pub async fn import<E: From<Error>>(
    db: &Db,
    bars: impl Stream<Item = Result<Bar, E>>,
    mut progress: impl FnMut(Upserted),
) -> Result<Upserted, E> {
    db.transaction_once(async |tx| {
        let mut bars = pin!(bars);
        let mut chunk = Chunk::new();
        let mut stored = Upserted::default();
        while let Some(bar) = bars.try_next().await? {
            let key = (bar.symbol, bar.date);
            if chunk.len() == CHUNK || chunk.contains_key(&key) {
                stored += store(&mut *tx, mem::take(&mut chunk)).await?;
                progress(stored);
            }
            chunk.insert(key, bar);
        }
        stored += store(tx, chunk).await?;
        progress(stored);
        Ok(stored)
    })
    .await
}

type Chunk = BTreeMap<(Symbol, NaiveDate), Bar>;

async fn store(tx: &mut Tx, chunk: Chunk) -> Result<Upserted> {
    // A later chunk may hold an earlier key, and a writer in between would be a deadlock.
    sqlx::query!("LOCK TABLE daily_bars IN SHARE ROW EXCLUSIVE MODE")
        .execute(&mut *tx)
        .await?;
    let bars: Vec<Bar> = chunk.into_values().collect();
    upsert_many(tx, &bars).await
}
