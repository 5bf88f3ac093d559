//! One server for all that does not change it, and questions to sessions.

use checked_pg::{
    config::Config,
    db::Db,
    error::{Error, Result},
};
use std::sync::OnceLock;
use test_servers::{Cluster, ClusterSettings};

/// A server that trusts everybody; nobody stops it or changes its settings.
pub fn server() -> &'static Cluster {
    static SERVER: OnceLock<Cluster> = OnceLock::new();
    SERVER.get_or_init(|| Cluster::start(&ClusterSettings::default()))
}

/// The answer to one question, as text, of a session of the pool.
pub async fn ask(db: &Db, question: &'static str) -> String {
    sqlx::query_scalar::<_, String>(question)
        .fetch_one(db)
        .await
        .unwrap()
}

/// The same on a pool of its own.
pub async fn ask_at(config: &Config, question: &'static str) -> String {
    let db = Db::connect(&config.clone().max_pool_size(1)).await.unwrap();
    ask(&db, question).await
}

/// Why no connection could be made.
pub async fn refusal(config: &Config) -> String {
    match Db::connect(config).await {
        Err(error @ Error::Connect { .. }) => error.to_string(),
        other => panic!("expected a refusal: {other:?}"),
    }
}

/// The variables that are given, and no others.
pub fn from_vars(vars: &[(&str, &str)]) -> Result<Config> {
    Config::from_vars(|name| {
        let found = vars.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

/// What a call returns; `None` if it is dropped, after being looked at so often, before it is done.
pub async fn dropped_after<T>(polls: usize, call: impl Future<Output = T>) -> Option<T> {
    let mut call = std::pin::pin!(call);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return std::task::Poll::Ready(None);
        }
        left -= 1;
        match call.as_mut().poll(context) {
            std::task::Poll::Ready(value) => std::task::Poll::Ready(Some(value)),
            std::task::Poll::Pending if left == 0 => std::task::Poll::Ready(None),
            std::task::Poll::Pending => std::task::Poll::Pending,
        }
    })
    .await
}
