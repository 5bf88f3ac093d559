//! The whole chain: route → service → repository → pool, each an async function, each awaited, each typed.
//!
//! Runs by itself on a private server: `cargo run --features cli --example route_to_pool`.

use anyhow::Result;
use chrono::{TimeZone, Utc};
use llm_trading_db::{
    config::Config,
    db::Db,
    documents::{LogData, LogDocument},
    embedded::EmbeddedServer,
    error::Error,
    repo::{
        accounts::{self, TransferError},
        logs::{self, NewLogEntry},
        users::{self, User},
    },
    types::{AccountId, Amount, Level, Timestamp, UserId},
};

/// The route: text comes in, text goes out; a mistake of the caller becomes a status.
async fn post_transfer(
    db: &Db,
    from: &str,
    to: &str,
    amount: &str,
    at: Timestamp,
) -> (u16, String) {
    let parsed = (|| {
        Ok::<_, llm_trading_db::types::Invalid>((from.parse()?, to.parse()?, amount.parse()?))
    })();
    let (from, to, amount) = match parsed {
        Ok(parsed) => parsed,
        Err(invalid) => return (422, invalid.to_string()),
    };
    match pay(db, from, to, amount, at).await {
        Ok(balance) => (200, format!("{balance} left")),
        Err(TransferError::Db(error)) => (500, error.to_string()),
        Err(refused) => (409, refused.to_string()),
    }
}

/// The service: two repositories in one transaction. Returning an `Err` undoes both.
async fn pay(
    db: &Db,
    from: AccountId,
    to: AccountId,
    amount: Amount,
    at: Timestamp,
) -> Result<llm_trading_db::types::Balance, TransferError> {
    db.transaction(async |tx| {
        let balances = accounts::transfer(&mut *tx, from, to, amount).await?;
        let data = LogData::default()
            .with("amount", amount)
            .map_err(Error::from)?;
        let entry = NewLogEntry {
            level: Level::Info,
            message: "transfer".to_owned(),
            data: Some(LogDocument::new(data).map_err(Error::from)?),
        };
        logs::append(tx, &entry, at).await?;
        Ok(balances.from)
    })
    .await
}

#[tokio::main]
async fn main() -> Result<()> {
    let server = EmbeddedServer::temporary()?;
    let db = Db::connect(&Config::from_options(server.options())).await?;
    db.migrate(&llm_trading_db::SCHEMA).await?;

    let at = Utc.with_ymd_and_hms(2026, 1, 7, 14, 0, 0).single();
    let at = Timestamp::from(at.unwrap_or_default());
    let user = User {
        id: UserId::generate(at),
        name: "Ada".parse()?,
        email: "ada@example.org".parse()?,
        active: true,
        age: None,
        created_at: at,
    };
    users::add(&db, &user).await?;
    println!("{} <{}>", users::get(&db, user.id).await?.name, user.email);

    let (from, to) = (AccountId::generate(at), AccountId::generate(at));
    accounts::open(&db, from, "100.00".parse()?, at).await?;
    accounts::open(&db, to, "0".parse()?, at).await?;
    for amount in ["25.50", "80", "0.001"] {
        let (status, answer) =
            post_transfer(&db, &from.to_string(), &to.to_string(), amount, at).await;
        println!("transfer of {amount}: {status} {answer}");
    }
    println!(
        "{} entries in the log",
        logs::recent(&db, None, 10).await?.len()
    );

    drop(db);
    server.stop()?;
    Ok(())
}
