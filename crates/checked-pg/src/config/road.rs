//! The way to the server: which hosts, as whom, how protected.

mod read;

use super::{
    conninfo::{Conninfo, Lookup},
    credentials::Asked,
    passfile::PassFile,
    tls::Tls,
};
use crate::error::Result;
use sqlx::postgres::PgConnectOptions;
use std::{
    net::IpAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Where servers put their sockets by default.
pub(super) const DEFAULT_FOLDERS: [&str; 3] = ["/var/run/postgresql", "/private/tmp", "/tmp"];

/// For so long, a host that failed is tried after those that did not.
const GRUDGE: Duration = Duration::from_secs(10);

/// Which of several servers will do, by what a session on it may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum TargetSessionAttrs {
    /// Any.
    #[default]
    Any,
    /// One whose sessions may write.
    ReadWrite,
    /// One whose sessions may not write.
    ReadOnly,
    /// One that is no standby.
    Primary,
    /// A standby.
    Standby,
    /// A standby if there is one, else any.
    PreferStandby,
}

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    /// Its name or address, or the folder of its Unix socket, which begins with a slash.
    pub(crate) name: String,
    /// Where to connect to, if that is not to be looked up.
    address: Option<IpAddr>,
    pub(crate) port: u16,
}

impl Host {
    pub(crate) fn is_socket(&self) -> bool {
        self.address.is_none() && self.name.starts_with('/')
    }

    pub(crate) fn apply(&self, options: PgConnectOptions) -> PgConnectOptions {
        let options = options.port(self.port);
        match &self.address {
            Some(address) => options.host(&address.to_string()),
            None if self.is_socket() => options.socket(&self.name),
            None => options.host(&self.name),
        }
    }
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name.contains(':') {
            true => write!(f, "[{}]:{}", self.name, self.port),
            false => write!(f, "{}:{}", self.name, self.port),
        }
    }
}

/// Where the password comes from, if it was not given.
#[derive(Clone, Debug)]
pub(crate) enum Password {
    /// It stands in the options, or there is none.
    Given,
    /// Read anew for each connection.
    PassFile(PassFile),
    /// As above; it is all that is in the file.
    File(PathBuf),
    /// Asked for anew for each connection.
    Asked(Asked),
}

#[derive(Clone)]
pub(crate) struct Road {
    /// All but host, port and TLS.
    login: PgConnectOptions,
    hosts: Vec<Host>,
    /// None: as the driver's options say.
    tls: Option<Tls>,
    pub(crate) password: Password,
    pub(crate) target: TargetSessionAttrs,
    pub(crate) random: bool,
    /// When each host failed last; all copies of a configuration learn of it.
    failed: Arc<Mutex<Vec<Option<Instant>>>>,
}

/// What to use where neither a parameter nor a variable says.
#[derive(Clone, Copy, Default)]
pub(super) struct Defaults {
    /// None: the folder where the server's socket is, if it is there, else `localhost`.
    pub(super) host: Option<&'static str>,
    /// None: that of the user's name.
    pub(super) database: Option<&'static str>,
}

impl Road {
    /// By options that are the caller's own.
    pub(super) fn given(options: PgConnectOptions) -> Self {
        let name = match options.get_socket() {
            Some(folder) => folder.display().to_string(),
            None => options.get_host().to_owned(),
        };
        let host = Host {
            name,
            address: None,
            port: options.get_port(),
        };
        Self {
            login: options,
            hosts: vec![host],
            tls: None,
            password: Password::Given,
            target: TargetSessionAttrs::Any,
            random: false,
            failed: Arc::default(),
        }
    }

    pub(super) fn new(
        conninfo: &Conninfo,
        defaults: Defaults,
        variable: Lookup<'_>,
    ) -> Result<Self> {
        let hosts = read::hosts(conninfo, defaults)?;
        let tls = match hosts.iter().all(Host::is_socket) {
            true => Tls::DISABLED, // as in libpq
            false => Tls::new(conninfo, variable)?,
        };
        if let Some(address) = conninfo.get("hostaddr")
            && tls.verifies_name()
            && hosts.iter().any(|host| {
                host.address
                    .is_some_and(|address| address.to_string() != host.name)
            })
        {
            return Err(address.refused(
                "not supported beside another name in host where the server's certificate is verified: the driver verifies \
                 the name that it connects to",
            ));
        }
        if let Some(given) = conninfo.get("password")
            && given.is_variable()
            && given.text.ends_with(['\n', '\r'])
        {
            return Err(given.refused(
                "it ends with a line break, which is hardly part of the password: take it out",
            ));
        }
        let mut login = PgConnectOptions::new_without_pgpass();
        if let (Some(given), Some(of_process)) = (conninfo.get("options"), login.get_options())
            && given.text != of_process
        {
            return Err(given
                .refused("PGOPTIONS is set as well, and the driver sends both: unset PGOPTIONS"));
        }
        let user = match login.get_username() {
            "unknown" => "postgres", // what sqlx says if the operating system does not tell
            user => user,
        };
        let user = conninfo.text("user").unwrap_or(user).to_owned();
        let database = conninfo.text("dbname").or(defaults.database);
        login = login
            .database(database.unwrap_or(&user))
            .username(&user)
            .password(conninfo.text("password").unwrap_or_default());
        let name = conninfo.text("application_name");
        if let Some(name) = name.or(conninfo.text("fallback_application_name")) {
            login = login.application_name(name);
        }
        Ok(Self {
            login,
            hosts,
            tls: Some(tls),
            password: read::password(conninfo, variable),
            target: read::target(conninfo)?,
            random: read::random(conninfo)?,
            failed: Arc::default(),
        })
    }

    /// The options for the first host, without a password that is read for each connection.
    pub(crate) fn options(&self) -> PgConnectOptions {
        let options = self.hosts[0].apply(self.login.clone());
        match &self.tls {
            Some(_) if self.hosts[0].is_socket() => Tls::DISABLED.apply(options),
            Some(tls) => tls.apply(options),
            None => options,
        }
    }

    /// True if the driver puts options into the first message by itself.
    pub(super) fn has_start_options(&self) -> bool {
        self.login.get_options().is_some()
    }

    pub(crate) fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// The options for a host, for each of the ways to encrypt the connection, and whether another way follows.
    pub(crate) fn ways_to(&self, host: &Host) -> Vec<(PgConnectOptions, bool)> {
        let options = host.apply(self.login.clone());
        let Some(tls) = &self.tls else {
            return vec![(options, false)];
        };
        let tls = match host.is_socket() {
            true => &Tls::DISABLED,
            false => tls,
        };
        let ways = tls.ways().into_iter();
        ways.map(|way| (tls.apply_way(way, options.clone()), way.may_fail))
            .collect()
    }

    /// The hosts in the order in which they are to be tried.
    pub(crate) fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.hosts.len()).collect();
        if self.random {
            shuffle(&mut order);
        }
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |at: &usize| {
            let failed: Option<Instant> = failed.get(*at).copied().flatten();
            failed.is_some_and(|when| when.elapsed() < GRUDGE)
        };
        order.sort_by_key(failed);
        order
    }

    /// Remembers how a host behaved.
    pub(crate) fn note(&self, host: usize, good: bool) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.resize(self.hosts.len(), None);
        failed[host] = (!good).then(Instant::now);
    }

    pub(crate) fn user(&self) -> &str {
        self.login.get_username()
    }

    /// The name under which sessions show.
    pub(super) fn name(&self) -> Option<&str> {
        self.login.get_application_name()
    }

    pub(crate) fn database(&self) -> &str {
        self.login.get_database().unwrap_or(self.user())
    }

    /// For messages: no password.
    pub(crate) fn server(&self) -> String {
        let (user, database) = (self.user(), self.database());
        let addresses = self.addresses();
        format!("database \"{database}\" as user \"{user}\" at {addresses}")
    }

    pub(super) fn addresses(&self) -> String {
        let hosts: Vec<_> = self.hosts.iter().map(Host::to_string).collect();
        hosts.join(", ")
    }
}

fn shuffle(order: &mut [usize]) {
    use std::hash::{BuildHasher, RandomState};
    for last in (1..order.len()).rev() {
        let random = RandomState::new().hash_one(last) as usize;
        order.swap(last, random % (last + 1));
    }
}
