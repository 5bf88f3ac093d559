//! Each parameter and variable of libpq is honoured or refused by its name.

use crate::support::{ask_at, from_vars, server};
use checked_pg::{
    config::{Config, Fallback},
    error::{Error, Result},
};
use std::time::Duration;
use test_servers::Folder;

fn from_url(url: &str) -> Result<Config> {
    from_vars(&[("DATABASE_URL", url)])
}

/// The field and the rest of an [`Error::Invalid`].
#[track_caller]
pub fn invalid<T: std::fmt::Debug>(outcome: Result<T>) -> (String, String) {
    match outcome {
        Err(Error::Invalid { field, why }) => (field.into_owned(), why.into_owned()),
        other => panic!("expected a refusal: {other:?}"),
    }
}

/// All of libpq 18, with a value that asks for something.
pub const REFUSED: [(&str, &str, &str); 32] = [
    ("client_encoding", "PGCLIENTENCODING", "LATIN1"),
    ("replication", "", "database"),
    ("sslcertmode", "PGSSLCERTMODE", "require"),
    ("sslpassword", "", "s3cret"),
    ("sslcrl", "PGSSLCRL", "/crl"),
    ("sslcrldir", "PGSSLCRLDIR", "/crls"),
    ("sslnegotiation", "PGSSLNEGOTIATION", "direct"),
    ("sslcompression", "PGSSLCOMPRESSION", "1"),
    ("sslsni", "PGSSLSNI", "0"),
    (
        "ssl_min_protocol_version",
        "PGSSLMINPROTOCOLVERSION",
        "TLSv1.3",
    ),
    (
        "ssl_max_protocol_version",
        "PGSSLMAXPROTOCOLVERSION",
        "TLSv1.2",
    ),
    ("sslkeylogfile", "", "/keys"),
    ("channel_binding", "PGCHANNELBINDING", "require"),
    ("require_auth", "PGREQUIREAUTH", "scram-sha-256"),
    ("requirepeer", "PGREQUIREPEER", "postgres"),
    ("keepalives", "", "1"),
    ("keepalives_idle", "", "30"),
    ("keepalives_interval", "", "5"),
    ("keepalives_count", "", "3"),
    ("tcp_user_timeout", "", "10000"),
    ("min_protocol_version", "PGMINPROTOCOLVERSION", "3.2"),
    ("max_protocol_version", "PGMAXPROTOCOLVERSION", "4.0"),
    ("gssencmode", "PGGSSENCMODE", "require"),
    ("krbsrvname", "PGKRBSRVNAME", "pg"),
    ("gsslib", "PGGSSLIB", "gssapi"),
    ("gssdelegation", "PGGSSDELEGATION", "1"),
    ("scram_client_key", "", "s3cret"),
    ("scram_server_key", "", "s3cret"),
    ("oauth_issuer", "", "https://issuer.example"),
    ("oauth_client_id", "", "s3cret"),
    ("oauth_client_secret", "", "s3cret"),
    ("oauth_scope", "", "s3cret"),
];

#[test]
fn what_cannot_be_honoured_is_refused_by_its_name() {
    for (keyword, variable, value) in REFUSED {
        let url = format!("postgres://u@localhost/desk?application_name=bot&{keyword}={value}");
        let (field, why) = invalid(from_url(&url));
        assert_eq!(field, "DATABASE_URL");
        assert!(
            why.starts_with(&format!("{keyword}: not supported")),
            "{keyword}: {why}"
        );
        assert!(!why.contains("s3cret"), "{why}");
        let string = format!("host=localhost {keyword} = '{value}'");
        assert_eq!(invalid(from_url(&string)).1, why);
        if !variable.is_empty() {
            let (field, why) = invalid(from_vars(&[(variable, value)]));
            assert_eq!(field, variable);
            assert!(why.starts_with("not supported"), "{variable}: {why}");
            // Whatever the URL says otherwise.
            let url = ("DATABASE_URL", "postgres://u@localhost/desk");
            assert_eq!(invalid(from_vars(&[url, (variable, value)])).0, variable);
        }
    }
    for (variable, value) in [("PGTZ", "Asia/Tokyo"), ("PGDATESTYLE", "German")] {
        assert_eq!(invalid(from_vars(&[(variable, value)])).0, variable);
    }
}

#[test]
fn values_that_ask_for_what_happens_anyway_are_fine() {
    let url = "postgres://u@localhost/desk?channel_binding=prefer&gssencmode=disable&sslsni=1&keepalives=0&client_encoding=UTF8\
               &sslnegotiation=postgres&ssl_min_protocol_version=TLSv1.2&replication=false&sslcompression=0&require_auth=";
    from_url(url).unwrap();
    from_vars(&[
        ("PGTZ", "UTC"),
        ("PGCHANNELBINDING", "disable"),
        ("PGSSLSNI", ""),
    ])
    .unwrap();
}

#[test]
fn names_that_nobody_knows_are_refused_and_secrets_are_not_repeated() {
    let refused = |parameters: &str| {
        let (field, why) = invalid(from_url(&format!(
            "postgres://u@localhost/desk?{parameters}"
        )));
        assert_eq!(field, "DATABASE_URL");
        assert!(!why.contains("s3cret"), "{why}");
        why
    };
    assert_eq!(
        refused("sslmod=require"),
        "sslmod: no parameter of a connection has this name"
    );
    assert!(refused("pgbouncer=true").contains("Config::pooler"));
    assert!(refused("schema=desk").contains("search_path"));
    assert!(refused("ssl=require").contains("sslmode=require"));
    // The rest of a password that holds an ampersand.
    assert!(refused("password=a&s3cret=1").starts_with("expected"));
    assert!(refused("password=a&s3cret").starts_with("expected"));
    assert!(refused("s3cret%20key=1").starts_with("expected"));
}

#[test]
fn urls_of_python_are_told_what_to_write() {
    for (scheme, driver) in [
        ("postgresql+psycopg", "psycopg"),
        ("postgresql+asyncpg", "asyncpg"),
        ("postgres+psycopg2", "psycopg2"),
    ] {
        let (_, why) = invalid(from_url(&format!("{scheme}://u:s3cret@localhost/desk")));
        assert!(
            why.contains(&format!("postgresql:// in place of postgresql+{driver}://")),
            "{why}"
        );
        assert!(!why.contains("s3cret"), "{why}");
    }
}

#[test]
fn a_misspelt_value_is_an_error() {
    for (keyword, variable, value) in [
        ("sslmode", "PGSSLMODE", "verify_full"),
        ("sslmode", "PGSSLMODE", "REQUIRE"),
        ("target_session_attrs", "PGTARGETSESSIONATTRS", "readwrite"),
        ("load_balance_hosts", "PGLOADBALANCEHOSTS", "on"),
        ("connect_timeout", "PGCONNECT_TIMEOUT", "5s"),
        ("connect_timeout", "PGCONNECT_TIMEOUT", "0"),
        ("port", "PGPORT", "543x"),
        ("port", "PGPORT", "70000"),
        ("hostaddr", "PGHOSTADDR", "localhost"),
        ("options", "PGOPTIONS", "-d 5"),
        ("options", "PGOPTIONS", "-c statement_timeout=soon"),
    ] {
        let (field, why) = invalid(from_vars(&[(variable, value)]));
        assert_eq!(field, variable, "{why}");
        assert!(why.starts_with("expected "), "{variable}: {why}");
        assert!(
            why.ends_with(&format!("got {value:?}")),
            "{variable}: {why}"
        );
        let (field, why) = invalid(from_url(&format!(
            "postgres://localhost?{keyword}={}",
            value.replace(' ', "%20")
        )));
        assert_eq!(field, "DATABASE_URL", "{why}");
        assert!(
            why.starts_with("expected ") && why.ends_with(&format!("for {keyword}")),
            "{why}"
        );
    }
}

#[test]
fn addresses_are_read_as_libpq_reads_them() {
    let place = |url: &str| from_url(url).unwrap().place();
    for (url, wanted) in [
        ("postgres://u@a/d", "d as u at a:5432"),
        ("postgresql://u@a:1/d?", "d as u at a:1"),
        ("postgres://u@a:1,b:2,c/d", "d as u at a:1, b:2, c:5432"),
        ("postgres://u@a,b/d?port=7", "d as u at a:7, b:7"),
        ("postgres://u@a,b/d?port=7,8", "d as u at a:7, b:8"),
        ("postgres://u@[::1]:5433/d", "d as u at [::1]:5433"),
        (
            "postgres://u@[2001:db8::7],b:2/d",
            "d as u at [2001:db8::7]:5432, b:2",
        ),
        ("postgres://u@a:1/d?host=%2Frun%2Fpg", "d as u at /run/pg:1"),
        ("postgres://u@%2Frun%2Fpg:6/d", "d as u at /run/pg:6"),
        ("postgres://u@/d?host=a,b&port=1,2", "d as u at a:1, b:2"),
        ("postgres://a?user=u&dbname=d", "d as u at a:5432"),
        ("postgres://u%40corp:p@a/d%20e", "d e as u@corp at a:5432"),
        ("postgres://u@a", "u as u at a:5432"),
        (" postgres://u@a/d\n", "d as u at a:5432"),
        ("host=a port=6 user=u dbname=d", "d as u at a:6"),
        (
            r"host = a user='u \'x\'' dbname = d\\e",
            r"d\e as u 'x' at a:5432",
        ),
    ] {
        assert_eq!(place(url), wanted, "{url}");
    }
    for url in [
        "postgres://u@a,b,c/d?port=1,2",
        "postgres://u@a,b/d?hostaddr=192.0.2.1",
        "postgres://u@[::1/d",
        "postgres://u@[::1]x/d",
        "postgres://u@a:b:c/d",
        "postgres://u@a/d?x",
        "postgres://u@a/d%zz",
        "postgres://u@a/d%00",
        "host=a user='u",
        "host=a user",
        r"host=a user=\",
    ] {
        let (field, why) = invalid(from_url(url));
        assert_eq!(field, "DATABASE_URL");
        assert!(why.starts_with("expected"), "{url}: {why}");
    }
}

#[test]
fn variables_of_libpq_fill_in_what_the_parts_leave_open() {
    let place = |vars: &[(&str, &str)]| from_vars(vars).unwrap().place();
    let all = [
        ("PGHOST", "a,b"),
        ("PGPORT", "1,2"),
        ("PGDATABASE", "d"),
        ("PGUSER", "u"),
    ];
    assert_eq!(place(&all), "d as u at a:1, b:2");
    let beside = [
        &all[1..],
        &[("DATABASE_HOST", "x,y"), ("DATABASE_NAME", "e")],
    ]
    .concat();
    assert_eq!(place(&beside), "e as u at x:1, y:2");
    let url = [&all[..], &[("DATABASE_URL", "postgres://x:7/?user=v")]].concat();
    assert_eq!(place(&url), "d as v at x:7");
    assert_eq!(
        place(&[("DATABASE_USER", "u"), ("PGHOSTADDR", "192.0.2.7")]),
        "u as u at 192.0.2.7:5432"
    );
}

#[test]
fn services_are_looked_up() {
    let folder = Folder::new();
    let file = folder.write(
        "services",
        "# ours\n[other]\nhost=elsewhere\n\n[desk]\nhost=a\nport=7\ndbname=d\nuser=u\n[third]\nuser=x\n",
    );
    let file = file.to_str().unwrap();
    let named = |service| {
        [
            ("PGSERVICE", service),
            ("PGSERVICEFILE", file),
            ("PGPORT", "9"),
            ("PGUSER", "v"),
        ]
    };
    assert_eq!(from_vars(&named("desk")).unwrap().place(), "d as u at a:7");
    let url = [
        &named("other")[..],
        &[("DATABASE_URL", "postgres://b?service=desk")],
    ]
    .concat();
    assert_eq!(from_vars(&url).unwrap().place(), "d as u at b:7");
    let (field, why) = invalid(from_vars(&named("nobody")));
    assert_eq!(field, "PGSERVICE");
    assert!(why.contains("no service \"nobody\""), "{why}");
    folder.write("services", "[desk]\npassword s3cret\n");
    let (field, why) = invalid(from_vars(&named("desk")));
    assert_eq!(field, "service file");
    assert!(
        why.contains("name=value") && !why.contains("s3cret"),
        "{why}"
    );
    let missing = folder.path().join("missing");
    let vars = [
        ("PGSERVICE", "desk"),
        ("PGSERVICEFILE", missing.to_str().unwrap()),
    ];
    assert!(invalid(from_vars(&vars)).1.contains("no service"));
}

#[test]
fn a_line_break_after_a_password_is_told() {
    for variable in ["DATABASE_PASSWORD", "PGPASSWORD"] {
        for end in ["\n", "\r\n"] {
            let password = format!("s3cret{end}");
            let (field, why) = invalid(from_vars(&[(variable, &password)]));
            assert_eq!(field, variable);
            assert!(
                why.contains("line break") && !why.contains("s3cret"),
                "{why}"
            );
        }
    }
    from_vars(&[("DATABASE_PASSWORD", "a\tb c")]).unwrap();
}

/// Rows: `options`.
#[tokio::test]
async fn options_reach_the_session_and_their_time_limits_hold() {
    let url = server().url();
    let at = |options: &str| from_url(&format!("{url}?options={options}")).unwrap();
    let spaced = at(r"-c%20search_path%3D%22a\%20b%22%20--work-mem%3D7MB%20-cgeqo%3Doff");
    assert_eq!(
        ask_at(&spaced, "SELECT current_setting('search_path') || current_setting('work_mem') || current_setting('geqo')").await,
        "\"a b\"7MBoff"
    );
    const LIMITS: &str =
        "SELECT current_setting('statement_timeout') || ' ' || current_setting('lock_timeout')";
    let limited = at("-c%20statement_timeout%3D7s%20-c%20lock_timeout%3D1500");
    assert_eq!(ask_at(&limited, LIMITS).await, "7s 1500ms");
    assert_eq!(
        ask_at(
            &limited.clone().command_timeout(Duration::from_secs(8)),
            LIMITS
        )
        .await,
        "8s 1500ms"
    );
    let url = format!("{url}?options=-c%20statement_timeout%3D7s");
    assert_eq!(
        ask_at(
            &from_vars(&[("DATABASE_URL", &url), ("DB_COMMAND_TIMEOUT", "7")]).unwrap(),
            LIMITS
        )
        .await,
        "7s 10s"
    );
    let (field, why) = invalid(from_vars(&[
        ("DATABASE_URL", &url),
        ("DB_COMMAND_TIMEOUT", "8"),
    ]));
    assert_eq!(field, "DB_COMMAND_TIMEOUT");
    assert_eq!(
        why,
        "the connection's options say 7s, this variable says 8s: take one of them out"
    );
}

/// Rows: `application_name`, `fallback_application_name`, `PGAPPNAME`, `PGGEQO`.
#[tokio::test]
async fn names_reach_the_session() {
    let name = "SELECT current_setting('application_name')";
    let url = server().url();
    let at = |parameters: &str| from_url(&format!("{url}?{parameters}")).unwrap();
    let program = std::env::current_exe().unwrap();
    let program = program.file_name().unwrap().to_str().unwrap();
    assert_eq!(ask_at(&at(""), name).await, program);
    let ours = Fallback::new()
        .application_name("ours")
        .database("postgres");
    let config = Config::from_vars_or(ours, |variable| {
        (variable == "DATABASE_URL").then(|| url.clone())
    });
    assert_eq!(ask_at(&config.unwrap(), name).await, "ours");
    assert_eq!(ask_at(&at("fallback_application_name=b"), name).await, "b");
    assert_eq!(
        ask_at(&at("fallback_application_name=b&application_name=a"), name).await,
        "a"
    );
    let vars = [
        ("DATABASE_URL", url.as_str()),
        ("PGAPPNAME", "v"),
        ("PGGEQO", "off"),
    ];
    let config = from_vars(&vars).unwrap();
    assert_eq!(ask_at(&config, name).await, "v");
    assert_eq!(
        ask_at(&config, "SELECT current_setting('geqo')").await,
        "off"
    );
}

#[test]
fn every_setting_has_a_variable() {
    let source = include_str!("../../src/config/setters.rs");
    let variables = include_str!("../../src/config/env.rs");
    let methods: Vec<&str> = source
        .split("pub fn ")
        .skip(1)
        .filter_map(|rest| rest.split_once("(mut self"))
        .map(|(name, _)| name)
        .filter(|name| !name.contains(char::is_whitespace))
        .collect();
    assert!(methods.len() > 12, "{methods:?}");
    // These have one of libpq's, or are for programmers.
    let others = [
        "application_name",
        "target_session_attrs",
        "load_balance_hosts",
        "log_statements",
        "credentials",
        "on_transaction",
    ];
    for method in methods {
        assert!(
            others.contains(&method) || variables.contains(&format!("\"{method}\"")),
            "{method} has no variable"
        );
    }
}
