//! Request counts and times by route, and the pool's gauges, in the text format of Prometheus.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use prometheus_client::{
    encoding::text::encode,
    metrics::{
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

use crate::Desk;

type Labels = Vec<(String, String)>;

pub(crate) struct Metrics {
    registry: Mutex<Registry>,
    seconds: Family<Labels, Histogram>,
    connections: Family<Labels, Gauge>,
}

impl Default for Metrics {
    fn default() -> Self {
        let seconds: Family<Labels, Histogram> =
            Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.001, 2.0, 14)));
        let connections = Family::default();
        let mut registry = Registry::default();
        registry.register("request_seconds", "Time to the answer", seconds.clone());
        registry.register("pool_connections", "Connections", connections.clone());
        Self {
            registry: Mutex::new(registry),
            seconds,
            connections,
        }
    }
}

/// Counts a request under its route's pattern: a path would be a label of its own for each week.
pub(crate) async fn count(
    State(desk): State<Arc<Desk>>,
    path: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let route = path.map_or_else(|| "unknown".to_owned(), |path| path.as_str().to_owned());
    let start = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_str().to_owned();
    let labels = vec![("route".to_owned(), route), ("status".to_owned(), status)];
    let times = desk.metrics.seconds.get_or_create(&labels);
    times.observe(start.elapsed().as_secs_f64());
    response
}

pub(crate) async fn show(State(desk): State<Arc<Desk>>) -> Response {
    let pool = desk.db.status();
    let gauges = [
        ("max", pool.max_size),
        ("open", pool.size),
        ("idle", pool.idle),
        ("waiting", pool.waiting),
    ];
    for (state, count) in gauges {
        let labels = vec![("state".to_owned(), state.to_owned())];
        let gauge = desk.metrics.connections.get_or_create(&labels);
        gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
    }
    let mut text = String::new();
    let registry = desk.metrics.registry.lock();
    match encode(&mut text, &registry.unwrap_or_else(PoisonError::into_inner)) {
        Ok(()) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
