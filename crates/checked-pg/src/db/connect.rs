//! Making a connection: to the first host that will do, patient with a server that starts, clear about one that does not, and
//! handed out only when the session is shown to be as it must be.

mod proof;

use super::fault::is_transient_on_connect;
use crate::{
    config::{Config, Credentials, Host, Limits, Password, Pooler, TargetSessionAttrs, from_file},
    error::{DatabaseError, Error, Result},
};
pub(super) use proof::Facts;
use proof::Proof;
use sqlx::{
    ConnectOptions, Connection, PgConnection,
    postgres::{PgConnectOptions, PgDatabaseError},
};
use std::{io::ErrorKind, sync::atomic::Ordering::Relaxed, time::Duration};
use tokio::time::{Instant, sleep, timeout};

/// Connects within `Config::connect_timeout`.
pub(super) async fn connect(config: &Config, limits: Limits) -> Result<PgConnection> {
    Ok(connect_and_tell(config, limits).await?.0)
}

/// The same; says what the session is like, too.
pub(super) async fn connect_and_tell(
    config: &Config,
    limits: Limits,
) -> Result<(PgConnection, Facts)> {
    if config.pooler == Pooler::Transaction && limits != Limits::Usual {
        return Err(Error::Connect {
            server: config.road.server(),
            why: "migrations and verification need a session of their own, which a pooler in transaction mode does not give: run \
                  them at the server's own address, without Config::pooler"
                .to_owned(),
        });
    }
    let mut search = Search {
        config,
        limits,
        deadline: Instant::now() + config.connect_timeout,
        told: vec![None; config.road.hosts().len()],
        second_best: None,
    };
    let outcome = timeout(config.connect_timeout, search.run()).await;
    if let Ok(Ok(found)) = outcome {
        return Ok(found);
    }
    Err(Error::Connect {
        server: config.road.server(),
        why: search.why(),
    })
}

/// Why a connection was not made.
struct Failure {
    why: String,
    /// The host did not answer in this time.
    silence: Option<Duration>,
    /// The same host may do in a moment.
    may_pass: bool,
    /// Another host may do.
    next_host: bool,
    /// The server does not take the password.
    of_the_password: bool,
}

impl Failure {
    fn new(error: &sqlx::Error) -> Self {
        let may_pass = is_transient_on_connect(error);
        Self {
            why: explain(error),
            silence: None,
            may_pass,
            // As in libpq: a server that is there and refuses us has the last word.
            next_host: may_pass || !matches!(error, sqlx::Error::Database(_)),
            of_the_password: matches!(error, sqlx::Error::Database(error) if error.code().as_deref() == Some("28P01")),
        }
    }

    fn last_word(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            silence: None,
            may_pass: false,
            next_host: false,
            of_the_password: false,
        }
    }

    fn for_now(why: String, silence: Option<Duration>) -> Self {
        Self {
            why,
            silence,
            may_pass: true,
            next_host: true,
            of_the_password: false,
        }
    }

    /// Replaces what became of the host before. A last attempt that had no time says nothing new about it.
    fn tell(self, told: &mut Option<String>) {
        const TOO_SHORT: Duration = Duration::from_millis(500);
        if told.is_none() || self.silence.is_none_or(|silence| silence > TOO_SHORT) {
            *told = Some(self.why);
        }
    }
}

/// The search for a host.
struct Search<'a> {
    config: &'a Config,
    limits: Limits,
    deadline: Instant,
    /// What became of each host.
    told: Vec<Option<String>>,
    /// A connection to take if no better one is found.
    second_best: Option<(PgConnection, Facts)>,
}

impl Search<'_> {
    async fn run(&mut self) -> Result<(PgConnection, Facts), ()> {
        let mut pause = Duration::from_millis(10);
        loop {
            let mut may_pass = false;
            let order = self.config.road.order();
            for (done, host) in order.iter().enumerate() {
                match self.visit(*host, order.len() - done).await {
                    Ok(Some(found)) => return Ok(found),
                    Ok(None) => {}
                    Err(failure) => {
                        self.config.road.note(*host, false);
                        may_pass |= failure.may_pass;
                        let last_word = !failure.next_host && !failure.may_pass;
                        failure.tell(&mut self.told[*host]);
                        if last_word {
                            return Err(());
                        }
                    }
                }
            }
            if let Some(found) = self.second_best.take() {
                return Ok(found);
            }
            if !may_pass {
                return Err(());
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    }

    /// A connection to this host, if it will do.
    async fn visit(
        &mut self,
        at: usize,
        hosts_left: usize,
    ) -> Result<Option<(PgConnection, Facts)>, Failure> {
        let host = &self.config.road.hosts()[at];
        let left = self.deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(hosts_left).unwrap_or(u32::MAX);
        let attempt = timeout(share, prove(self.config, host, self.limits)).await;
        let Session { conn, facts, .. } = attempt.unwrap_or_else(|_| {
            let why = format!("no answer in {share:.1?}{}", if_pooler(self.config));
            Err(Failure::for_now(why, Some(share)))
        })?;
        match judge(self.config.road.target, &facts) {
            Role::Right => {
                self.config.road.note(at, true);
                Ok(Some((conn, facts)))
            }
            Role::SecondBest => {
                self.second_best.get_or_insert((conn, facts));
                Ok(None)
            }
            // After a promotion it may do.
            Role::Wrong(why) => Err(Failure::for_now(why.to_owned(), None)),
        }
    }

    fn why(&self) -> String {
        let limit = self.config.connect_timeout;
        let hosts = self.config.road.hosts();
        if let [told] = self.told.as_slice() {
            return match told {
                Some(why) => why.clone(),
                None => format!("no answer in {limit:?}"),
            };
        }
        let told = hosts.iter().zip(&self.told);
        let each: Vec<_> = told
            .filter_map(|(host, why)| Some(format!("{host}: {}", why.as_ref()?)))
            .collect();
        match each.is_empty() {
            true => format!("no answer in {limit:?}"),
            false => each.join("; "),
        }
    }
}

/// What silence may mean behind a pooler.
fn if_pooler(config: &Config) -> &'static str {
    match config.pooler {
        Pooler::None => "",
        _ => {
            ": if the pooler has no free session, raise its default_pool_size or lower \
             Config::max_pool_size"
        }
    }
}

/// Whether a server will do.
enum Role {
    Right,
    /// If no other does.
    SecondBest,
    Wrong(&'static str),
}

fn judge(target: TargetSessionAttrs, facts: &Facts) -> Role {
    use TargetSessionAttrs as T;
    match target {
        T::Any => Role::Right,
        T::ReadWrite if facts.read_only => {
            Role::Wrong("it takes no writes, and target_session_attrs is read-write")
        }
        T::ReadOnly if !facts.read_only => {
            Role::Wrong("it takes writes, and target_session_attrs is read-only")
        }
        T::Primary if facts.standby => {
            Role::Wrong("it is a standby, and target_session_attrs is primary")
        }
        T::Standby if !facts.standby => {
            Role::Wrong("it is no standby, and target_session_attrs is standby")
        }
        T::PreferStandby if !facts.standby => Role::SecondBest,
        _ => Role::Right,
    }
}

/// A session, shown to be as it must be.
struct Session {
    conn: PgConnection,
    facts: Facts,
    proof: Proof,
}

/// A session on this host. The first one behind a pooler that keeps sessions for their clients shows that it does.
async fn prove(config: &Config, host: &Host, limits: Limits) -> Result<Session, Failure> {
    let mut session = open(config, host, limits).await?;
    if config.pooler == Pooler::Session && !config.pooler_is_proven.load(Relaxed) {
        let mut second = open(config, host, limits).await?.conn;
        proof::keeps_sessions(&session.proof, &mut session.conn, &mut second).await?;
        config.pooler_is_proven.store(true, Relaxed);
        if let Err(error) = second.close().await {
            tracing::debug!(error = %Error::from(error), "the pooler is proven, the goodbye failed");
        }
    }
    Ok(session)
}

/// A session by the credentials of this moment; once more if those were just replaced.
async fn open(config: &Config, host: &Host, limits: Limits) -> Result<Session, Failure> {
    let ask = || async {
        let answer = credentials(config, host).await;
        answer.map_err(Failure::last_word)
    };
    let known = ask().await?;
    match open_as(config, host, limits, known.as_ref()).await {
        Err(failure) if failure.of_the_password && known.is_some() => match ask().await? {
            replaced if replaced != known => open_as(config, host, limits, replaced.as_ref()).await,
            _ => Err(failure),
        },
        outcome => outcome,
    }
}

async fn open_as(
    config: &Config,
    host: &Host,
    limits: Limits,
    credentials: Option<&Credentials>,
) -> Result<Session, Failure> {
    let settings = match config.pooler {
        Pooler::Session => config.settings_by_statement(limits),
        _ => config.session_settings(limits),
    };
    let begun = Instant::now();
    let proof = Proof::new(config, &settings);
    let start = |options: PgConnectOptions| {
        let options = match credentials {
            Some(Credentials { user, password }) => {
                let user = user.as_deref().unwrap_or(config.road.user());
                options.username(user).password(password)
            }
            None => options,
        };
        config.start_with(options, proof.start_settings())
    };
    let mut before: Option<String> = None;
    for (options, another_follows) in config.road.ways_to(host) {
        match start(options).connect().await {
            Ok(mut conn) => {
                let facts = proof.check(&mut conn, begun).await?;
                return Ok(Session { conn, facts, proof });
            }
            Err(error) if another_follows && another_way_may_do(&error) => {
                before = Some(explain(&error));
            }
            Err(error) => {
                let mut failure = Failure::new(&error);
                if proof::is_refused_by_pooler(&error) {
                    failure.why = format!("{} ({})", proof::POOLER, failure.why);
                }
                if let Some(before) = before.filter(|before| *before != failure.why) {
                    failure.why = format!("{before}; then, without: {}", failure.why);
                }
                return Err(failure);
            }
        }
    }
    Err(Failure::last_word("there is no way to connect"))
}

/// The credentials, if they are asked for anew for each connection.
async fn credentials(config: &Config, host: &Host) -> Result<Option<Credentials>, String> {
    match &config.road.password {
        Password::Given => Ok(None),
        Password::PassFile(file) => {
            let password = file.password(&config.road, host)?;
            Ok(password.map(Credentials::password))
        }
        Password::File(file) => from_file(file).map(Some),
        Password::Asked(asked) => asked.ask().await.map(Some),
    }
}

/// True if TLS failed or was not wanted, or was wanted and left out: as in libpq, `prefer` and `allow` then go the other way.
fn another_way_may_do(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Tls(_) => true,
        sqlx::Error::Io(error) => error.kind() == ErrorKind::InvalidData,
        sqlx::Error::Database(error) => error.code().as_deref() == Some("28000"),
        _ => false,
    }
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
            ErrorKind::InvalidData => explain_tls(&error.to_string()),
            _ => error.to_string(),
        },
        sqlx::Error::Tls(error) => format!("TLS: {error}"),
        sqlx::Error::Protocol(_) => {
            "its answer was not understood: is it a PostgreSQL server?".to_owned()
        }
        _ => "the driver does not accept the settings".to_owned(),
    }
}

/// What the driver says of the server's certificate, and what to do.
fn explain_tls(said: &str) -> String {
    let advice = if said.contains("UnknownIssuer") {
        "sslrootcert must name the certificate of the authority that signed the server's"
    } else if said.contains("not valid for name") {
        "connect by a name that it is for; wherever the driver verifies a certificate, it verifies the name"
    } else if said.contains("CaUsedAsEndEntity") {
        "the driver takes no authority's certificate for a server's: make the server's with basicConstraints=CA:FALSE"
    } else if said.contains("UnsupportedCertVersion") {
        "the driver knows certificates of version 3 alone: make the server's with an extension, such as subjectAltName"
    } else {
        return said.to_owned();
    };
    format!("{said}: {advice}")
}

fn explain_refusal(error: &PgDatabaseError) -> String {
    // While connecting, the server repeats settings at most.
    let said = match error.code() {
        code if code.starts_with("22") => format!("{} (SQLSTATE {code})", error.message()),
        _ => DatabaseError::from(error).to_string(),
    };
    let advice = match error.code() {
        "28P01" => "check user and password",
        // Peer, ident and certificates: no password would help.
        "28000" if !error.message().contains("password") => {
            "check the user and the server's pg_hba.conf; the password is not the matter"
        }
        "28000" => "check user and password",
        "3D000" => "create it, or check its name",
        "53300" => "lower Config::max_pool_size, or raise max_connections on the server",
        "57P03" => "wait until it is up",
        _ => return said,
    };
    format!("{said}: {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_attempt_without_time_leaves_what_was_told() {
        let silence = |milliseconds| {
            let silence = Duration::from_millis(milliseconds);
            Failure::for_now(format!("no answer in {silence:?}"), Some(silence))
        };
        let mut told = None;
        silence(3).tell(&mut told);
        assert_eq!(told.as_deref(), Some("no answer in 3ms"));
        Failure::last_word("it is no standby").tell(&mut told);
        silence(2).tell(&mut told);
        assert_eq!(told.as_deref(), Some("it is no standby"));
        silence(1700).tell(&mut told);
        assert_eq!(told.as_deref(), Some("no answer in 1.7s"));
    }
}
