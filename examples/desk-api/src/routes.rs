//! The routes. A value is parsed where it comes in, so what is no week or no account is answered with 400 by the extractor.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use checked_pg::page::PageToken;
use chrono::NaiveDate;
use llm_trading_db::{
    Error, SCHEMA,
    db::HealthStatus,
    repo::{
        accounts,
        events::{self, Cursor, Filter},
        performance::{self, Place},
        pitches::{self, StoredPitch},
        research::{self, Report},
    },
    service::{
        council::{self, StoredWeek},
        market::{self, MarketMetrics, MarketSnapshot},
    },
    types::{Account, AccountId, Amount, EventType, Symbol, WeekId, Weeks},
};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Desk, answer::Answer};

type Shared = State<Arc<Desk>>;

pub(crate) fn all() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(snapshot))
        .routes(routes!(market_metrics))
        .routes(routes!(latest_research))
        .routes(routes!(pitches_of_week))
        .routes(routes!(council_week))
        .routes(routes!(leaderboard))
        .routes(routes!(history))
        .routes(routes!(transfer))
}

/// How the database is. A degraded one still does some of the work.
#[utoipa::path(get, path = "/health", responses((status = 200, body = Value), (status = 503, body = Value)))]
async fn health(State(desk): Shared) -> Response {
    let health = desk.db.health(&[&SCHEMA]).await;
    let status = match health.status {
        HealthStatus::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    };
    (status, Json(health)).into_response()
}

#[derive(Deserialize)]
struct SnapshotOf {
    symbols: String,
    as_of: NaiveDate,
}

/// Prices, bars and indicators of some symbols, as known at the end of a day.
#[utoipa::path(get, path = "/market/snapshot", params(("symbols" = String, Query, example = "SPY,TLT"), ("as_of" = String, Query)),
    responses((status = 200, body = Value)))]
async fn snapshot(State(desk): Shared, Query(of): Query<SnapshotOf>) -> Answer<MarketSnapshot> {
    let symbols = of.symbols.split(',').map(Symbol::new);
    let symbols: Vec<Symbol> = symbols.collect::<Result<_, _>>().map_err(Error::from)?;
    Ok(Json(market::snapshot(&desk.db, &symbols, of.as_of).await?))
}

/// Seven-day returns and the newest correlations.
#[utoipa::path(get, path = "/market/metrics", responses((status = 200, body = Value)))]
async fn market_metrics(State(desk): Shared) -> Answer<MarketMetrics> {
    Ok(Json(market::metrics(&desk.db).await?))
}

/// The newest report of each provider.
#[utoipa::path(get, path = "/research/{week}", params(("week" = String, Path, example = "2026-01-07")),
    responses((status = 200, body = Value)))]
async fn latest_research(State(desk): Shared, Path(week): Path<WeekId>) -> Answer<Vec<Report>> {
    Ok(Json(research::latest_by_provider(&desk.db, week).await?))
}

/// The pitches of a week.
#[utoipa::path(get, path = "/pitches/{week}", params(("week" = String, Path, example = "2026-01-07")),
    responses((status = 200, body = Value)))]
async fn pitches_of_week(
    State(desk): Shared,
    Path(week): Path<WeekId>,
) -> Answer<Vec<StoredPitch>> {
    Ok(Json(pitches::of_week(&desk.db, week).await?))
}

/// Research, pitches, reviews and decisions of a week, read at one instant.
#[utoipa::path(get, path = "/council/{week}", params(("week" = String, Path, example = "2026-01-07")),
    responses((status = 200, body = Value)))]
async fn council_week(State(desk): Shared, Path(week): Path<WeekId>) -> Answer<StoredWeek> {
    Ok(Json(council::load(&desk.db, week, None).await?))
}

#[derive(Deserialize)]
struct Lookback {
    weeks: Option<Weeks>,
}

/// The accounts by return.
#[utoipa::path(get, path = "/leaderboard", params(("weeks" = Option<i32>, Query)),
    responses((status = 200, body = Value)))]
async fn leaderboard(State(desk): Shared, Query(over): Query<Lookback>) -> Answer<Vec<Place>> {
    Ok(Json(performance::leaderboard(&desk.db, over.weeks).await?))
}

#[derive(Deserialize)]
struct HistoryOf {
    account: Option<Account>,
    week: Option<WeekId>,
    event_type: Option<EventType>,
    after: Option<PageToken<Cursor>>,
    limit: Option<u32>,
}

/// Execution events, newest first. `next` goes into `after` of the next request; it is null on the last page.
#[utoipa::path(get, path = "/events", params(("account" = Option<String>, Query), ("week" = Option<String>, Query),
    ("event_type" = Option<String>, Query), ("after" = Option<String>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = Value)))]
async fn history(State(desk): Shared, Query(of): Query<HistoryOf>) -> Answer<Value> {
    const MOST: u32 = 500;
    let limit = of.limit.unwrap_or(100).clamp(1, MOST);
    let filter = Filter {
        account: of.account,
        week: of.week,
        event_type: of.event_type,
    };
    let after = of.after.map(|token| token.0);
    let mut events = events::history(&desk.db, &filter, after, limit + 1).await?;
    let more = events.len() > limit as usize;
    events.truncate(limit as usize);
    let last = events.last().filter(|_| more);
    let next = last.map(|event| PageToken(event.cursor()));
    Ok(Json(json!({ "events": events, "next": next })))
}

#[derive(Deserialize, ToSchema)]
struct Transfer {
    #[schema(value_type = String, format = "uuid")]
    from: AccountId,
    #[schema(value_type = String, format = "uuid")]
    to: AccountId,
    #[schema(value_type = f64, example = 12.5)]
    amount: Amount,
}

/// Moves money between two accounts, or nothing.
#[utoipa::path(post, path = "/transfers", request_body = Transfer, responses(
    (status = 200, description = "The balances", body = Value), (status = 404, description = "An unknown account"),
    (status = 409, description = "Not enough money"), (status = 422, description = "No such amount, or one account twice")))]
async fn transfer(State(desk): Shared, Json(order): Json<Transfer>) -> Answer<Value> {
    let Transfer { from, to, amount } = order;
    let balances = accounts::transfer(&desk.db, from, to, amount).await?;
    Ok(Json(json!({ "from": balances.from, "to": balances.to })))
}
