//! The server and its settings, as a session of ours sees them. No extension is needed, so none is looked for.

use super::Finding;
use crate::{db::health::version, error::Result};
use sqlx::PgConnection;

/// The oldest server the migrations and the tests are run on.
pub(crate) const OLDEST: u32 = 15;

/// An older server. One that does not tell its version is given the benefit of the doubt.
pub(super) fn too_old(number: Option<u32>) -> Option<Finding> {
    number.filter(|number| *number < OLDEST * 10_000).map(|_| {
        Finding::new(
            format!("the server is PostgreSQL {}", version(number)),
            format!("upgrade it to PostgreSQL {OLDEST} or later; nothing else was looked at"),
        )
    })
}

struct Settings {
    encoding: String,
    strings: String,
    time_zone: String,
    standby: bool,
    read_only: bool,
    collation_changed: Option<bool>,
}

/// What is wrong with the settings.
pub(super) async fn settings(conn: &mut PgConnection) -> Result<Vec<Finding>> {
    let settings = sqlx::query_as!(
        Settings,
        r#"
        SELECT current_setting('server_encoding') AS "encoding!",
               current_setting('standard_conforming_strings') AS "strings!",
               current_setting('TimeZone') AS "time_zone!",
               pg_is_in_recovery() AS "standby!",
               current_setting('transaction_read_only')::bool AS "read_only!",
               datcollversion <> pg_database_collation_actual_version(oid) AS collation_changed
        FROM pg_database
        WHERE datname = current_database()
        "#
    )
    .fetch_one(conn)
    .await?;
    Ok(judge(&settings))
}

fn judge(settings: &Settings) -> Vec<Finding> {
    let Settings {
        encoding,
        strings,
        time_zone,
        ..
    } = settings;
    let utc = ["UTC", "Etc/UTC", "GMT", "Etc/GMT"].contains(&time_zone.as_str());
    let read_only = match settings.standby {
        true => (
            "the server is a standby, which takes no writes",
            "connect to the primary, or promote this server",
        ),
        false => (
            "the database takes no writes: default_transaction_read_only is on",
            "set it off where it was set: ALTER DATABASE, ALTER ROLE or postgresql.conf",
        ),
    };
    let rules = [
        (
            encoding != "UTF8",
            format!("the encoding of the database is {encoding}, must be UTF8"),
            "dump it, create it with ENCODING 'UTF8' TEMPLATE template0, and restore",
        ),
        (
            strings != "on",
            format!("standard_conforming_strings is {strings}, must be on"),
            "set it on where it was set: ALTER DATABASE, ALTER ROLE or postgresql.conf",
        ),
        (
            !utc,
            format!("the time zone of our sessions is {time_zone}, must be UTC"),
            "we ask for UTC, so something in between ignores it: set it there, or on the role",
        ),
        (settings.read_only, read_only.0.to_owned(), read_only.1),
        (
            settings.collation_changed == Some(true),
            "the system sorts text differently than when the database was created".to_owned(),
            "indexes on text may miss rows: REINDEX DATABASE, then ALTER DATABASE … REFRESH COLLATION VERSION",
        ),
    ];
    rules
        .into_iter()
        .filter(|(broken, ..)| *broken)
        .map(|(_, what, advice)| Finding::new(what, advice))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Settings {
        Settings {
            encoding: "UTF8".to_owned(),
            strings: "on".to_owned(),
            time_zone: "UTC".to_owned(),
            standby: false,
            read_only: false,
            collation_changed: None,
        }
    }

    /// Those that a test cannot bring about on a server of its own.
    #[test]
    fn each_broken_setting_is_told() {
        let what = |settings| -> Vec<String> {
            judge(&settings)
                .into_iter()
                .map(|finding| finding.what)
                .collect()
        };
        assert_eq!(what(good()), [""; 0]);
        let time_zone = "Asia/Tokyo".to_owned();
        assert_eq!(
            what(Settings {
                time_zone,
                ..good()
            }),
            ["the time zone of our sessions is Asia/Tokyo, must be UTC"]
        );
        let standby = Settings {
            standby: true,
            read_only: true,
            ..good()
        };
        assert_eq!(
            what(standby),
            ["the server is a standby, which takes no writes"]
        );
        let collation_changed = Some(true);
        assert_eq!(
            what(Settings {
                collation_changed,
                ..good()
            }),
            ["the system sorts text differently than when the database was created"]
        );
    }

    #[test]
    fn old_servers_are_told() {
        let what = |number| too_old(number).map(|finding| finding.what);
        assert_eq!(
            what(Some(140_012)).as_deref(),
            Some("the server is PostgreSQL 14.12")
        );
        assert_eq!(what(Some(150_000)), None);
        assert_eq!(what(None), None);
    }
}
