//! Logs on standard error, and a count of the statements that ran.

use std::{
    env, fmt, io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, Targets},
    layer::{Context, Filter, SubscriberExt},
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

/// Where sqlx passes on what the server says beside its answers.
const NOTICES: &str = "sqlx::postgres::notice";

/// Passes everything but one warning of the server: that a ROLLBACK, sent to be sure, had nothing to roll back.
struct NoIdleRollback;

impl<S> Filter<S> for NoIdleRollback {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        let mut said = Said::default();
        if event.metadata().target() == NOTICES {
            event.record(&mut said);
        }
        said.0 != "there is no transaction in progress"
    }
}

/// The message of an event.
#[derive(Default)]
struct Said(String);

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
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
                .with_filter(filter.and(NoIdleRollback)),
        )
        .with(statements.clone().with_filter(counted))
        .init();
    statements
}
