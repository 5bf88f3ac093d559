//! Making a connection: patient with a server that starts, clear about one that does not.

use super::fault::is_transient_on_connect;
use crate::{
    config::Config,
    error::{DatabaseError, Error, Result},
};
use sqlx::{
    ConnectOptions, PgConnection,
    postgres::{PgConnectOptions, PgDatabaseError},
};
use std::{io::ErrorKind, time::Duration};
use tokio::time::{sleep, timeout};

/// Connects within `Config::connect_timeout`.
pub(super) async fn connect(config: &Config, options: PgConnectOptions) -> Result<PgConnection> {
    let mut last = None;
    let patient = async {
        let mut pause = Duration::from_millis(10);
        loop {
            match options.connect().await {
                Err(error) if is_transient_on_connect(&error) => last = Some(error),
                result => return result,
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    };
    let outcome = timeout(config.connect_timeout, patient).await;
    let why = match (outcome, last) {
        (Ok(Ok(conn)), _) => return Ok(conn),
        (Ok(Err(error)), _) | (Err(_), Some(error)) => explain(&error),
        (Err(_), None) => format!("no answer in {:?}", config.connect_timeout),
    };
    Err(Error::Connect {
        server: config.server(),
        why,
    })
}

/// What went wrong and what to do. While connecting no error holds a row's value, and none the password.
fn explain(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => match error.try_downcast_ref::<PgDatabaseError>() {
            Some(error) => explain_refusal(error),
            None => "it is no PostgreSQL server".to_owned(),
        },
        sqlx::Error::Io(error) => match error.kind() {
            ErrorKind::ConnectionRefused | ErrorKind::NotFound => {
                format!("{error}: is the server running, and is this its address?")
            }
            _ => error.to_string(),
        },
        sqlx::Error::Tls(error) => format!("TLS: {error}"),
        sqlx::Error::Protocol(_) => {
            "its answer was not understood: is it a PostgreSQL server?".to_owned()
        }
        _ => "the driver does not accept the settings".to_owned(),
    }
}

fn explain_refusal(error: &PgDatabaseError) -> String {
    let said = DatabaseError::from(error);
    let advice = match error.code() {
        "28P01" | "28000" => "check user and password (DATABASE_USER, DATABASE_PASSWORD)",
        "3D000" => "create it, or check its name (DATABASE_NAME)",
        "53300" => "lower DB_MAX_POOL_SIZE, or raise max_connections on the server",
        "57P03" => "wait until it is up",
        _ => return said.to_string(),
    };
    format!("{said}: {advice}")
}
