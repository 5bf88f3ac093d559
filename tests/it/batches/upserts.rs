//! The functions that say with [`Upserted`] what they did.

use std::{collections::BTreeMap, fmt::Debug};

use llm_trading_db::{db::Db, error::Result, repo::Upserted, types::Weeks};
use proptest::{collection::vec, prelude::*};

use super::{given_twice, on_random_calls};
use crate::fixtures::{database, invalid};

/// A function that stores many rows, and what the model needs to know of its table.
pub trait Upsert {
    const TABLE: &'static str;
    type Row: Clone + Debug + PartialEq;

    fn row() -> impl Strategy<Value = Self::Row>;

    /// Rows for one call.
    fn batch() -> impl Strategy<Value = Vec<Self::Row>> {
        vec(Self::row(), 0..12)
    }

    /// As messages show it; it sorts as the keys do.
    fn key(row: &Self::Row) -> String;

    /// Where it is part of the key, it is one for all rows of a call.
    fn lookback(_: &Self::Row) -> Option<Weeks> {
        None
    }

    /// What becomes of a row that is there.
    fn replaced(_old: &Self::Row, new: &Self::Row) -> Self::Row {
        new.clone()
    }

    async fn upsert(db: &Db, rows: &[Self::Row]) -> Result<Upserted>;

    /// All rows of the table.
    async fn stored(db: &Db) -> Vec<Self::Row>;
}

type Key = (Option<Weeks>, String);

/// What a table holds.
pub struct Model<U: Upsert>(BTreeMap<Key, U::Row>);

impl<U: Upsert> Model<U> {
    pub fn new() -> Self {
        Self(BTreeMap::new())
    }

    fn key(row: &U::Row) -> Key {
        (U::lookback(row), U::key(row))
    }

    /// Stores rows one by one; tells what became of them.
    pub fn store(&mut self, batch: &[U::Row]) -> Upserted {
        let mut upserted = Upserted::default();
        for row in batch {
            let key = Self::key(row);
            let new = match self.0.get(&key) {
                None => {
                    upserted.inserted += 1;
                    row.clone()
                }
                Some(old) => {
                    let new = U::replaced(old, row);
                    match new == *old {
                        true => upserted.unchanged += 1,
                        false => upserted.updated += 1,
                    }
                    new
                }
            };
            self.0.insert(key, new);
        }
        upserted
    }

    pub async fn assert_stored(&self, db: &Db) {
        let stored = U::stored(db).await;
        let count = stored.len();
        let stored: BTreeMap<Key, U::Row> = stored
            .into_iter()
            .map(|row| (Self::key(&row), row))
            .collect();
        assert_eq!(stored, self.0);
        assert_eq!(stored.len(), count);
    }
}

pub fn does_what_a_map_does_or_lists_the_keys_given_twice<U: Upsert>() {
    on_random_calls(U::TABLE, U::batch(), async |db, batches| {
        let mut model = Model::<U>::new();
        for batch in batches {
            let outcome = U::upsert(db, &batch).await;
            let keys: Vec<String> = batch.iter().map(U::key).collect();
            let twice: Vec<String> = given_twice(&keys).into_iter().take(5).collect();
            if twice.is_empty() {
                assert_eq!(outcome.unwrap(), model.store(&batch));
            } else {
                let error = invalid(outcome);
                assert!(error.contains(&twice.join(", ")), "{error}");
            }
            model.assert_stored(db).await;
        }
    });
}

/// `row` makes one of a number for the key and one for the value.
pub async fn may_be_larger_than_any_number_of_parameters<U: Upsert>(
    row: impl Fn(u64, i64) -> U::Row,
) {
    let db = database().await;
    let mut batch: Vec<U::Row> = (0..65_536).map(|n| row(n, 1)).collect();
    let inserted =
        async |batch: &[U::Row]| -> Result<u64> { Ok(U::upsert(&db, batch).await?.inserted) };
    assert_eq!(inserted(&batch[..65_535]).await.unwrap(), 65_535);
    assert_eq!(inserted(&batch).await.unwrap(), 1);
    batch[65_535] = row(0, 2);
    let twice = format!("for {};", U::key(&batch[0]));
    assert!(invalid(inserted(&batch).await).contains(&twice), "{twice}");
}
