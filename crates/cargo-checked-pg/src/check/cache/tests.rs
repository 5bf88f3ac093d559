//! A copy of a crate in which the cache is stale is noticed.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use super::{hex, stale as findings};
use crate::check::source::calls_below;

/// The crate of this repository that has the most statements.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// What is stale, without the mend.
fn stale(root: &Path) -> Vec<String> {
    let found = findings(root, &calls_below(root, "src").unwrap()).unwrap();
    let short = |line: String| {
        line.replace(".sqlx/", "")
            .replace("; run `cargo checked-pg prepare`", "")
            .replace(" in .sqlx", "")
    };
    found.into_iter().map(short).collect()
}

/// A copy of what the cache is made of, removed when it goes out of scope.
struct Copy(PathBuf);

impl Copy {
    fn new(name: &str) -> Self {
        let root = env::temp_dir().join(format!("checked-pg-stale-{name}-{}", std::process::id()));
        match fs::remove_dir_all(&root) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => panic!("{error}"),
            _ => {}
        }
        for folder in [".sqlx", "migrations", "src"] {
            copy(&Path::new(ROOT).join(folder), &root.join(folder));
        }
        Self(root)
    }

    fn edit(&self, file: &str, edit: impl FnOnce(String) -> String) {
        let path = self.0.join(file);
        let before = fs::read_to_string(&path).unwrap();
        let after = edit(before.clone());
        assert_ne!(after, before, "{file} was not edited");
        fs::write(path, after).unwrap();
    }

    /// The entry of the statement at a place in the sources.
    fn entry(&self, place: &str) -> String {
        let lock = fs::read_to_string(self.0.join(".sqlx/statements.lock")).unwrap();
        let line = lock.lines().find(|line| line.ends_with(place)).unwrap();
        format!("query-{}.json", line.split(' ').next().unwrap())
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

#[test]
fn an_unchanged_copy_is_fresh() {
    assert_eq!(stale(&Copy::new("unchanged").0), [""; 0]);
}

#[test]
fn an_edited_migration_is_noticed() {
    let tree = Copy::new("migration");
    tree.edit("migrations/0001_domains.sql", |text| text + "-- later\n");
    assert_eq!(stale(&tree.0), ["migrations.lock is of other migrations"]);
}

#[test]
fn an_edited_statement_is_noticed() {
    let tree = Copy::new("statement");
    let entry = tree.entry("repo::accounts::get");
    tree.edit("src/repo/accounts.rs", |text| {
        text.replace(
            "FROM accounts WHERE id = $1",
            "FROM accounts WHERE  id = $1",
        )
    });
    let [missing, unused, lock] = &stale(&tree.0)[..] else {
        panic!("{:?}", stale(&tree.0));
    };
    assert!(
        missing.starts_with("src/repo/accounts.rs:") && missing.ends_with(" has no entry"),
        "{missing}"
    );
    assert_eq!(*unused, format!("{entry} is of no statement"));
    assert_eq!(lock, "statements.lock is of other statements");
}

#[test]
fn a_deleted_entry_is_noticed() {
    let tree = Copy::new("deleted");
    let entry = tree.entry("repo::accounts::get");
    fs::remove_file(tree.0.join(".sqlx").join(entry)).unwrap();
    let stale = stale(&tree.0);
    assert_eq!(stale.len(), 1, "{stale:?}");
    assert!(stale[0].starts_with("src/repo/accounts.rs:"), "{stale:?}");
}

#[test]
fn an_added_entry_is_noticed() {
    let tree = Copy::new("added");
    let query = "SELECT 1 AS one";
    let name = format!("query-{}.json", hex(query.as_bytes()));
    let entry = serde_json::json!({ "query": query }).to_string();
    fs::write(tree.0.join(".sqlx").join(&name), entry).unwrap();
    assert_eq!(stale(&tree.0), [format!("{name} is of no statement")]);
}

#[test]
fn an_entry_under_another_name_is_noticed() {
    let tree = Copy::new("renamed");
    let (one, other) = (
        tree.entry("repo::accounts::get"),
        tree.entry("repo::accounts::list"),
    );
    let cache = tree.0.join(".sqlx");
    fs::copy(cache.join(&other), cache.join(&one)).unwrap();
    assert_eq!(
        stale(&tree.0),
        [format!(
            "{one} holds another statement than it is named after"
        )]
    );
}
