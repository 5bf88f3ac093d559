//! The JSONB documents: what is stored is what is read, what is wrong is named, and no value shows up in an error.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "documents go through the server without a table, in statements of no schema"
)]

mod goldens;
mod parity;
mod round_trips;
mod rules;
mod strategies;

use llm_trading_db::documents::{
    Content, Decision, Document, Event, LogData, Pitch, PitchReviews, Research, Review,
};
use sqlx::{Connection, PgConnection};

use crate::support;

/// The name of a golden file and its text.
macro_rules! golden {
    ($name:literal) => {
        ($name, include_str!(concat!("../golden/", $name, ".json")))
    };
}

/// Every golden file, as name and text. Its name begins with that of its kind.
const GOLDENS: &[(&str, &str)] = &[
    golden!("decision"),
    golden!("decision_fallback"),
    golden!("event_account_validation_error"),
    golden!("event_baseline_account_skipped"),
    golden!("event_correction"),
    golden!("event_entry"),
    golden!("event_exit"),
    golden!("event_order_failed"),
    golden!("event_order_failed_stage"),
    golden!("event_order_placed"),
    golden!("event_order_placed_stage"),
    golden!("event_order_retried"),
    golden!("event_other"),
    golden!("event_void"),
    golden!("log"),
    golden!("pitch_v1"),
    golden!("pitch_v1_flat"),
    golden!("pitch_v2"),
    golden!("pitch_v2_flat"),
    golden!("research"),
    golden!("research_old"),
    golden!("review"),
    golden!("reviews"),
];

/// The text of a golden file.
fn golden(name: &str) -> &'static str {
    GOLDENS.iter().find(|(known, _)| *known == name).unwrap().1
}

/// Does something with a golden document, whatever its content is.
trait Visit {
    fn visit<C: Content + PartialEq + std::fmt::Debug + 'static>(&mut self, name: &str, json: &str);
}

fn visit_goldens(visit: &mut impl Visit) {
    for (name, json) in GOLDENS {
        match name.split('_').next() {
            Some("decision") => visit.visit::<Decision>(name, json),
            Some("event") => visit.visit::<Event>(name, json),
            Some("log") => visit.visit::<LogData>(name, json),
            Some("pitch") => visit.visit::<Pitch>(name, json),
            Some("research") => visit.visit::<Research>(name, json),
            Some("review") => visit.visit::<Review>(name, json),
            Some("reviews") => visit.visit::<PitchReviews>(name, json),
            _ => panic!("no content is called {name}"),
        }
    }
}

async fn connect() -> PgConnection {
    PgConnection::connect_with(&support::database_options().await)
        .await
        .unwrap()
}

/// Sends documents as one array parameter of their domain, and reads them back as rows.
async fn through_server<C>(
    connection: &mut PgConnection,
    documents: &[Document<C>],
) -> Vec<Document<C>>
where
    C: Content + Clone + Send + Sync + Unpin + 'static,
{
    let sql = format!(
        "SELECT stored.document
         FROM UNNEST($1::{}[]) WITH ORDINALITY AS stored (document, place)
         ORDER BY stored.place",
        C::DOMAIN
    );
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(documents)
        .fetch_all(connection)
        .await
        .unwrap()
}
