//! The last flight of a borrower: ends the transaction, cleans the session, and proves that it is in step.
//!
//! sqlx counts the answers that it expects, and what is abandoned half-way (a COPY, say) is not always in that count. From then on
//! each caller would get the answer to the question before. So each last flight asks for a number that nobody else knows: once that
//! has come back as its own answer, nothing older is under way.

use super::fault::{leaves_connection_usable, proves_statement_did_not_run};
use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Connection, Either, Error, Executor, PgConnection, Row};
use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// More rounds than anything left over could need.
const MOST_ROUNDS: usize = 8;

/// What makes a session as it was when it began. The values given at the start are what RESET goes back to.
pub(super) const CLEAN: &str = "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; CLOSE ALL; UNLISTEN *; DISCARD TEMP; DISCARD SEQUENCES";

/// How the transaction ends, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// SAVEPOINT fails if the transaction is aborted (25P02: an error was swallowed; a bare COMMIT would answer ROLLBACK, which sqlx
    /// takes for success) or over (25P01: something inside ended it), and the server then skips the rest.
    Commit,
    Rollback,
}

impl End {
    fn statements(self) -> &'static str {
        match self {
            Self::Commit => "SAVEPOINT commit_check; COMMIT",
            Self::Rollback => "ROLLBACK",
        }
    }

    /// How many of its statements must be done for it to be done.
    fn steps(self) -> usize {
        match self {
            Self::Commit => 2,
            Self::Rollback => 1,
        }
    }
}

/// What the last flight brought to light.
#[derive(Debug)]
pub(super) struct Ended {
    /// The end that was asked for, or why the server refused it.
    pub(super) outcome: Result<(), Error>,
    /// The session is clean and in step, and can go to the next borrower.
    pub(super) sound: bool,
}

/// The connection broke, or what came back makes no sense.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) error: Error,
    /// The server may have done what was asked for.
    pub(super) was_sent: bool,
}

/// How to make a session as it was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cleaning<'a> {
    /// Statements that do so.
    pub(super) statements: &'a str,
    /// Whether SQL may have prepared statements. To look costs the more the more statements sqlx has prepared.
    pub(super) look_for_prepared: bool,
    /// Whether what sqlx has prepared is removed, before the transaction ends.
    pub(super) forget_own: bool,
}

impl Cleaning<'_> {
    fn flight(&self, end: End, nonce: &str) -> String {
        let end = end.statements();
        let prepared = match self.look_for_prepared {
            true => "(SELECT count(*) FROM pg_catalog.pg_prepared_statements WHERE from_sql)",
            false => "0",
        };
        // The names are qualified since the borrower may have set a search_path.
        format!(
            "{end}; SELECT '{nonce}', {prepared}, pg_catalog.pg_advisory_unlock_all(); {}",
            self.statements
        )
    }
}

/// Ends the transaction, if there is one, and cleans the session. One flight, unless something was left over.
pub(super) async fn end(
    conn: &mut PgConnection,
    end: End,
    cleaning: Cleaning<'_>,
) -> Result<Ended, Broken> {
    let left_over = settle_what_is_owed(conn).await?;
    if cleaning.forget_own {
        let forgotten = conn.clear_cached_statements().await;
        forgotten.map_err(|error| Broken {
            error,
            was_sent: false,
        })?;
    }
    // What is left over of a failed statement has aborted the transaction.
    let end = if left_over.is_some() {
        End::Rollback
    } else {
        end
    };
    let flight = |end: End, nonce: &str| cleaning.flight(end, nonce);
    // A refused COMMIT has ended nothing.
    let talk = Talk::new(
        conn,
        |nonce| flight(end, nonce),
        |nonce| flight(End::Rollback, nonce),
    );
    let Heard {
        first,
        in_step,
        last_is_clean,
    } = talk.hear().await?;
    let outcome = match left_over {
        Some(error) => Err(error),
        None => first.outcome(end.steps()),
    };
    Ok(Ended {
        outcome,
        sound: in_step && last_is_clean && !conn.is_in_transaction(),
    })
}

/// Where a transaction stands after its raw connection was lent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stands {
    /// It can go on.
    Open,
    /// It can go on, without what was done: an error of a statement was swallowed.
    Undone,
    /// Something ended it.
    Over,
    /// It is open, but the session is out of step.
    OutOfStep,
}

/// Leaves a savepoint that nobody else knows, and sees whether the transaction is still the same one.
pub(super) async fn leave(
    conn: &mut PgConnection,
    savepoint: &str,
    undo: bool,
) -> Result<Stands, Broken> {
    settle_what_is_owed(conn).await?;
    let keep = format!("RELEASE SAVEPOINT {savepoint}");
    let back = format!("ROLLBACK TO SAVEPOINT {savepoint}; {keep}");
    let first = if undo { &back } else { &keep };
    let steps = if undo { 2 } else { 1 };
    let flight = |statements: &str, nonce: &str| format!("{statements}; SELECT '{nonce}'");
    let talk = Talk::new(
        conn,
        |nonce| flight(first, nonce),
        |nonce| flight(&back, nonce),
    );
    match talk.hear().await {
        Ok(heard) if !heard.in_step => Ok(Stands::OutOfStep),
        Ok(heard) => Ok(match heard.first.outcome(steps) {
            Ok(()) => Stands::Open,
            Err(_) => Stands::Undone,
        }),
        Err(broken) if is_over(&broken.error) => Ok(Stands::Over),
        Err(broken) => Err(broken),
    }
}

/// No transaction is open, or it is another one, without our savepoint.
fn is_over(error: &Error) -> bool {
    matches!(error, Error::Database(error) if matches!(error.code().as_deref(), Some("25P01" | "3B001")))
}

/// Rounds of questions and answers, each with a nonce, until one of them comes back.
struct Talk<'a, First, Then> {
    conn: &'a mut PgConnection,
    first: First,
    then: Then,
    rounds: Vec<Round>,
    nonces: Vec<String>,
}

/// The first question's answers, found.
struct Heard {
    first: Round,
    /// The last question was answered by its own answers.
    in_step: bool,
    last_is_clean: bool,
}

impl<'a, First, Then> Talk<'a, First, Then>
where
    First: Fn(&str) -> String,
    Then: Fn(&str) -> String,
{
    fn new(conn: &'a mut PgConnection, first: First, then: Then) -> Self {
        Self {
            conn,
            first,
            then,
            rounds: Vec::with_capacity(1),
            nonces: Vec::with_capacity(1),
        }
    }

    async fn hear(mut self) -> Result<Heard, Broken> {
        while self.rounds.len() < MOST_ROUNDS {
            let nonce = nonce();
            let question = match self.rounds.is_empty() {
                true => (self.first)(&nonce),
                false => (self.then)(&nonce),
            };
            let round = ask(self.conn, question).await;
            self.nonces.push(nonce);
            self.rounds.push(round);
            if let Some(error) = self.breakage() {
                return self.after_breakage(error);
            }
            if let Some(behind) = self.behind() {
                let last_is_clean = self.rounds.last().is_some_and(Round::is_clean);
                return Ok(Heard {
                    first: self.rounds.swap_remove(behind),
                    in_step: behind == 0,
                    last_is_clean,
                });
            }
            let owed = settle_what_is_owed(self.conn).await;
            owed.map_err(|broken| Broken {
                was_sent: true,
                ..broken
            })?;
        }
        Err(self.without_end())
    }

    /// How many rounds old the answers are that come back, once that shows.
    fn behind(&self) -> Option<usize> {
        let read = self.rounds.len() - 1;
        let heard = self.rounds[read].nonce.as_ref()?;
        let asked = self.nonces.iter().position(|nonce| nonce == heard)?;
        read.checked_sub(asked)
    }

    /// The last round's error, if nothing can follow it.
    fn breakage(&mut self) -> Option<Error> {
        let last = &mut self.rounds.last_mut()?.error;
        last.take_if(|error| !leaves_connection_usable(error))
    }

    fn after_breakage(mut self, error: Error) -> Result<Heard, Broken> {
        let asked_first = self.nonces.first();
        let heard = |round: &Round| round.nonce.is_some() && round.nonce.as_ref() == asked_first;
        // The first question was answered, and the connection broke while the session was being cleaned.
        if let Some(at) = self.rounds.iter().position(heard) {
            return Ok(Heard {
                first: self.rounds.swap_remove(at),
                in_step: false,
                last_is_clean: false,
            });
        }
        let heard_something =
            self.rounds.len() > 1 || self.rounds.iter().any(|round| round.steps > 0);
        Err(Broken {
            was_sent: heard_something || !proves_statement_did_not_run(&error),
            error,
        })
    }

    /// Refused to the end, or nothing that makes sense.
    fn without_end(mut self) -> Broken {
        let refused = self
            .rounds
            .iter_mut()
            .find_map(|round| round.error.take_if(|error| is_over(error)));
        Broken {
            error: refused.unwrap_or_else(out_of_step),
            was_sent: true,
        }
    }
}

fn out_of_step() -> Error {
    Error::Protocol("the session is out of step".to_owned())
}

/// Reads what sqlx knows to be under way; the error of a statement that was abandoned before its end, if it had one.
pub(super) async fn settle_what_is_owed(conn: &mut PgConnection) -> Result<Option<Error>, Broken> {
    let mut first = None;
    for _ in 0..MOST_ROUNDS {
        match conn.flush().await {
            Ok(()) => return Ok(first),
            Err(error) if leaves_connection_usable(&error) => {
                first.get_or_insert(error);
            }
            Err(error) => {
                return Err(Broken {
                    error,
                    was_sent: false,
                });
            }
        }
    }
    Err(Broken {
        error: out_of_step(),
        was_sent: false,
    })
}

/// What came back in one round.
#[derive(Debug, Default)]
struct Round {
    /// How many statements were done.
    steps: usize,
    nonce: Option<String>,
    /// How many statements were prepared by SQL. What is left of them cannot be told from sqlx's own, and is not cleaned.
    prepared: i64,
    error: Option<Error>,
}

impl Round {
    fn is_clean(&self) -> bool {
        self.error.is_none() && self.prepared == 0
    }

    /// What became of the first so many statements. An error after them is that of the cleaning.
    fn outcome(self, steps: usize) -> Result<(), Error> {
        match self.error {
            Some(error) if self.steps < steps => Err(error),
            _ => Ok(()),
        }
    }
}

/// Sends a flight of simple statements and reads one round of answers, whichever that is.
async fn ask(conn: &mut PgConnection, question: String) -> Round {
    let mut round = Round::default();
    let mut answers = conn.fetch_many(AssertSqlSafe(question));
    loop {
        match answers.try_next().await {
            Ok(Some(Either::Left(_))) => round.steps += 1,
            Ok(Some(Either::Right(row))) => {
                if let Ok(text) = row.try_get_unchecked::<String, _>(0) {
                    round.nonce = Some(text);
                    let prepared = row.try_get_unchecked::<String, _>(1);
                    round.prepared = prepared.ok().and_then(|n| n.parse().ok()).unwrap_or(0);
                }
            }
            Ok(None) => return round,
            Err(error) => {
                round.error = Some(error);
                return round;
            }
        }
    }
}

/// A name that was never used before, in this session or in another.
pub(super) fn nonce() -> String {
    static PROCESS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("proof_{:016x}_{number}", PROCESS.hash_one(number))
}
