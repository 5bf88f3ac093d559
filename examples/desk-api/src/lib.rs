//! The desk over HTTP: route → service → repository → pool, each an async function, each awaited, each typed.
//!
//! A request has a deadline. When it passes, or when the client hangs up, the route's future is dropped, and the pool cancels the
//! statement on the server.

mod answer;
mod metrics;
mod routes;

use std::{future::Future, io, sync::Arc, time::Duration};

use axum::{Router, http::StatusCode, middleware, routing::get};
use llm_trading_db::Db;
use tokio::net::TcpListener;
use tower_http::timeout::TimeoutLayer;

use metrics::Metrics;

/// Longest wait for the requests under way when the service stops.
const GOODBYE: Duration = Duration::from_secs(10);

/// What the routes share.
struct Desk {
    db: Db,
    metrics: Metrics,
}

/// The routes of the desk.
pub fn router(db: Db, deadline: Duration) -> Router {
    let desk = Arc::new(Desk {
        db,
        metrics: Metrics::default(),
    });
    let (routes, openapi) = routes::all().split_for_parts();
    routes
        .route("/openapi.json", get(async move || axum::Json(openapi)))
        .route("/metrics", get(metrics::show))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            deadline,
        ))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&desk),
            metrics::count,
        ))
        .with_state(desk)
}

/// Serves until `stop` is ready, then lets the requests under way finish and closes the pool.
///
/// # Errors
/// The listener broke.
pub async fn serve(
    listener: TcpListener,
    db: Db,
    deadline: Duration,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, router(db.clone(), deadline))
        .with_graceful_shutdown(stop)
        .await?;
    db.close(GOODBYE).await;
    Ok(())
}
