//! Is the session that was made the one that was asked for, with nothing in between that changes it?
//!
//! A connection pooler hands one session of the server to many clients. It may drop what a client asks for when it connects, time
//! limits above all, and in transaction mode it may run a prepared statement of another client under the name of ours. So one
//! statement asks whether a random mark that was sent with the first message is in force, and the time limits with it, and
//! whether the session is as young as the connection.

use super::Failure;
use crate::config::{Config, Pooler, Setting, quoted, time_limit};
use sqlx::{Executor, PgConnection, Row, postgres::PgRow};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// The setting that holds the mark.
const MARK: &str = "checked_pg.session";

pub(super) const POOLER: &str = "a connection pooler stands between this program and the server: set Config::pooler to \
     session or transaction, whichever its pool_mode is";

const SHARED: &str = "the pooler hands the session of another client out as that one left it: with pool_mode = transaction set \
     Config::pooler to transaction; with pool_mode = session give the pooler server_reset_query = DISCARD ALL";

/// What a session on this server is like.
#[derive(Debug, Clone, Copy)]
pub(in crate::db) struct Facts {
    pub(super) standby: bool,
    pub(super) read_only: bool,
    /// Functions or views of this database may change a session, and a trigger can run them without being named in a statement.
    pub(in crate::db) acts_unseen: bool,
}

/// Whether there are such functions or views. A source that only looks so costs speed; extensions written in C are not looked into.
/// Where there are thousands of either, a look at each would cost every connection too much: they count as such.
const ACTS_UNSEEN: &str = r"(WITH acting (funcid) AS (
    SELECT ':funcid (' || string_agg(oid::text, '|') || ') ' FROM pg_catalog.pg_proc
    WHERE pronamespace = 'pg_catalog'::regnamespace
      AND proname IN ('set_config', 'setseed', 'pg_advisory_lock', 'pg_advisory_lock_shared', 'pg_try_advisory_lock', 'pg_try_advisory_lock_shared')
), own (spaces) AS (
    SELECT array_agg(oid) FROM pg_catalog.pg_namespace WHERE nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
)
SELECT (
    SELECT count(*) > 5000
    FROM pg_catalog.pg_proc AS f
    WHERE f.pronamespace = ANY ((SELECT spaces FROM own)::oid[])
) OR (
    SELECT count(*) > 1000
    FROM pg_catalog.pg_class AS c
    WHERE c.relkind IN ('v', 'm') AND c.relnamespace = ANY ((SELECT spaces FROM own)::oid[])
) OR EXISTS (
    -- CASE keeps the costly look for what is not the server's own.
    SELECT FROM pg_catalog.pg_proc AS f
    WHERE CASE WHEN f.pronamespace = ANY ((SELECT spaces FROM own)::oid[])
        THEN f.prosrc ~* $source$set_config|setseed|advisory_lock|dblink|\mlisten\M|with\s+hold|(create|into)\s+(local\s+|global\s+)?temp|(^|[;']|\m(begin|then|else|loop)\M)(\s|--[^\n]*\n|/\*([^*]|\*[^/])*\*/)*\m(set\s+(?!local\M|constraints\M|transaction\M)|reset\M|prepare\M|load\M)$source$
          OR to_jsonb(f) ->> 'prosqlbody' ~ (SELECT funcid FROM acting)
    END
) OR EXISTS (
    SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = c.oid
    WHERE CASE WHEN c.relnamespace = ANY ((SELECT spaces FROM own)::oid[])
        THEN r.ev_action::text ~ (SELECT funcid FROM acting)
    END
))::text";

pub(super) struct Proof {
    pooler: Pooler,
    mark: String,
    /// Settings, the mark among them.
    settings: Vec<Setting>,
}

impl Proof {
    pub(super) fn new(config: &Config, settings: &[Setting]) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "a mark that nobody else has, not a time"
        )]
        let mark = Uuid::now_v7().simple().to_string();
        let mut settings = settings.to_vec();
        settings.push((MARK.into(), mark.clone()));
        Self {
            pooler: config.pooler,
            mark,
            settings,
        }
    }

    /// What the first message to the server must hold, where there is no pooler.
    pub(super) fn start_settings(&self) -> &[Setting] {
        &self.settings
    }

    /// Asks the server, and behind a pooler in session mode sets what could not be sent before.
    pub(super) async fn check(
        &self,
        conn: &mut PgConnection,
        begun: Instant,
    ) -> Result<Facts, Failure> {
        let row = conn.fetch_one(sqlx::AssertSqlSafe(self.question())).await;
        let row = row.map_err(|error| Failure::new(&error))?;
        let answer = self.read(&row).map_err(|_| {
            Failure::last_word("its answer was not understood: is it a PostgreSQL server?")
        })?;
        self.judge(&answer, begun.elapsed())?;
        Ok(answer.facts)
    }

    /// True if the session is still the one that was checked.
    pub(super) async fn still_holds(&self, conn: &mut PgConnection) -> Result<bool, Failure> {
        let question = format!("SELECT current_setting({}, true)", quoted(MARK));
        let row = conn.fetch_one(sqlx::AssertSqlSafe(question)).await;
        let row = row.map_err(|error| Failure::new(&error))?;
        Ok(row
            .try_get::<Option<String>, _>(0)
            .ok()
            .flatten()
            .as_deref()
            == Some(&self.mark))
    }

    /// One statement without parameters: it must not be prepared, before it is known who remembers prepared statements.
    fn question(&self) -> String {
        let mut columns = vec![
            format!("coalesce(current_setting({}, true), '')", quoted(MARK)),
            "pg_is_in_recovery()::text".to_owned(),
            "current_setting('transaction_read_only')".to_owned(),
            "extract(epoch FROM clock_timestamp() - (SELECT backend_start FROM pg_stat_get_activity(pg_backend_pid())))::text"
                .to_owned(),
            ACTS_UNSEEN.to_owned(),
        ];
        let set = |(name, value): &Setting| match self.pooler {
            Pooler::Session => format!("set_config({}, {}, false)", quoted(name), quoted(value)),
            _ => format!("coalesce(current_setting({}, true), '')", quoted(name)),
        };
        columns.extend(self.settings.iter().map(set));
        format!("SELECT {}", columns.join(", "))
    }

    fn read(&self, row: &PgRow) -> Result<Answer, sqlx::Error> {
        let text = |at: usize| row.try_get::<Option<String>, _>(at);
        let known = |at: usize| text(at).map(Option::unwrap_or_default);
        let settings = (0..self.settings.len()).map(|at| known(5 + at));
        Ok(Answer {
            mark: known(0)?,
            facts: Facts {
                standby: known(1)? == "true",
                read_only: known(2)? == "on",
                acts_unseen: known(4)? == "true",
            },
            age: text(3)?.and_then(|age| age.parse().ok()),
            settings: settings.collect::<Result<_, _>>()?,
        })
    }

    fn judge(&self, answer: &Answer, elapsed: Duration) -> Result<(), Failure> {
        match self.pooler {
            Pooler::None if answer.mark != self.mark || self.is_older(answer, elapsed) => {
                Err(Failure::last_word(POOLER))
            }
            Pooler::None => self.judge_limits(answer),
            Pooler::Session if !answer.mark.is_empty() => Err(Failure::last_word(SHARED)),
            Pooler::Session => self.judge_limits(answer),
            Pooler::Transaction => Ok(()),
        }
    }

    /// True if the server made the session before we asked for one. Its own clock tells, so ours need not agree with it.
    fn is_older(&self, answer: &Answer, elapsed: Duration) -> bool {
        const SLACK: Duration = Duration::from_millis(200);
        let age = answer.age.map(Duration::try_from_secs_f64);
        matches!(age, Some(Ok(age)) if age > elapsed + SLACK)
    }

    /// The time limits, which a server writes with units, must be those that were asked for.
    fn judge_limits(&self, answer: &Answer) -> Result<(), Failure> {
        for ((name, wanted), found) in self.settings.iter().zip(&answer.settings) {
            let (wanted_limit, found_limit) = (time_limit(wanted), time_limit(found));
            if name.ends_with("_timeout") && wanted_limit != found_limit {
                return Err(Failure::last_word(format!(
                    "something in between changed {name} from {wanted} to {found}: {POOLER}"
                )));
            }
        }
        Ok(())
    }
}

struct Answer {
    mark: String,
    facts: Facts,
    /// Seconds since the server made the session.
    age: Option<f64>,
    settings: Vec<String>,
}

/// A pooler that was declared to keep a session for each connection must do so.
///
/// While a second connection has a transaction open, it holds a session. In transaction mode that is the one that the first connection
/// had, or the first connection gets another one at one of its next statements.
pub(super) async fn keeps_sessions(
    proof: &Proof,
    first: &mut PgConnection,
    second: &mut PgConnection,
) -> Result<(), Failure> {
    let begun = second.execute("BEGIN").await;
    begun.map_err(|error| Failure::new(&error))?;
    for _ in 0..3 {
        if !proof.still_holds(first).await? {
            return Err(Failure::last_word(SHARED));
        }
    }
    Ok(())
}

/// True if a pooler refused what the first message held.
pub(super) fn is_refused_by_pooler(error: &sqlx::Error) -> bool {
    const WORDS: [&str; 2] = ["unsupported startup parameter", "command-line options"];
    matches!(error, sqlx::Error::Database(error) if WORDS.iter().any(|words| error.message().contains(words)))
}
