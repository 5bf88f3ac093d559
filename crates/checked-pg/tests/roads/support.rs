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
