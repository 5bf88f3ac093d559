//! Settings from the environment.

use llm_trading_db::{
    config::{self, Config},
    error::{Error, Result},
};
use sqlx::{
    ConnectOptions,
    postgres::{PgConnectOptions, PgSslMode},
};
use std::time::Duration;

fn from_vars(vars: &[(&str, &str)]) -> Result<Config> {
    config::from_vars(|name| {
        let found = vars.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

fn options(vars: &[(&str, &str)]) -> PgConnectOptions {
    from_vars(vars).unwrap().connect_options()
}

fn has_setting(options: &PgConnectOptions, setting: &str) -> bool {
    let settings = options.get_options().unwrap_or_default();
    settings.split("-c ").any(|found| found.trim() == setting)
}

#[test]
fn an_empty_environment_means_the_local_database() {
    for vars in [&[][..], &[("DATABASE_URL", ""), ("DATABASE_PORT", "")]] {
        let options = options(vars);
        assert_eq!(options.get_host(), "localhost");
        assert_eq!(options.get_port(), 5432);
        assert_eq!(options.get_database(), Some("llm_trading"));
        assert!(!options.get_username().is_empty());
        assert_eq!(options.get_application_name(), Some("llm-trading-db"));
    }
}

#[test]
fn the_parts_of_the_address_are_read() {
    let options = options(&[
        ("DATABASE_HOST", "db.example.com"),
        ("DATABASE_PORT", "6543"),
        ("DATABASE_NAME", "desk"),
        ("DATABASE_USER", "trader"),
    ]);
    assert_eq!(options.get_host(), "db.example.com");
    assert_eq!(options.get_port(), 6543);
    assert_eq!(options.get_database(), Some("desk"));
    assert_eq!(options.get_username(), "trader");
}

#[test]
fn the_url_goes_before_the_parts() {
    let options = options(&[
        (
            "DATABASE_URL",
            "postgresql://trader@10.0.0.1:6543/desk?application_name=bot&sslmode=require",
        ),
        ("DATABASE_HOST", "elsewhere"),
        ("DATABASE_PORT", "no port at all"),
    ]);
    assert_eq!((options.get_host(), options.get_port()), ("10.0.0.1", 6543));
    assert_eq!(options.get_database(), Some("desk"));
    assert_eq!(options.get_username(), "trader");
    assert_eq!(options.get_application_name(), Some("bot"));
    assert!(matches!(options.get_ssl_mode(), PgSslMode::Require));
}

#[test]
fn the_password_arrives_whatever_its_characters() {
    const PASSWORD: &str = r#"p@ss:w/o%rd#?&="' \ä€ "#;
    let expected = PgConnectOptions::new_without_pgpass().password(PASSWORD);
    let expected = expected.to_url_lossy();
    let plain = options(&[("DATABASE_PASSWORD", PASSWORD)]);
    assert_eq!(plain.to_url_lossy().password(), expected.password());
    let url = format!(
        "postgres://u:{}@localhost/desk",
        expected.password().unwrap()
    );
    let in_url = options(&[("DATABASE_URL", &url)]);
    assert_eq!(in_url.to_url_lossy().password(), expected.password());
}

#[test]
fn limits_become_settings_of_the_server() {
    let defaults = options(&[]);
    for setting in [
        "statement_timeout=30000",
        "lock_timeout=10000",
        "idle_in_transaction_session_timeout=30000",
        "client_connection_check_interval=100",
    ] {
        assert!(
            has_setting(&defaults, setting),
            "{setting}: {:?}",
            defaults.get_options()
        );
    }
    for (seconds, milliseconds) in [
        ("0", 0),
        ("0.0001", 1),
        ("2.5", 2500),
        (" 7 ", 7000),
        ("2147483", 2_147_483_000),
    ] {
        let options = options(&[("DB_COMMAND_TIMEOUT", seconds)]);
        let setting = format!("statement_timeout={milliseconds}");
        assert!(
            has_setting(&options, &setting),
            "{:?}",
            options.get_options()
        );
    }
    let long = Config::from_url("postgres://localhost/desk").unwrap();
    let long = long.lock_timeout(Duration::MAX).connect_options();
    assert!(has_setting(&long, "lock_timeout=2147483647"));
    let slow = Config::from_url("postgres://localhost/desk").unwrap();
    let slow = slow.drain(Duration::from_millis(40)).connect_options();
    assert!(has_setting(&slow, "client_connection_check_interval=40"));
}

#[test]
fn pool_settings_are_read() {
    let config = from_vars(&[
        ("DB_MIN_POOL_SIZE", "2"),
        ("DB_MAX_POOL_SIZE", "9"),
        ("DB_ACQUIRE_TIMEOUT", "1.5"),
        ("DB_MAX_INACTIVE_CONNECTION_LIFETIME", "60"),
    ]);
    let shown = format!("{:?}", config.unwrap());
    for part in [
        "min_pool_size: 2",
        "max_pool_size: 9",
        "acquire_timeout: 1.5s",
        "max_inactive_lifetime: 60s",
    ] {
        assert!(shown.contains(part), "{shown}");
    }
}

#[test]
fn a_bad_value_names_the_variable_and_what_would_be_right() {
    for (name, value, right) in [
        ("DB_MAX_POOL_SIZE", "x", "a whole number of at least 1"),
        ("DB_MAX_POOL_SIZE", "0", "a whole number of at least 1"),
        ("DB_MAX_POOL_SIZE", "-3", "a whole number of at least 1"),
        ("DB_MAX_POOL_SIZE", "1.5", "a whole number of at least 1"),
        ("DB_MIN_POOL_SIZE", "-1", "a whole number of at least 0"),
        ("DATABASE_PORT", "0", "a port from 1 to 65535"),
        ("DATABASE_PORT", "65536", "a port from 1 to 65535"),
        ("DB_COMMAND_TIMEOUT", "30s", "a number of seconds"),
        ("DB_COMMAND_TIMEOUT", "-1", "a number of seconds"),
        ("DB_COMMAND_TIMEOUT", "NaN", "a number of seconds"),
        ("DB_ACQUIRE_TIMEOUT", "inf", "a number of seconds"),
        ("DB_ACQUIRE_TIMEOUT", "1e300", "a number of seconds"),
        (
            "DB_MAX_INACTIVE_CONNECTION_LIFETIME",
            "2147484",
            "a number of seconds",
        ),
    ] {
        let error = from_vars(&[(name, value)]).unwrap_err();
        let line = error.to_string();
        assert!(
            line.starts_with(&format!("{name}: expected {right}")),
            "{line}"
        );
        assert!(matches!(error, Error::Invalid { .. }));
        assert!(line.contains("got \""), "{line}");
    }
    assert_eq!(
        from_vars(&[("DB_MAX_POOL_SIZE", "x")])
            .unwrap_err()
            .to_string(),
        r#"DB_MAX_POOL_SIZE: expected a whole number of at least 1, got "x""#
    );
}

#[test]
fn the_smallest_size_is_at_most_the_largest() {
    let error = from_vars(&[("DB_MIN_POOL_SIZE", "3"), ("DB_MAX_POOL_SIZE", "2")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "DB_MIN_POOL_SIZE: expected at most DB_MAX_POOL_SIZE (2), got 3"
    );
    assert!(
        from_vars(&[("DB_MIN_POOL_SIZE", "17")]).is_err(),
        "16 is the default"
    );
    assert!(from_vars(&[("DB_MIN_POOL_SIZE", "2"), ("DB_MAX_POOL_SIZE", "2")]).is_ok());
}

#[test]
fn a_bad_url_is_not_repeated() {
    for url in [
        "mysql://trader:s3cret@localhost/desk",
        "s3cret",
        "postgres//trader:s3cret@localhost/desk",
        "postgres://trader:s3cret@localhost:port/desk",
        "postgres://trader:s3/cret@localhost/desk",
        "postgres://trader:s3?cret@localhost/desk",
        "postgres://trader:12?s3cret@localhost/desk",
        "postgres://trader:s3#cret@localhost/desk",
        "postgres://trader:s3cret@localhost/desk?sslmode=s3cret",
        "postgres://trader:s3cret%ff@localhost/desk",
    ] {
        for error in [
            from_vars(&[("DATABASE_URL", url)]).unwrap_err(),
            Config::from_url(url).unwrap_err(),
        ] {
            crate::bank::assert_silent(&error, "s3");
            crate::bank::assert_silent(&error, "cret");
            let line = error.to_string();
            assert!(
                line.to_lowercase()
                    .replace('_', " ")
                    .starts_with("database url: expected"),
                "{line}"
            );
        }
    }
}

#[test]
fn parameters_of_sqlx_s_own_are_read() {
    let url = "postgres://u@localhost/desk?application_name=bot&options[geqo]=off&options[search_path]=a\\b c&statement-cache-capacity=7&ssl-mode=disable";
    let options = options(&[("DATABASE_URL", url)]);
    assert_eq!(options.get_application_name(), Some("bot"));
    assert!(has_setting(&options, "geqo=off"));
    assert!(has_setting(&options, r"search_path=a\\b\ c"), "{options:?}");
    assert!(matches!(options.get_ssl_mode(), PgSslMode::Disable));
}

#[test]
fn debug_never_shows_the_password() {
    let plain = from_vars(&[("DATABASE_PASSWORD", "s3cret"), ("DATABASE_USER", "trader")]);
    let in_url = Config::from_url("postgres://trader:s3cret@localhost/desk");
    for config in [plain.unwrap(), in_url.unwrap()] {
        let shown = format!("{config:?} {config:#?}");
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("trader"), "{shown}");
    }
}

#[tokio::test]
async fn settings_that_contradict_each_other_are_refused_before_connecting() {
    use llm_trading_db::db::Db;
    const MS: Duration = Duration::from_millis(1);
    let config = || Config::from_url("postgres://localhost:1/desk").unwrap();
    for (config, field) in [
        (config().max_pool_size(0), "max_pool_size"),
        (config().min_pool_size(5).max_pool_size(4), "min_pool_size"),
        (config().drain(Duration::ZERO), "drain"),
        (
            config().drain(50 * MS).client_check_interval(51 * MS),
            "client_check_interval",
        ),
    ] {
        let error = Db::connect(&config).await.unwrap_err();
        assert!(
            matches!(&error, Error::Invalid { field: found, .. } if found == field),
            "{error:?}"
        );
    }
    for config in [
        config().client_check_interval(100 * MS),
        config().client_check_interval(Duration::ZERO),
    ] {
        Db::connect_lazy(&config).unwrap();
    }
}
