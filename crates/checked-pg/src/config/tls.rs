//! `sslmode` and the files that go with it.

use super::conninfo::{Conninfo, Lookup, Source, Value};
use crate::error::Result;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// How a connection is encrypted, and what of the server's certificate is verified.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    mode: Mode,
    root: Option<Root>,
    client: Option<Client>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
enum Mode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// Who vouches for the server.
#[derive(Clone, Debug)]
enum Root {
    /// The authorities of the driver, which are Mozilla's, and these in PEM form: the machine's own.
    System(Vec<u8>),
    File(PathBuf),
}

/// Our own certificate.
#[derive(Clone, Debug)]
struct Client {
    cert: PathBuf,
    key: PathBuf,
}

/// One way to go about a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    ssl_mode: PgSslMode,
    /// Another way follows, for a server that does not want this one.
    pub(crate) may_fail: bool,
}

impl Tls {
    pub(super) const DISABLED: Self = Self {
        mode: Mode::Disable,
        root: None,
        client: None,
    };

    pub(super) fn new(conninfo: &Conninfo, variable: Lookup<'_>) -> Result<Self> {
        let mode = mode(conninfo)?;
        if mode == Mode::Disable {
            return Ok(Self::DISABLED);
        }
        let folder = variable("HOME").map(|home| Path::new(&home).join(".postgresql"));
        let by_default = |name: &str| {
            folder
                .as_ref()
                .map(|folder| folder.join(name))
                .filter(|file| file.exists())
        };
        Ok(Self {
            mode,
            root: root(mode, conninfo, variable, &by_default)?,
            client: client(conninfo, &by_default)?,
        })
    }

    /// True if a server must have a certificate for its name. The driver trusts the public authorities beside the file of
    /// `sslrootcert`, and anybody can have a certificate by one of those, for another name. So the name is verified wherever the
    /// certificate is, also where libpq would leave the name out (`verify-ca`, and `require` with a root certificate).
    pub(crate) fn verifies_name(&self) -> bool {
        self.mode >= Mode::Require && self.root.is_some()
    }

    /// The ways to try, in order.
    pub(crate) fn ways(&self) -> Vec<Way> {
        let plain = PgSslMode::Disable;
        let encrypted = match &self.root {
            Some(_) if self.verifies_name() => PgSslMode::VerifyFull,
            // Whoever can put himself in between can turn TLS off as well.
            Some(_) => PgSslMode::VerifyCa,
            None => PgSslMode::Require,
        };
        let modes = match self.mode {
            Mode::Disable => vec![plain],
            Mode::Allow => vec![plain, encrypted],
            // The driver goes on without TLS by itself where the server has none.
            Mode::Prefer if self.root.is_none() => vec![PgSslMode::Prefer, plain],
            Mode::Prefer => vec![encrypted, plain],
            _ => vec![encrypted],
        };
        let last = modes.len() - 1;
        let way = |(at, ssl_mode)| Way {
            ssl_mode,
            may_fail: at < last,
        };
        modes.into_iter().enumerate().map(way).collect()
    }

    /// The one way that the driver takes by itself.
    pub(crate) fn apply(&self, options: PgConnectOptions) -> PgConnectOptions {
        self.apply_way(self.ways()[0], options)
    }

    pub(crate) fn apply_way(&self, way: Way, options: PgConnectOptions) -> PgConnectOptions {
        let mut options = options.ssl_mode(way.ssl_mode);
        options = match &self.root {
            Some(Root::File(file)) => options.ssl_root_cert(file),
            Some(Root::System(bundle)) => options.ssl_root_cert_from_pem(bundle.clone()),
            // The driver would take that of the environment.
            None => options.ssl_root_cert_from_pem(Vec::new()),
        };
        if let Some(client) = &self.client {
            options = options
                .ssl_client_cert(&client.cert)
                .ssl_client_key(&client.key);
        }
        options
    }
}

fn mode(conninfo: &Conninfo) -> Result<Mode> {
    let system = conninfo.text("sslrootcert") == Some("system");
    let Some(given) = conninfo.get("sslmode") else {
        let required = conninfo.text("requiressl") == Some("1");
        return Ok(match (system, required) {
            (true, _) => Mode::VerifyFull,
            (false, true) => Mode::Require,
            (false, false) => Mode::Prefer,
        });
    };
    let mode = match given.text.as_str() {
        "disable" => Mode::Disable,
        "allow" => Mode::Allow,
        "prefer" => Mode::Prefer,
        "require" => Mode::Require,
        "verify-ca" => Mode::VerifyCa,
        "verify-full" => Mode::VerifyFull,
        _ => {
            return Err(
                given.expected("one of disable, allow, prefer, require, verify-ca and verify-full")
            );
        }
    };
    // Anybody can have a certificate from a public authority, for a name of their own.
    if system && mode != Mode::VerifyFull {
        return Err(given.refused(
            "with sslrootcert=system only verify-full is of use: take sslmode out, or set it to that",
        ));
    }
    Ok(mode)
}

/// How a certificate begins, and what else to say.
const CERTIFICATE: (&str, &str) = ("-----BEGIN CERTIFICATE-----", "a certificate in PEM form");

type ByDefault<'a> = &'a dyn Fn(&str) -> Option<PathBuf>;

/// Where systems keep the authorities that they trust: Debian, Fedora, openSUSE, Alpine and macOS.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/private/etc/ssl/cert.pem",
];

/// The authorities that this machine trusts, as OpenSSL finds them: the file of `SSL_CERT_FILE`, else the system's.
fn of_the_machine(variable: Lookup<'_>) -> Result<Root> {
    const VARIABLE: &str = "SSL_CERT_FILE";
    if let Some(file) = variable(VARIABLE).filter(|file| !file.is_empty()) {
        let given = Value::new("sslrootcert", file, Source::Variable(VARIABLE));
        check_file(&given, CERTIFICATE.0, CERTIFICATE.1)?;
        let refused = |error| given.refused(format!("{}: {error}", given.text));
        return fs::read(&given.text).map(Root::System).map_err(refused);
    }
    let bundle = BUNDLES.iter().find_map(|file| fs::read(file).ok());
    Ok(Root::System(bundle.unwrap_or_default()))
}

fn root(
    mode: Mode,
    conninfo: &Conninfo,
    variable: Lookup<'_>,
    by_default: ByDefault<'_>,
) -> Result<Option<Root>> {
    if let Some(given) = conninfo.get("sslrootcert") {
        if given.text == "system" {
            return of_the_machine(variable).map(Some);
        }
        check_file(given, CERTIFICATE.0, CERTIFICATE.1)?;
        return Ok(Some(Root::File(PathBuf::from(&given.text))));
    }
    let file = by_default("root.crt");
    match (file, conninfo.get("sslmode")) {
        (None, Some(given)) if mode >= Mode::VerifyCa => Err(given.refused(
            "there is no certificate to verify the server's with: set sslrootcert (PGSSLROOTCERT) to the file of the \
             authority's, or to system, or put it into ~/.postgresql/root.crt",
        )),
        (file, _) => Ok(file.map(Root::File)),
    }
}

fn client(conninfo: &Conninfo, by_default: ByDefault<'_>) -> Result<Option<Client>> {
    let cert = match conninfo.get("sslcert") {
        Some(given) => {
            check_file(given, CERTIFICATE.0, CERTIFICATE.1)?;
            PathBuf::from(&given.text)
        }
        None => match (by_default("postgresql.crt"), conninfo.get("sslkey")) {
            (Some(file), _) => file,
            (None, None) => return Ok(None),
            (None, Some(key)) => {
                return Err(
                    key.refused("there is no certificate for this key: set sslcert (PGSSLCERT)")
                );
            }
        },
    };
    let key = match conninfo.get("sslkey") {
        Some(given) => {
            check_file(given, "PRIVATE KEY-----", "a private key in PEM form")?;
            check_key(given, Path::new(&given.text))?;
            PathBuf::from(&given.text)
        }
        None => by_default("postgresql.key").ok_or_else(|| {
            let why = "there is no key for this certificate: set sslkey (PGSSLKEY)";
            match conninfo.get("sslcert") {
                Some(given) => given.refused(why),
                None => crate::error::Error::invalid("~/.postgresql/postgresql.crt", why),
            }
        })?,
    };
    Ok(Some(Client { cert, key }))
}

/// A missing file shows now, and by its name.
fn check_file(given: &Value, mark: &str, right: &str) -> Result<()> {
    let file = &given.text;
    let text = fs::read(file).map_err(|error| given.refused(format!("{file}: {error}")))?;
    match String::from_utf8_lossy(&text).contains(mark) {
        true => Ok(()),
        false => Err(given.refused(format!("{file}: expected {right}"))),
    }
}

/// As libpq does, a key is refused that others may read.
fn check_key(given: &Value, file: &Path) -> Result<()> {
    let refused = |error| given.refused(format!("{}: {error}", file.display()));
    let text = fs::read_to_string(file).map_err(|error| refused(error.to_string()))?;
    if text.contains("ENCRYPTED") {
        return Err(refused(
            "it is encrypted, which is not supported: decrypt it (openssl pkey)".to_owned(),
        ));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let metadata = fs::metadata(file).map_err(|error| refused(error.to_string()))?;
        let others = match metadata.uid() {
            0 => 0o037, // root's may be read by a group
            _ => 0o077,
        };
        if metadata.mode() & others != 0 {
            return Err(refused("others may read it: chmod 600".to_owned()));
        }
    }
    Ok(())
}
