//! What the tests are made of: a database each, values from their text, documents, and what an error says.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests look behind the repositories, at catalogs and at rows no function writes"
)]

use std::fmt::Debug;

use chrono::NaiveDate;
use llm_trading_db::{
    config::Config,
    db::Db,
    documents::{
        Content, Decision, DecisionDocument, Document, Entry, Event, EventDocument, Exit, Extra,
        Horizon, Lenient, LogData, LogDocument, MacroRegime, MonitoringPlan, OtherEvent, Pitch,
        PitchDocument, PitchV2, Research, ResearchDocument, Review, ReviewDocument, RiskProfile,
        Scores, SelectedTrade,
    },
    error::{Error, Result},
    repo::events::{self, NewEvent},
    types::{Account, Conviction, Model, PitchLabel, Price, Symbol, Timestamp, WeekId},
};
use rust_decimal::Decimal;
use sqlx::{AssertSqlSafe, Decode, PgExecutor, Postgres, Type, postgres::PgConnectOptions};

use crate::{rollout::as_role, support};

/// A fresh, migrated, empty database.
pub async fn database() -> Db {
    open(false).await
}

/// The same, for a test that does what the roles of the desk may not, by statements of its own: triggers, other owners' types, deletes
/// behind the repositories.
pub async fn database_as_owner() -> Db {
    connect(support::database_options().await, false).await
}

/// The same as [`database`], for a [`Recorder`](crate::statements::Recorder).
pub async fn database_that_logs() -> Db {
    open(true).await
}

async fn open(log_statements: bool) -> Db {
    let options = match as_role::grants() {
        Some(grants) => as_role::database(&grants).await,
        None => support::database_options().await,
    };
    connect(options, log_statements).await
}

async fn connect(options: PgConnectOptions, log_statements: bool) -> Db {
    let config = Config::from_options(options).log_statements(log_statements);
    Db::connect(&config).await.unwrap()
}

/// The instant of tests that need only one.
pub fn now() -> Timestamp {
    at("2026-01-07T14:00:03.123456Z")
}

/// Appends events in a transaction of their own.
pub async fn append_events(db: &Db, events: &[NewEvent]) -> Result<u64> {
    db.transaction(async |tx| events::append_many(tx, events).await)
        .await
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub fn price(text: &str) -> Price {
    text.parse().unwrap()
}

pub fn symbol(text: &str) -> Symbol {
    text.parse().unwrap()
}

pub fn account(text: &str) -> Account {
    text.parse().unwrap()
}

pub fn model(text: &str) -> Model {
    text.parse().unwrap()
}

pub fn week(text: &str) -> WeekId {
    text.parse().unwrap()
}

/// `label('A')` is `Pitch A`.
pub fn label(letter: char) -> PitchLabel {
    format!("Pitch {letter}").parse().unwrap()
}

fn document<C: Content>(content: impl Into<C>) -> Document<C> {
    Document::new(content.into()).unwrap()
}

/// A pitch; a conviction of zero makes it flat, whatever the symbol.
pub fn pitch(week: WeekId, model: &str, symbol: &str, conviction: &str) -> PitchDocument {
    let conviction: Conviction = conviction.parse().unwrap();
    let thesis = vec!["Rates: policy supports it".to_owned()];
    document::<Pitch>(if conviction == Conviction::ZERO {
        PitchV2::flat(week, model, thesis)
    } else {
        let symbol = self::symbol(symbol);
        PitchV2::trade(week, model, symbol, conviction, RiskProfile::Base, thesis)
    })
}

/// A review that gives every criterion the same mark.
pub fn review(label: PitchLabel, mark: u8) -> ReviewDocument {
    let scores = Scores::new([mark; 7]).unwrap();
    document(Review::new(label, scores, "priced in", "CPI above 0.4 %"))
}

/// A decision; a conviction of zero makes it flat.
pub fn decision(week: WeekId, instrument: &str, conviction: &str) -> DecisionDocument {
    let conviction: Conviction = conviction.parse().unwrap();
    document(Decision {
        decision_id: Lenient::of("3f2504e0-4f89-41d3-9a0c-0305e82c3301"),
        week_id: week,
        selected_trade: SelectedTrade {
            instrument: instrument.parse().unwrap(),
            direction: conviction.direction(),
            horizon: Horizon::ONE_WEEK.into(),
            extra: Extra::new(),
        },
        conviction,
        rationale: "three of five models agree".to_owned(),
        dissent_summary: Vec::new(),
        monitoring_plan: MonitoringPlan {
            checkpoints: vec!["09:00".to_owned()],
            invalidation_triggers: vec!["CPI above 0.4 %".to_owned()],
            ..MonitoringPlan::default()
        },
        model: None,
        model_id: None,
        account: None,
        alpaca_id: None,
        timestamp: None,
        fallback: false,
        extra: Extra::new(),
    })
}

/// The structured part of a report.
pub fn research(risk_mode: &str) -> ResearchDocument {
    let macro_regime = Some(MacroRegime {
        risk_mode: Some(risk_mode.to_owned()),
        ..MacroRegime::default()
    });
    document(Research {
        macro_regime,
        ..Research::default()
    })
}

/// A position in SPY is opened.
pub fn entry(price: &str, conviction: &str) -> EventDocument {
    let conviction: Conviction = conviction.parse().unwrap();
    document::<Event>(Entry {
        price: dec(price),
        direction: conviction.direction(),
        conviction,
        instrument: Some(symbol("SPY").into()),
        extra: Extra::new(),
    })
}

/// The position is closed.
pub fn exit(price: &str) -> EventDocument {
    document::<Event>(Exit {
        price: dec(price),
        extra: Extra::new(),
    })
}

/// An event of a type that has no shape of its own.
pub fn other_event(event_type: &str) -> EventDocument {
    document(Event::Other(OtherEvent {
        event_type: event_type.parse().unwrap(),
        body: Extra::new(),
    }))
}

/// One named value.
pub fn log_data(name: &str, value: i64) -> LogDocument {
    document(LogData::default().with(name, value).unwrap())
}

/// The constraint that refused a write.
pub fn refused_by<T: Debug>(outcome: Result<T>) -> String {
    match outcome.unwrap_err() {
        Error::Conflict { constraint, .. } => constraint,
        other => panic!("not refused by a constraint: {other:?}"),
    }
}

/// What an [`Error::Invalid`] says.
pub fn invalid<T: Debug>(outcome: Result<T>) -> String {
    match outcome.unwrap_err() {
        error @ Error::Invalid { .. } => error.to_string(),
        other => panic!("not found invalid: {other:?}"),
    }
}

/// What an [`Error::NotFound`] says.
pub fn not_found<T: Debug>(outcome: Result<T>) -> String {
    match outcome.unwrap_err() {
        error @ Error::NotFound { .. } => error.to_string(),
        other => panic!("not missing: {other:?}"),
    }
}

/// The SQLSTATE of an error of the server that is no conflict.
pub fn code<T: Debug>(outcome: Result<T>) -> String {
    match outcome.unwrap_err() {
        Error::Database(error) => error.code().to_owned(),
        other => panic!("not an error of the server: {other:?}"),
    }
}

/// Runs a statement of the test's own; gives the number of rows.
pub async fn execute(db: impl PgExecutor<'_>, sql: &str) -> Result<u64> {
    let done = sqlx::query(AssertSqlSafe(sql)).execute(db).await?;
    Ok(done.rows_affected())
}

/// The first column of all rows of a statement of the test's own.
pub async fn column<T>(db: impl PgExecutor<'_>, sql: &str) -> Result<Vec<T>>
where
    T: for<'r> Decode<'r, Postgres> + Type<Postgres> + Send + Unpin,
{
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(db).await?)
}

/// A condition that lets a DELETE of what the council made pass.
pub const ALLOWED: &str = "set_config('llm_trading_db.deletes', 'allowed', true) = 'allowed'";

/// The number of rows of a table.
pub async fn count(db: &Db, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    column(db, &sql).await.unwrap()[0]
}

/// Versions of the rows of a table: they change when a row is written, even with the same values.
pub async fn versions(db: &Db, table: &str) -> Vec<String> {
    let sql = format!("SELECT ctid::text || ' ' || xmin::text FROM {table} ORDER BY 1");
    column(db, &sql).await.unwrap()
}

/// When the rows of a table were last changed; the repositories do not read it.
pub async fn changed_at(db: &Db, table: &str) -> Vec<Timestamp> {
    let sql = format!("SELECT updated_at FROM {table} ORDER BY 1");
    column(db, &sql).await.unwrap()
}
