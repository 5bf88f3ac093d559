//! Cash accounts (table `accounts`).
//!
//! | function | flights | index |
//! |---|---|---|
//! | [`open`], [`open_many`], [`get`] | 1 | primary key |
//! | [`transfer`] | 1; 3 if refused | primary key |
//! | [`lock`], [`deposit`], [`withdraw`] | 1 | primary key |
//! | [`list`] | 1 | primary key, whole table |

use sqlx::PgExecutor;

use super::batch::{all_of, columns, sorted};
use crate::{
    db::{Queryable, Tx},
    error::{Error, Result},
    types::{AccountId, Amount, Balance, Timestamp},
};

/// A cash account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct CashAccount {
    /// Made with [`AccountId::generate`].
    pub id: AccountId,
    /// Cash in US dollars and cents; never negative.
    pub balance: Balance,
    /// When the account was opened.
    pub created_at: Timestamp,
}

/// Which side of a transfer an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The account that pays.
    From,
    /// The account that receives.
    To,
}

/// Why a transfer was refused. Nothing has moved then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// There is no such account.
    #[error("the account to transfer {which} does not exist", which = match .which { Side::From => "from", Side::To => "to" })]
    UnknownAccount {
        /// The missing side.
        which: Side,
    },
    /// The account to transfer from has less than the amount.
    #[error("the account holds {balance}, which is less than {amount}")]
    InsufficientFunds {
        /// What it has.
        balance: Balance,
        /// What was asked for.
        amount: Amount,
    },
    /// An account cannot transfer to itself.
    #[error("the two accounts of a transfer must differ")]
    SameAccount,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] Error),
}

impl From<sqlx::Error> for TransferError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

/// The balances after a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Transferred {
    /// Balance of the account that paid.
    pub from: Balance,
    /// Balance of the account that received.
    pub to: Balance,
}

/// Opens an account.
///
/// # Errors
/// [`Error::Conflict`] on `accounts_pkey` if the id is taken.
#[tracing::instrument(name = "db.accounts.open", skip_all, fields(%id), err(level = "debug"))]
pub async fn open(
    db: impl PgExecutor<'_>,
    id: AccountId,
    balance: Balance,
    at: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO accounts (id, balance, created_at) VALUES ($1, $2, $3)",
        id,
        balance,
        at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Opens accounts: one statement, all or nothing.
///
/// # Errors
/// [`Error::Invalid`] lists the ids given twice; else as [`open`].
#[tracing::instrument(name = "db.accounts.open_many", skip_all, fields(rows = accounts.len()), err(level = "debug"))]
pub async fn open_many(db: impl PgExecutor<'_>, accounts: &[CashAccount]) -> Result<()> {
    if accounts.is_empty() {
        return Ok(());
    }
    let rows = sorted("accounts", accounts, |account| account.id)?;
    columns!(rows => id, balance, created_at);
    let opened = sqlx::query!(
        r#"
        INSERT INTO accounts (id, balance, created_at)
        SELECT new.id, new.balance, new.created_at
        FROM UNNEST($1::account_id[], $2::balance[], $3::timestamptz[]) AS new (id, balance, created_at)
        "#,
        &id[..],
        &balance[..],
        &created_at[..],
    )
    .execute(db)
    .await?;
    all_of(accounts.len(), opened.rows_affected())
}

/// Fetches one account.
///
/// # Errors
/// [`Error::NotFound`] if no account has this id.
#[tracing::instrument(name = "db.accounts.get", skip_all, fields(%id), err(level = "debug"))]
pub async fn get(db: impl PgExecutor<'_>, id: AccountId) -> Result<CashAccount> {
    sqlx::query_as!(
        CashAccount,
        "SELECT id, balance, created_at FROM accounts WHERE id = $1::account_id",
        id,
    )
    .fetch_optional(db)
    .await?
    .ok_or_else(|| Error::not_found("account", id))
}

/// All accounts, by id, which is by age.
#[tracing::instrument(name = "db.accounts.list", skip_all, err(level = "debug"))]
pub async fn list(db: impl PgExecutor<'_>) -> Result<Vec<CashAccount>> {
    let accounts = sqlx::query_as!(
        CashAccount,
        "SELECT id, balance, created_at FROM accounts ORDER BY id"
    )
    .fetch_all(db)
    .await?;
    Ok(accounts)
}

/// Locks accounts until the end of the transaction, and gives those that there are, by id. All users of this function take
/// locks in that order, so they wait for one another and never deadlock.
#[tracing::instrument(name = "db.accounts.lock", skip_all, fields(ids = ids.len()), err(level = "debug"))]
pub async fn lock(tx: &mut Tx, ids: &[AccountId]) -> Result<Vec<CashAccount>> {
    let accounts = sqlx::query_as!(
        CashAccount,
        r#"
        SELECT id, balance, created_at
        FROM accounts
        WHERE id = ANY($1::account_id[])
        ORDER BY id
        FOR UPDATE
        "#,
        ids,
    )
    .fetch_all(tx)
    .await?;
    Ok(accounts)
}

/// Adds an amount to an account; gives the new balance.
///
/// # Errors
/// [`Error::NotFound`] if no account has this id.
#[tracing::instrument(name = "db.accounts.deposit", skip_all, fields(%id), err(level = "debug"))]
pub async fn deposit(db: impl PgExecutor<'_>, id: AccountId, amount: Amount) -> Result<Balance> {
    sqlx::query_scalar!(
        "UPDATE accounts SET balance = balance + $2::amount WHERE id = $1::account_id RETURNING balance",
        id,
        amount,
    )
    .fetch_optional(db)
    .await?
    .ok_or_else(|| Error::not_found("account", id))
}

/// Takes an amount from an account; gives the new balance.
///
/// # Errors
/// [`Error::NotFound`] if no account has this id; [`Error::Conflict`] on `balance_not_negative` if it holds less.
#[tracing::instrument(name = "db.accounts.withdraw", skip_all, fields(%id), err(level = "debug"))]
pub async fn withdraw(db: impl PgExecutor<'_>, id: AccountId, amount: Amount) -> Result<Balance> {
    sqlx::query_scalar!(
        "UPDATE accounts SET balance = balance - $2::amount WHERE id = $1::account_id RETURNING balance",
        id,
        amount,
    )
    .fetch_optional(db)
    .await?
    .ok_or_else(|| Error::not_found("account", id))
}

/// Moves money from one account to another: one statement, which locks both rows in the order of their ids, so that
/// opposite transfers cannot deadlock. A transfer that is refused takes two statements more, which find out why.
///
/// # Errors
/// [`TransferError::SameAccount`], [`TransferError::UnknownAccount`] or [`TransferError::InsufficientFunds`]; nothing has
/// moved then. [`Error::RowCount`] if something in the database, such as a trigger, keeps an account from being updated; outside
/// of a transaction, the update of the other one stays.
#[tracing::instrument(name = "db.accounts.transfer", skip_all, fields(%from, %to), err(level = "debug"))]
pub async fn transfer(
    mut db: impl Queryable,
    from: AccountId,
    to: AccountId,
    amount: Amount,
) -> Result<Transferred, TransferError> {
    // What was missing may have arrived before the look at the reason, and be gone at the next attempt; but not this often.
    const ATTEMPTS: usize = 10;
    if from == to {
        return Err(TransferError::SameAccount);
    }
    for _ in 0..ATTEMPTS {
        if let Some(transferred) = transfer_if_covered(db.executor(), from, to, amount).await? {
            return Ok(transferred);
        }
        let payer = party(db.executor(), from, Side::From).await?;
        party(db.executor(), to, Side::To).await?;
        if payer.balance.value() < amount.value() {
            return Err(TransferError::InsufficientFunds {
                balance: payer.balance,
                amount,
            });
        }
    }
    Err(not_both(0).into())
}

/// Nothing if there are not both accounts, or not the funds.
async fn transfer_if_covered(
    db: impl PgExecutor<'_>,
    from: AccountId,
    to: AccountId,
    amount: Amount,
) -> Result<Option<Transferred>> {
    // The UPDATE first computes with what its snapshot shows, which may be older than what is locked, and once more with the
    // newest. Only an older version of the payer can have too little; the domain must not refuse it.
    let updated = sqlx::query!(
        r#"
        UPDATE accounts
        SET balance = CASE
                WHEN id = $2 THEN balance + $3
                WHEN balance >= $3 THEN balance - $3
                ELSE balance
            END
        WHERE id IN ($1::account_id, $2::account_id)
          AND ARRAY(
              SELECT id = $2 OR balance >= $3::amount
              FROM accounts
              WHERE id IN ($1, $2)
              ORDER BY id
              FOR UPDATE
          ) = ARRAY[true, true]
        RETURNING id, balance
        "#,
        from,
        to,
        amount,
    )
    .fetch_all(db)
    .await?;
    let balance = |id| {
        updated
            .iter()
            .find(|row| row.id == id)
            .map(|row| row.balance)
    };
    match (balance(from), balance(to)) {
        (Some(from), Some(to)) => Ok(Some(Transferred { from, to })),
        (None, None) => Ok(None),
        _ => Err(not_both(1)),
    }
}

async fn party(
    db: impl PgExecutor<'_>,
    id: AccountId,
    which: Side,
) -> Result<CashAccount, TransferError> {
    get(db, id).await.map_err(|error| match error {
        Error::NotFound { .. } => TransferError::UnknownAccount { which },
        other => other.into(),
    })
}

fn not_both(actual: u64) -> Error {
    Error::RowCount {
        expected: 2,
        actual,
    }
}
