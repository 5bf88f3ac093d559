use llm_trading_db::{
    db::{Db, Queryable},
    error::Error,
    repo::accounts::{self, CashAccount, Side, TransferError},
    types::{AccountId, Amount, Balance},
};

use sqlx::PgExecutor;

use crate::fixtures::{at, database, database_as_owner, execute, not_found, now, refused_by};

fn balance(text: &str) -> Balance {
    text.parse().unwrap()
}

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

async fn open(db: &Db, cash: &str) -> AccountId {
    let id = AccountId::generate(now());
    accounts::open(db, id, balance(cash), now()).await.unwrap();
    id
}

async fn cash(db: &Db, id: AccountId) -> Balance {
    accounts::get(db, id).await.unwrap().balance
}

#[tokio::test]
async fn accounts_are_opened_once_and_listed_by_age() {
    let db = database().await;
    assert_eq!(accounts::list(&db).await.unwrap(), []);
    let unknown = AccountId::generate(now());
    assert_eq!(
        not_found(accounts::get(&db, unknown).await),
        format!("account {unknown} not found")
    );

    let mut opened = Vec::new();
    for (time, cash) in [
        ("2026-01-08T00:00:00Z", "0"),
        ("2026-01-07T00:00:00Z", "999999999999.99"),
        ("2026-01-09T00:00:00Z", "0.01"),
    ] {
        let (id, cash) = (AccountId::generate(at(time)), balance(cash));
        accounts::open(&db, id, cash, at(time)).await.unwrap();
        let account = accounts::get(&db, id).await.unwrap();
        let CashAccount {
            balance,
            created_at,
            ..
        } = account;
        assert_eq!((account.id, balance, created_at), (id, cash, at(time)));
        opened.push(account);
    }
    let again = accounts::open(&db, opened[0].id, balance("5"), now()).await;
    assert_eq!(refused_by(again), "accounts_pkey");
    opened.sort_by_key(|account| account.created_at);
    assert_eq!(accounts::list(&db).await.unwrap(), opened);
}

#[tokio::test]
async fn a_transfer_moves_cents_exactly() {
    let db = database().await;
    let (a, b) = (open(&db, "0.30").await, open(&db, "0").await);
    for (from, to, cents, after) in [
        (a, b, "0.10", ("0.20", "0.10")),
        (a, b, "0.2", ("0", "0.3")),
        (b, a, "0.01", ("0.29", "0.01")),
    ] {
        let moved = accounts::transfer(&db, from, to, amount(cents))
            .await
            .unwrap();
        let expected = (balance(after.0), balance(after.1));
        assert_eq!((moved.from, moved.to), expected);
        assert_eq!((cash(&db, from).await, cash(&db, to).await), expected);
    }
}

#[tokio::test]
async fn a_refused_transfer_says_why_and_moves_nothing() {
    let db = database().await;
    let (a, b) = (open(&db, "1").await, open(&db, "999999999999.99").await);
    let nobody = AccountId::generate(now());
    let transfer = async |from, to, cents| {
        accounts::transfer(&db, from, to, amount(cents))
            .await
            .unwrap_err()
    };
    let error = transfer(a, a, "1").await;
    assert!(matches!(error, TransferError::SameAccount), "{error}");
    for (from, to, side) in [(nobody, b, Side::From), (a, nobody, Side::To)] {
        let error = transfer(from, to, "0.01").await;
        assert!(
            matches!(error, TransferError::UnknownAccount { which } if which == side),
            "{error}"
        );
    }
    let error = transfer(a, b, "1.01").await;
    assert_eq!(
        error.to_string(),
        "the account holds 1.00, which is less than 1.01"
    );
    assert!(
        matches!(error, TransferError::InsufficientFunds { balance: has, amount: asked }
            if has == balance("1") && asked == amount("1.01")),
    );
    // Payable, but more than the other account can hold.
    let error = transfer(a, b, "1").await;
    assert!(
        matches!(&error, TransferError::Db(Error::Database(error)) if error.code() == "22003"),
        "{error}"
    );
    assert_eq!(
        (cash(&db, a).await, cash(&db, b).await),
        (balance("1"), balance("999999999999.99"))
    );
}

/// Runs its first statement on one database, and all others on another: as if what the second one has had arrived in between.
struct Arriving<'d> {
    before: Option<&'d Db>,
    after: &'d Db,
}

impl Queryable for Arriving<'_> {
    fn executor(&mut self) -> impl PgExecutor<'_> {
        self.before.take().unwrap_or(self.after)
    }
}

#[tokio::test]
async fn a_transfer_goes_when_what_was_missing_has_arrived() {
    let (poor, rich) = (database().await, database().await);
    let (from, to) = (open(&poor, "0.99").await, open(&poor, "0").await);
    for (id, cash) in [(from, "1.50"), (to, "0")] {
        accounts::open(&rich, id, balance(cash), now())
            .await
            .unwrap();
    }
    let arriving = Arriving {
        before: Some(&poor),
        after: &rich,
    };
    let moved = accounts::transfer(arriving, from, to, amount("1"))
        .await
        .unwrap();
    assert_eq!((moved.from, moved.to), (balance("0.50"), balance("1")));
    assert_eq!(cash(&poor, from).await, balance("0.99"));
}

#[tokio::test]
async fn accounts_that_a_trigger_holds_back_are_no_success() {
    let db = database_as_owner().await;
    let (from, to) = (open(&db, "1").await, open(&db, "0").await);
    execute(
        &db,
        "CREATE FUNCTION hold_back() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    )
    .await
    .unwrap();
    for (when, updated) in [("old.balance = 0", 1), ("true", 0)] {
        let trigger = format!(
            "CREATE OR REPLACE TRIGGER hold_back BEFORE UPDATE ON accounts
             FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION hold_back()"
        );
        execute(&db, &trigger).await.unwrap();
        let error = db
            .transaction(async |tx| accounts::transfer(&mut *tx, from, to, amount("1")).await)
            .await
            .unwrap_err();
        assert!(
            matches!(error, TransferError::Db(Error::RowCount { expected: 2, actual }) if actual == updated),
            "{error}"
        );
        assert_eq!(cash(&db, from).await, balance("1"));
    }
}

#[tokio::test]
async fn a_transfer_in_steps_moves_all_or_nothing() {
    let db = database().await;
    let (from, to) = (open(&db, "10.00").await, open(&db, "0.05").await);
    let nobody = AccountId::generate(now());
    let transfer = async |from, to, cash: &str| {
        let amount = amount(cash);
        db.transaction(async |tx| {
            let locked = accounts::lock(&mut *tx, &[to, from]).await?;
            assert!(locked.is_sorted_by_key(|account| account.id));
            let left = accounts::withdraw(&mut *tx, from, amount).await?;
            let now = accounts::deposit(&mut *tx, to, amount).await?;
            Ok::<_, Error>((left, now))
        })
        .await
    };
    let moved = transfer(from, to, "9.99").await.unwrap();
    assert_eq!(moved, (balance("0.01"), balance("10.04")));

    assert_eq!(
        refused_by(transfer(from, to, "0.02").await),
        "balance_not_negative"
    );
    not_found(transfer(from, nobody, "0.01").await);
    not_found(transfer(nobody, to, "0.01").await);
    assert_eq!(cash(&db, from).await, balance("0.01"));
    assert_eq!(cash(&db, to).await, balance("10.04"));
}

#[tokio::test]
async fn many_accounts_are_opened_at_once_or_none() {
    let db = database().await;
    accounts::open_many(&db, &[]).await.unwrap();
    let mut new = ["10.01", "0", "3"].map(|cash| CashAccount {
        id: AccountId::generate(now()),
        balance: balance(cash),
        created_at: now(),
    });
    accounts::open_many(&db, &new[..2]).await.unwrap();
    let refused = accounts::open_many(&db, &new[1..]).await;
    assert_eq!(refused_by(refused), "accounts_pkey");
    let twice = accounts::open_many(&db, &[new[2], new[2]]).await;
    assert!(matches!(twice, Err(Error::Invalid { .. })), "{twice:?}");
    new.sort_by_key(|account| (account.balance == balance("3"), account.id));
    assert_eq!(accounts::list(&db).await.unwrap(), new[..2]);
}
