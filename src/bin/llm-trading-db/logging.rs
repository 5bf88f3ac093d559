//! Logs on standard error, and a count of the statements that ran.

use std::{
    env, io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tracing::{Event, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::Targets,
    layer::{Context, SubscriberExt},
    util::SubscriberInitExt,
};

/// Where sqlx tells of each statement, if the connection was told to.
const STATEMENTS: &str = "sqlx::query";

/// Counts the statements that ran on connections with [`log_statements`](llm_trading_db::config::Config::log_statements).
#[derive(Debug, Clone, Default)]
pub(crate) struct Statements(Arc<AtomicU64>);

impl Statements {
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// What is logged unless one asks for more: a statement that took a second is for those who look for it.
const QUIET: &str = "warn,sqlx::query=off";
const VERBOSE: &str = "info,llm_trading_db=debug,checked_pg=debug";

/// Sends warnings to standard error, more if `verbose`, and otherwise what `RUST_LOG` asks for.
pub(crate) fn start(verbose: bool) -> Statements {
    let asked = env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    let filter = match (verbose, asked.as_str()) {
        (true, _) => EnvFilter::new(VERBOSE),
        (false, "") => EnvFilter::new(QUIET),
        (false, asked) => EnvFilter::new(asked),
    };
    let statements = Statements::default();
    let counted = Targets::new().with_target(STATEMENTS, LevelFilter::DEBUG);
    tracing_subscriber::registry()
        .with(
            tracing_subscriber::fmt::layer()
                .with_writer(io::stderr)
                .with_filter(filter),
        )
        .with(statements.clone().with_filter(counted))
        .init();
    statements
}
