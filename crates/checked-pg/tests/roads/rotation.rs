//! Passwords that change while a program runs.

use crate::support::{ask, from_vars, refusal};
use checked_pg::{
    config::{Config, Credentials},
    db::Db,
};
use std::{
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use test_servers::{Cluster, ClusterSettings, Folder};

/// A server that wants passwords over TCP.
fn strict() -> &'static Cluster {
    static SERVER: OnceLock<Cluster> = OnceLock::new();
    let hba = "local all all trust\nhost all all all scram-sha-256\n";
    SERVER.get_or_init(|| Cluster::start(&ClusterSettings::default().hba(hba)))
}

fn url(user: &str) -> String {
    format!("postgres://{user}@127.0.0.1:{}/postgres", strict().port())
}

fn set_password(user: &str, password: &str) {
    strict().psql(&format!("ALTER ROLE {user} PASSWORD '{password}'"));
}

/// A session as this user that is new each time.
async fn new_session(db: &Db) -> Result<String, checked_pg::Error> {
    strict().psql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'rotating%'",
    );
    sqlx::query_scalar::<_, String>("SELECT current_user::text")
        .fetch_one(db)
        .await
        .map_err(Into::into)
}

#[tokio::test]
async fn a_password_in_a_file_is_read_for_each_connection() {
    strict().psql("CREATE ROLE rotating_file LOGIN PASSWORD 'first one'");
    let folder = Folder::new();
    let file = folder.write("password", "first one\n");
    let vars = [
        ("DATABASE_URL", url("rotating_file")),
        ("DATABASE_PASSWORD_FILE", file.display().to_string()),
    ];
    let vars: Vec<(&str, &str)> = vars
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let config = from_vars(&vars).unwrap();
    let db = Db::connect(&config).await.unwrap();
    assert_eq!(ask(&db, "SELECT current_user::text").await, "rotating_file");
    set_password("rotating_file", "second");
    let error = new_session(&db).await.unwrap_err().to_string();
    assert!(
        error.contains("check user and password") && !error.contains("first one"),
        "{error}"
    );
    folder.write("password", "second");
    assert_eq!(new_session(&db).await.unwrap(), "rotating_file");

    folder.write("password", "\n");
    assert!(refusal(&config).await.contains("password: it is empty"));
    std::fs::remove_file(&file).unwrap();
    let line = refusal(&config).await;
    assert!(
        line.contains("password file") && line.contains(&file.display().to_string()),
        "{line}"
    );
}

#[test]
fn two_passwords_are_refused() {
    let with_password = url("u").replace("u@", "u:secret@");
    let vars = [
        ("DATABASE_URL", with_password.as_str()),
        ("DATABASE_PASSWORD_FILE", "/run/password"),
    ];
    let error = from_vars(&vars).unwrap_err().to_string();
    assert!(
        error.contains("DATABASE_PASSWORD_FILE: a password is given as well")
            && !error.contains("secret"),
        "{error}"
    );
}

#[tokio::test]
async fn credentials_are_asked_for_each_connection() {
    strict().psql(
        "CREATE ROLE rotating_a LOGIN PASSWORD 'aa'; CREATE ROLE rotating_b LOGIN PASSWORD 'bb'",
    );
    let now = Arc::new(Mutex::new(Ok(Credentials::password("aa"))));
    let asked = Arc::new(AtomicUsize::new(0));
    let (answer, count) = (now.clone(), asked.clone());
    let config = Config::from_url(&url("rotating_a"))
        .unwrap()
        .max_pool_size(1)
        .credentials(move || {
            count.fetch_add(1, Relaxed);
            let answer: Result<Credentials, String> = answer.lock().unwrap().clone();
            async move { answer }
        });
    let db = Db::connect(&config).await.unwrap();
    assert_eq!(ask(&db, "SELECT current_user::text").await, "rotating_a");
    assert_eq!(asked.load(Relaxed), 1);
    *now.lock().unwrap() = Ok(Credentials::new("rotating_b", "bb"));
    assert_eq!(new_session(&db).await.unwrap(), "rotating_b");
    *now.lock().unwrap() = Err("the vault is sealed".to_owned());
    let error = new_session(&db).await.unwrap_err().to_string();
    assert!(
        error.contains("no credentials: the vault is sealed"),
        "{error}"
    );
    let shown = format!("{config:?} {:?}", Credentials::new("rotating_b", "bb"));
    assert!(
        shown.contains("rotating_b") && !shown.contains("bb"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_password_that_is_replaced_while_we_connect_is_asked_for_again() {
    strict().psql("CREATE ROLE rotating_c LOGIN PASSWORD 'new'");
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let config = Config::from_url(&url("rotating_c"))
        .unwrap()
        .credentials(move || {
            let password = if count.fetch_add(1, Relaxed) == 0 {
                "old"
            } else {
                "new"
            };
            async move { Ok::<_, String>(Credentials::password(password)) }
        });
    let db = Db::connect(&config).await.unwrap();
    assert_eq!(ask(&db, "SELECT current_user::text").await, "rotating_c");
    assert_eq!(asked.load(Relaxed), 2);
}

#[tokio::test]
async fn silence_of_the_vault_is_bounded() {
    let config = Config::from_url(&url("nobody"))
        .unwrap()
        .connect_timeout(Duration::from_millis(300));
    let config = config.credentials(std::future::pending::<Result<Credentials, String>>);
    assert!(refusal(&config).await.contains("no answer in"));
}

#[tokio::test]
async fn a_password_file_of_libpq_is_read_for_each_connection() {
    strict().psql("CREATE ROLE rotating_d LOGIN PASSWORD 'one'");
    let folder = Folder::new();
    let write = |password: &str| {
        use std::os::unix::fs::PermissionsExt;
        let file = folder.write("pgpass", &format!("*:*:*:rotating_d:{password}\n"));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        file
    };
    let file = write("one");
    let url = format!("{}?passfile={}", url("rotating_d"), file.display());
    let config = Config::from_url(&url).unwrap();
    let db = Db::connect(&config).await.unwrap();
    set_password("rotating_d", "two");
    write("two");
    assert_eq!(new_session(&db).await.unwrap(), "rotating_d");
}
