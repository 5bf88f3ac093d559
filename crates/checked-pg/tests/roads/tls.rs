//! `sslmode` and its files, against servers with certificates that the tests make.

use crate::{
    parameters::invalid,
    support::{ask_at, from_vars, refusal, server},
};
use checked_pg::config::Config;
use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::LazyLock, time::Duration};
use test_servers::{Authority, Cluster, ClusterSettings, Folder, Pair, self_signed};

/// Whether the session is encrypted.
const TLS: &str = "SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
const NAMES: &str = "DNS:localhost,IP:127.0.0.1";

/// A server whose certificate is of `ours`, and files to verify it with.
struct Site {
    server: Cluster,
    clients: Authority,
    files: Folder,
}

static SITE: LazyLock<Site> = LazyLock::new(|| {
    let ours = Authority::new("ours");
    let clients = Authority::new("clients");
    let settings =
        ClusterSettings::default().mutual_tls(&ours.server("desk", NAMES), &clients.0.cert);
    let hba = "local all all trust\nhostssl all certified all cert\nhost all postgres all trust\n\
               hostssl all safe all trust\nhostnossl all plain all trust\n";
    let both = settings.set("listen_addresses", "127.0.0.1,127.0.0.2");
    let server = Cluster::start(&both.hba(hba));
    server.psql("CREATE ROLE certified LOGIN; CREATE ROLE safe LOGIN; CREATE ROLE plain LOGIN");
    let files = Folder::new();
    files.write("ours.crt", &ours.0.cert);
    files.write("others.crt", &Authority::new("others").0.cert);
    Site {
        server,
        clients,
        files,
    }
});

impl Site {
    fn file(&self, name: &str) -> String {
        self.files.path().join(name).display().to_string()
    }
}

/// A way to this server, as `user` at `host`.
fn url(server: &Cluster, user: &str, host: &str, parameters: &str) -> String {
    format!(
        "postgres://{user}@{host}:{}/postgres?{parameters}",
        server.port()
    )
}

fn at(url: &str) -> Config {
    let config = Config::from_url(url).unwrap();
    config.connect_timeout(Duration::from_secs(5))
}

fn here(parameters: &str) -> Config {
    at(&url(&SITE.server, "postgres", "127.0.0.1", parameters))
}

/// Rows: `sslmode`, `PGSSLMODE`.
#[tokio::test]
async fn each_mode_encrypts_as_in_psql() {
    for (mode, with_tls, without) in [
        ("disable", "false", Some("false")),
        ("allow", "false", Some("false")),
        ("prefer", "true", Some("false")),
        ("require", "true", None),
    ] {
        let parameters = format!("sslmode={mode}");
        assert_eq!(ask_at(&here(&parameters), TLS).await, with_tls, "{mode}");
        let bare = url(server(), "postgres", "127.0.0.1", "");
        let vars = [("DATABASE_URL", bare.as_str()), ("PGSSLMODE", mode)];
        let config = from_vars(&vars).unwrap();
        match without {
            Some(encrypted) => assert_eq!(ask_at(&config, TLS).await, encrypted, "{mode}"),
            None => {
                let line = refusal(&config).await;
                assert!(line.contains("does not support TLS"), "{mode}: {line}");
            }
        }
    }
    assert_eq!(ask_at(&here(""), TLS).await, "true");
    // What the server wants decides where the mode leaves it open.
    for (user, mode, encrypted) in [
        ("safe", "allow", "true"),
        ("safe", "prefer", "true"),
        ("plain", "allow", "false"),
        ("plain", "prefer", "false"),
    ] {
        let parameters = format!("sslmode={mode}");
        let config = at(&url(&SITE.server, user, "127.0.0.1", &parameters));
        assert_eq!(ask_at(&config, TLS).await, encrypted, "{user}, {mode}");
    }
    for (user, mode) in [("safe", "disable"), ("plain", "require")] {
        let parameters = format!("sslmode={mode}");
        let line = refusal(&at(&url(&SITE.server, user, "127.0.0.1", &parameters))).await;
        assert!(line.contains("pg_hba.conf"), "{line}");
    }
}

/// Rows: `PGREQUIRESSL`.
#[tokio::test]
async fn the_old_variable_requires_tls() {
    let bare = url(server(), "postgres", "127.0.0.1", "");
    let vars = [("DATABASE_URL", bare.as_str()), ("PGREQUIRESSL", "1")];
    let line = refusal(&from_vars(&vars).unwrap()).await;
    assert!(line.contains("does not support TLS"), "{line}");
    let vars = [vars[0], ("PGREQUIRESSL", "0")];
    assert_eq!(ask_at(&from_vars(&vars).unwrap(), TLS).await, "false");
}

/// Rows: `sslmode`. Not even one that verifies, and without its files.
#[tokio::test]
async fn sockets_are_left_alone() {
    let (folder, port) = (SITE.server.socket().display(), SITE.server.port());
    for mode in ["require", "verify-full"] {
        let text = format!("host={folder} port={port} user=postgres sslmode={mode}");
        assert_eq!(ask_at(&at(&text), TLS).await, "false");
    }
}

/// Rows: `sslrootcert`, `PGSSLROOTCERT`.
#[tokio::test]
async fn a_root_certificate_verifies_in_every_mode_that_encrypts() {
    let (ours, others) = (SITE.file("ours.crt"), SITE.file("others.crt"));
    for mode in ["require", "verify-ca", "verify-full"] {
        let parameters = format!("sslmode={mode}&sslrootcert={ours}");
        assert_eq!(ask_at(&here(&parameters), TLS).await, "true", "{mode}");
        let bare = url(
            &SITE.server,
            "postgres",
            "127.0.0.1",
            &format!("sslmode={mode}"),
        );
        let vars = [
            ("DATABASE_URL", bare.as_str()),
            ("PGSSLROOTCERT", others.as_str()),
        ];
        let line = refusal(&from_vars(&vars).unwrap()).await;
        assert!(line.contains("UnknownIssuer"), "{mode}: {line}");
    }
    // As in psql, prefer goes on without.
    let parameters = format!("sslmode=prefer&sslrootcert={others}");
    assert_eq!(ask_at(&here(&parameters), TLS).await, "false");
    let parameters = format!("sslmode=prefer&sslrootcert={ours}");
    assert_eq!(ask_at(&here(&parameters), TLS).await, "true");
}

/// Rows: `sslrootcert`, `sslmode`. The driver trusts public authorities, too, so that a chain without a name proves nothing.
#[tokio::test]
async fn the_name_is_verified_with_the_certificate() {
    let ours = SITE.file("ours.crt");
    assert_eq!(
        ask_at(
            &at(&url(
                &SITE.server,
                "postgres",
                "localhost",
                &format!("sslmode=verify-full&sslrootcert={ours}")
            )),
            TLS
        )
        .await,
        "true"
    );
    // The certificate is not for this address, at which the server listens all the same.
    for mode in ["require", "verify-ca", "verify-full"] {
        let parameters = format!("sslmode={mode}&sslrootcert={ours}");
        let line = refusal(&at(&url(
            &SITE.server,
            "postgres",
            "127.0.0.2",
            &parameters,
        )))
        .await;
        assert!(
            line.contains("not valid for name") && line.contains("connect by a name"),
            "{mode}: {line}"
        );
    }
    let relaxed = at(&url(
        &SITE.server,
        "postgres",
        "127.0.0.2",
        &format!("sslmode=prefer&sslrootcert={ours}"),
    ));
    assert_eq!(ask_at(&relaxed, TLS).await, "true");
}

/// Rows: `hostaddr`. The driver verifies what it connects to, which would be the address.
#[test]
fn an_address_of_its_own_is_refused_where_the_name_is_verified() {
    let ours = SITE.file("ours.crt");
    for mode in ["require", "verify-ca", "verify-full"] {
        let text = format!(
            "postgres://u@localhost/d?hostaddr=127.0.0.1&sslmode={mode}&sslrootcert={ours}"
        );
        let (_, why) = invalid(Config::from_url(&text));
        assert!(
            why.starts_with("hostaddr: not supported beside another name"),
            "{why}"
        );
        Config::from_url(&text.replace("localhost", "127.0.0.1")).unwrap();
    }
    Config::from_url("postgres://u@localhost/d?hostaddr=127.0.0.1&sslmode=require").unwrap();
}

/// Rows: `sslrootcert`.
#[tokio::test]
async fn system_stands_for_the_authorities_of_the_machine() {
    let ours = SITE.file("ours.crt");
    let bare = |host: &str| url(&SITE.server, "postgres", host, "sslrootcert=system");
    let with = |url: &str, file: &str| from_vars(&[("DATABASE_URL", url), ("SSL_CERT_FILE", file)]);
    let config = with(&bare("localhost"), &ours).unwrap();
    assert_eq!(ask_at(&config, TLS).await, "true");
    let line = refusal(&with(&bare("127.0.0.2"), &ours).unwrap()).await;
    assert!(line.contains("not valid for name"), "{line}");
    // Nobody put our authority into the machine.
    for file in ["", &SITE.file("others.crt")] {
        let line = refusal(&with(&bare("localhost"), file).unwrap()).await;
        assert!(line.contains("UnknownIssuer"), "{line}");
    }
    let (field, why) = invalid(with(&bare("localhost"), "/no/such/file.crt"));
    assert_eq!(field, "SSL_CERT_FILE");
    assert!(why.contains("/no/such/file.crt: No such file"), "{why}");
    for mode in ["disable", "prefer", "require", "verify-ca"] {
        let (field, why) = invalid(from_vars(&[
            ("PGSSLROOTCERT", "system"),
            ("PGSSLMODE", mode),
        ]));
        assert_eq!(field, "PGSSLMODE", "{why}");
        assert!(why.contains("only verify-full is of use"), "{why}");
    }
}

/// Rows: `sslrootcert`, `sslcert`, `sslkey`, `PGSSLCERT`, `PGSSLKEY`. At once, and not after five seconds of trying.
#[test]
fn files_that_cannot_be_read_are_named_when_the_settings_are() {
    let files = Folder::new();
    let key = SITE.clients.client("certified").key;
    let cert = files.write("client.crt", &SITE.clients.client("certified").cert);
    let cert = cert.to_str().unwrap();
    let open = files.write("open.key", &key);
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    let encrypted = files.write(
        "encrypted.key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nx\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let text = files.write("notes.txt", "no certificate");
    let shown = |path: &Path| path.display().to_string();
    for (parameter, variable, file, why) in [
        (
            "sslrootcert",
            "PGSSLROOTCERT",
            "/no/such/root.crt".to_owned(),
            "No such file",
        ),
        (
            "sslrootcert",
            "PGSSLROOTCERT",
            shown(&text),
            "expected a certificate in PEM form",
        ),
        (
            "sslrootcert",
            "PGSSLROOTCERT",
            shown(files.path()),
            "directory",
        ),
        (
            "sslcert",
            "PGSSLCERT",
            "/no/such/client.crt".to_owned(),
            "No such file",
        ),
        (
            "sslcert",
            "PGSSLCERT",
            shown(&text),
            "expected a certificate in PEM form",
        ),
        (
            "sslkey",
            "PGSSLKEY",
            "/no/such/client.key".to_owned(),
            "No such file",
        ),
        (
            "sslkey",
            "PGSSLKEY",
            shown(&text),
            "expected a private key in PEM form",
        ),
        (
            "sslkey",
            "PGSSLKEY",
            shown(&open),
            "others may read it: chmod 600",
        ),
        (
            "sslkey",
            "PGSSLKEY",
            shown(&encrypted),
            "it is encrypted, which is not supported: decrypt it",
        ),
    ] {
        let beside = match parameter {
            "sslkey" => vec![("PGSSLCERT", cert)],
            _ => Vec::new(),
        };
        let named = [&beside[..], &[("PGHOST", "localhost"), (variable, &file)]].concat();
        let (field, told) = invalid(from_vars(&named));
        assert_eq!(field, variable, "{told}");
        assert!(told.contains(&file) && told.contains(why), "{told}");
        let url = format!("postgres://u@localhost/d?{parameter}={file}");
        let (_, told) = invalid(from_vars(
            &[&beside[..], &[("DATABASE_URL", &url)]].concat(),
        ));
        assert!(
            told.starts_with(parameter) && told.contains(&file) && told.contains(why),
            "{told}"
        );
    }
    let (field, why) = invalid(from_vars(&[("PGSSLCERT", cert)]));
    assert_eq!(field, "PGSSLCERT");
    assert!(why.contains("set sslkey (PGSSLKEY)"), "{why}");
    let (field, why) = invalid(from_vars(&[("PGSSLKEY", &shown(&open))]));
    assert_eq!(field, "PGSSLKEY");
    assert!(why.contains("set sslcert (PGSSLCERT)"), "{why}");
    for mode in ["verify-ca", "verify-full"] {
        let (field, why) = invalid(from_vars(&[("PGSSLMODE", mode)]));
        assert_eq!(field, "PGSSLMODE");
        assert!(why.contains("set sslrootcert (PGSSLROOTCERT)"), "{why}");
    }
}

/// Rows: `sslcert`, `sslkey`, `PGSSLCERT`, `PGSSLKEY`, `sslcertmode`.
#[tokio::test]
async fn client_certificates_log_in() {
    let client = SITE.clients.client("certified");
    let files = Folder::new();
    let cert = files
        .write("client.crt", &client.cert)
        .display()
        .to_string();
    let key = files.write("client.key", &client.key).display().to_string();
    const WHO: &str = "SELECT concat_ws(' ', current_user, client_dn) FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let parameters = format!("sslmode=require&sslcert={cert}&sslkey={key}&sslcertmode=allow");
    let config = at(&url(&SITE.server, "certified", "127.0.0.1", &parameters));
    assert_eq!(ask_at(&config, WHO).await, "certified /CN=certified");
    let bare = url(&SITE.server, "certified", "127.0.0.1", "");
    let vars = [
        ("DATABASE_URL", bare.as_str()),
        ("PGSSLCERT", &cert),
        ("PGSSLKEY", &key),
    ];
    assert_eq!(
        ask_at(&from_vars(&vars).unwrap(), WHO).await,
        "certified /CN=certified"
    );
    // Somebody else's.
    let other = SITE.clients.client("somebody");
    files.write("client.crt", &other.cert);
    files.write("client.key", &other.key);
    let line = refusal(&config).await;
    assert!(line.contains("certificate authentication failed"), "{line}");
    let line = refusal(&at(&url(
        &SITE.server,
        "certified",
        "127.0.0.1",
        "sslmode=require",
    )))
    .await;
    assert!(line.contains("client certificate"), "{line}");
}

/// Rows: `sslrootcert`, `sslcert`, `sslkey`. As in psql, `~/.postgresql` has them by default.
#[tokio::test]
async fn files_at_home_are_found() {
    let home = Folder::new();
    fs::create_dir(home.path().join(".postgresql")).unwrap();
    let vars = |url: &str| {
        from_vars(&[
            ("DATABASE_URL", url),
            ("HOME", home.path().to_str().unwrap()),
        ])
        .unwrap()
    };
    let strict = url(&SITE.server, "postgres", "localhost", "sslmode=verify-full");
    home.write(
        ".postgresql/root.crt",
        &fs::read_to_string(SITE.file("ours.crt")).unwrap(),
    );
    assert_eq!(ask_at(&vars(&strict), TLS).await, "true");
    let require = strict.replace("verify-full", "require");
    home.write(
        ".postgresql/root.crt",
        &fs::read_to_string(SITE.file("others.crt")).unwrap(),
    );
    for url in [&strict, &require] {
        let line = refusal(&vars(url)).await;
        assert!(line.contains("UnknownIssuer"), "{line}");
    }
    home.write(
        ".postgresql/root.crt",
        &fs::read_to_string(SITE.file("ours.crt")).unwrap(),
    );
    let client = SITE.clients.client("certified");
    home.write(".postgresql/postgresql.crt", &client.cert);
    home.write(".postgresql/postgresql.key", &client.key);
    let certified = url(&SITE.server, "certified", "localhost", "");
    assert_eq!(
        ask_at(&vars(&certified), "SELECT current_user::text").await,
        "certified"
    );
}

/// Rows: `sslrootcert`. What the driver cannot read is refused with what to do, and `prefer` goes on without.
#[tokio::test]
async fn odd_certificates_of_servers_are_told() {
    let own_authority = self_signed("desk", NAMES);
    let plain = Pair::version_1("desk");
    let ca = "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n";
    let own_root = Pair::of_its_own("desk", ca);
    let files = Folder::new();
    for (pair, root, verified, unverified) in [
        (&own_root, "own.crt", None, None),
        (
            &own_authority,
            "authority.crt",
            Some("basicConstraints=CA:FALSE"),
            None,
        ),
        (
            &plain,
            "plain.crt",
            Some("version 3 alone"),
            Some("version 3 alone"),
        ),
    ] {
        let server = Cluster::start(&ClusterSettings::default().tls(pair));
        let file = files.write(root, &pair.cert).display().to_string();
        for (parameters, advice, otherwise) in [
            (
                format!("sslmode=verify-full&sslrootcert={file}"),
                verified,
                None,
            ),
            ("sslmode=require".to_owned(), unverified, None),
            (
                "sslmode=prefer".to_owned(),
                None,
                unverified.map(|_| "false"),
            ),
        ] {
            let config = at(&url(&server, "postgres", "127.0.0.1", &parameters));
            match advice {
                Some(advice) => {
                    let line = refusal(&config).await;
                    assert!(line.contains(advice), "{root}: {parameters}: {line}");
                }
                None => assert_eq!(
                    ask_at(&config, TLS).await,
                    otherwise.unwrap_or("true"),
                    "{root}: {parameters}"
                ),
            }
        }
    }
}
