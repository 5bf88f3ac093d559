//! What libpq's parameters and variables do, as sessions show it.

use crate::{
    parameters::invalid,
    support::{ask, ask_at, from_vars, refusal, server},
};
use checked_pg::{config::Config, db::Db};
use std::{
    collections::BTreeSet,
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    sync::LazyLock,
    time::{Duration, Instant},
};
use test_servers::{Cluster, ClusterSettings, Folder, Relay, Traffic};

/// Who the session is, and where.
const SELF: &str =
    "SELECT concat_ws(' ', current_user, current_database(), current_setting('port'))";

/// A server that wants passwords, with the user `trader` of `desk`.
static STRICT: LazyLock<Cluster> = LazyLock::new(|| {
    let hba = "local all all trust\nhost all all all scram-sha-256\n";
    let server = Cluster::start(&ClusterSettings::default().hba(hba));
    server.psql("CREATE ROLE trader LOGIN PASSWORD 'right'");
    server.psql("CREATE DATABASE desk");
    server
});

/// Rows: `host`, `port`, `dbname`, `user`, `password`, `PGHOST`, `PGPORT`, `PGDATABASE`, `PGUSER`, `PGPASSWORD`.
#[tokio::test]
async fn variables_and_parameters_lead_to_the_same_session() {
    let port = STRICT.port().to_string();
    let wanted = format!("trader desk {port}");
    let vars = [
        ("PGHOST", "127.0.0.1"),
        ("PGPORT", port.as_str()),
        ("PGDATABASE", "desk"),
        ("PGUSER", "trader"),
        ("PGPASSWORD", "right"),
    ];
    assert_eq!(ask_at(&from_vars(&vars).unwrap(), SELF).await, wanted);
    for text in [
        format!("postgres://trader:right@127.0.0.1:{port}/desk"),
        format!("postgres://?host=127.0.0.1&port={port}&user=trader&password=right&dbname=desk"),
        format!("host=127.0.0.1 port={port} user=trader password=right dbname=desk"),
    ] {
        let given = [("DATABASE_URL", text.as_str()), ("PGPASSWORD", "wrong")];
        assert_eq!(ask_at(&from_vars(&given).unwrap(), SELF).await, wanted);
        let wrong = Config::from_url(&text.replace("right", "wrong")).unwrap();
        let line = refusal(&wrong).await;
        assert!(line.contains("check user and password"), "{line}");
    }
    // Beside the parts of ours.
    let beside = [&vars[1..], &[("DATABASE_HOST", "127.0.0.1")]].concat();
    assert_eq!(ask_at(&from_vars(&beside).unwrap(), SELF).await, wanted);
}

/// Rows: `host`.
#[tokio::test]
async fn literal_addresses_of_ipv6_are_hosts() {
    if TcpListener::bind(("::1", 0)).is_err() {
        return test_servers::impossible("this machine has no ::1");
    }
    const VIA: &str = "SELECT host(inet_server_addr())";
    let port = server().port();
    for text in [
        format!("postgres://postgres@[::1]:{port}/postgres"),
        format!("host=::1 port={port} user=postgres dbname=postgres"),
    ] {
        assert_eq!(ask_at(&Config::from_url(&text).unwrap(), VIA).await, "::1");
    }
    let parts = [
        ("DATABASE_HOST", "::1".to_owned()),
        ("DATABASE_PORT", port.to_string()),
        ("DATABASE_NAME", "postgres".to_owned()),
        ("DATABASE_USER", "postgres".to_owned()),
    ];
    let parts: Vec<(&str, &str)> = parts
        .iter()
        .map(|(name, value)| (*name, &**value))
        .collect();
    assert_eq!(ask_at(&from_vars(&parts).unwrap(), VIA).await, "::1");
}

/// Rows: `hostaddr`, `PGHOSTADDR`.
#[tokio::test]
async fn an_address_saves_the_lookup_of_a_name() {
    let port = server().port();
    let url = format!("postgres://postgres@db.invalid:{port}/postgres");
    let vars = [("DATABASE_URL", url.as_str()), ("PGHOSTADDR", "127.0.0.1")];
    let there = from_vars(&vars).unwrap();
    assert_eq!(ask_at(&there, "SELECT 'here'").await, "here");
    let looked_up = from_vars(&vars[..1]).unwrap();
    let line = refusal(&looked_up.connect_timeout(Duration::from_millis(500))).await;
    assert!(line.contains("db.invalid"), "{line}");
}

/// Rows: `passfile`, `PGPASSFILE`. Each host has a line of its own.
#[tokio::test]
async fn password_files_are_found_by_name_and_at_home() {
    let home = Folder::new();
    let port = STRICT.port();
    let lines = format!("127.0.0.1:{port}:*:trader:right\n*:*:*:*:wrong\n");
    let file = home.write(".pgpass", &lines);
    let (home, named) = (home.path().to_str().unwrap(), file.to_str().unwrap());
    let url = format!("postgres://trader@127.0.0.1:{port}/desk");
    let in_url = format!("{url}?passfile={named}");
    let wanted = format!("trader desk {port}");
    let ways: [&[(&str, &str)]; 3] = [
        &[("DATABASE_URL", &in_url)],
        &[("DATABASE_URL", &url), ("PGPASSFILE", named)],
        &[("DATABASE_URL", &url), ("HOME", home)],
    ];
    for vars in ways {
        assert_eq!(ask_at(&from_vars(vars).unwrap(), SELF).await, wanted);
    }
    // Others may read it: an error if it was named, and otherwise left out.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    for vars in &ways[..2] {
        let line = refusal(&from_vars(vars).unwrap()).await;
        assert!(line.contains(named) && line.contains("chmod 600"), "{line}");
    }
    let line = refusal(&from_vars(ways[2]).unwrap()).await;
    assert!(line.contains("check user and password"), "{line}");
}

/// Rows: `service`, `servicefile`, `PGSERVICE`, `PGSERVICEFILE`, `PGSYSCONFDIR`.
#[tokio::test]
async fn services_lead_to_their_server() {
    let port = STRICT.port();
    let folder = Folder::new();
    let text = format!(
        "[other]\nhost=elsewhere\n[desk]\nhost=127.0.0.1\nport={port}\nuser=trader\npassword=right\ndbname=desk\n"
    );
    let file = folder.write("pg_service.conf", &text);
    fs::copy(&file, folder.path().join(".pg_service.conf")).unwrap();
    let (file, folder) = (file.to_str().unwrap(), folder.path().to_str().unwrap());
    let wanted = format!("trader desk {port}");
    let in_url = format!("postgres://?service=desk&servicefile={file}");
    for vars in [
        &[("DATABASE_URL", in_url.as_str())][..],
        &[("PGSERVICE", "desk"), ("PGSERVICEFILE", file)],
        &[("PGSERVICE", "desk"), ("PGSYSCONFDIR", folder)],
        &[("PGSERVICE", "desk"), ("HOME", folder)],
    ] {
        assert_eq!(ask_at(&from_vars(vars).unwrap(), SELF).await, wanted);
    }
}

/// Rows: `connect_timeout`, `PGCONNECT_TIMEOUT`.
#[tokio::test]
async fn silence_is_given_up_after_the_timeout() {
    let silent = Relay::start(server().port()).await;
    silent.set(Traffic::Vanishes);
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", silent.port());
    let in_url = format!("{url}?connect_timeout=1");
    for (vars, limit) in [
        (&[("DATABASE_URL", in_url.as_str())][..], 1.0),
        (
            &[("DATABASE_URL", url.as_str()), ("PGCONNECT_TIMEOUT", "1")],
            1.0,
        ),
        (
            &[("DATABASE_URL", &*in_url), ("DB_CONNECT_TIMEOUT", "0.3")],
            0.3,
        ),
    ] {
        let begun = Instant::now();
        let line = refusal(&from_vars(vars).unwrap()).await;
        let waited = begun.elapsed().as_secs_f64();
        assert!(line.contains("no answer in"), "{line}");
        assert!(waited >= limit && waited < limit + 0.6, "{limit}: {waited}");
    }
}

/// Rows: `target_session_attrs`, `PGTARGETSESSIONATTRS`. That each kind finds its server is shown by the failover of a pair.
#[tokio::test]
async fn a_server_of_the_wrong_kind_is_refused() {
    let url = server().url();
    for (target, refused) in [
        ("any", None),
        ("read-write", None),
        ("primary", None),
        ("prefer-standby", None),
        (
            "read-only",
            Some("it takes writes, and target_session_attrs is read-only"),
        ),
        (
            "standby",
            Some("it is no standby, and target_session_attrs is standby"),
        ),
    ] {
        let in_url = format!("{url}?target_session_attrs={target}");
        for vars in [
            &[("DATABASE_URL", in_url.as_str())][..],
            &[
                ("DATABASE_URL", url.as_str()),
                ("PGTARGETSESSIONATTRS", target),
            ],
        ] {
            let config = from_vars(vars).unwrap();
            let config = config.connect_timeout(Duration::from_millis(700));
            match refused {
                None => assert_eq!(ask_at(&config, "SELECT 'here'").await, "here"),
                Some(why) => {
                    let line = refusal(&config).await;
                    assert!(line.contains(why), "{line}");
                }
            }
        }
    }
}

/// Rows: `load_balance_hosts`, `PGLOADBALANCEHOSTS`.
#[tokio::test]
async fn random_hosts_share_the_sessions() {
    const PORT: &str = "SELECT current_setting('port')";
    let (one, two) = (server().port(), STRICT.port());
    STRICT.psql("ALTER ROLE postgres PASSWORD 'right'");
    let url = format!("postgres://postgres:right@127.0.0.1:{one},127.0.0.1:{two}/postgres");
    let random = format!("{url}?load_balance_hosts=random");
    let disable = format!("{url}?load_balance_hosts=disable");
    for (vars, both) in [
        (&[("DATABASE_URL", random.as_str())][..], true),
        (
            &[
                ("DATABASE_URL", url.as_str()),
                ("PGLOADBALANCEHOSTS", "random"),
            ],
            true,
        ),
        (&[("DATABASE_URL", disable.as_str())], false),
        (&[("DATABASE_URL", url.as_str())], false),
    ] {
        let config = from_vars(vars).unwrap();
        let mut seen = BTreeSet::new();
        for _ in 0..40 {
            seen.insert(ask_at(&config, PORT).await);
            if seen.len() == 2 {
                break;
            }
        }
        assert_eq!(seen.len(), if both { 2 } else { 1 }, "{vars:?}");
    }
}

/// Rows: `options`, `PGOPTIONS`, `PGGEQO`.
#[tokio::test]
async fn options_of_the_variable_reach_the_session() {
    let url = server().url();
    let geqo = "SELECT concat_ws(' ', current_setting('geqo'), current_setting('work_mem'))";
    let vars = [
        ("DATABASE_URL", url.as_str()),
        ("PGOPTIONS", "-c work_mem=7MB"),
        ("PGGEQO", "off"),
    ];
    assert_eq!(ask_at(&from_vars(&vars).unwrap(), geqo).await, "off 7MB");
    assert_eq!(
        ask_at(&from_vars(&vars[..1]).unwrap(), geqo).await,
        "on 4MB"
    );
}

/// Rows: `client_encoding`, `PGCLIENTENCODING`, `PGTZ`, `PGDATESTYLE`. Whatever the server's own are.
#[tokio::test]
async fn sessions_are_in_utf8_and_utc() {
    STRICT.psql("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'");
    for setting in [
        "timezone TO 'Asia/Tokyo'",
        "datestyle TO 'German'",
        "client_encoding TO 'LATIN1'",
    ] {
        STRICT.psql(&format!("ALTER DATABASE latin SET {setting}"));
    }
    let url = format!("postgres://trader:right@127.0.0.1:{}/latin", STRICT.port());
    let vars = [
        ("DATABASE_URL", url.as_str()),
        ("PGCLIENTENCODING", "UTF8"),
        ("PGTZ", "UTC"),
        ("PGDATESTYLE", "ISO"),
    ];
    for vars in [&vars[..1], &vars] {
        let config = from_vars(vars).unwrap();
        let session = "SELECT concat_ws(' ', current_setting('client_encoding'), current_setting('TimeZone'), current_setting('DateStyle'), 'ä')";
        assert_eq!(ask_at(&config, session).await, "UTF8 UTC ISO, MDY ä");
    }
}

/// Rows: `statement-cache-capacity`, `ssl-mode`, `options[name]`.
#[tokio::test]
async fn the_driver_s_own_spellings_are_understood() {
    for (parameters, kept, work_mem) in [
        ("", "3", "4MB"),
        (
            "?statement-cache-capacity=1&ssl-mode=disable&options[work_mem]=9MB",
            "0",
            "9MB",
        ),
    ] {
        let config = Config::from_url(&format!("{}{parameters}", server().url())).unwrap();
        let db = Db::connect(&config.max_pool_size(1)).await.unwrap();
        for question in [
            "SELECT 'a' WHERE 7001 > 0",
            "SELECT 'b' WHERE 7001 > 1",
            "SELECT 'c' WHERE 7001 > 2",
        ] {
            ask(&db, question).await;
        }
        const KEPT: &str = "SELECT count(*)::text FROM pg_prepared_statements WHERE statement LIKE '%WHERE 70' || '01%'";
        assert_eq!(ask(&db, KEPT).await, kept);
        assert_eq!(
            ask(&db, "SELECT current_setting('work_mem')").await,
            work_mem
        );
    }
    let (_, why) = invalid(Config::from_url(
        "postgres://u@localhost/d?ssl-mode=requires",
    ));
    assert!(why.contains("expected one of disable"), "{why}");
}
