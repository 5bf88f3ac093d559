//! `prepare` on what is no crate to prepare; `just package` runs it on one that is.

use std::fs;

use super::{Ended, Folder, bare_binary, end};

fn prepare(folder: &Folder) -> Ended {
    end(bare_binary().arg("prepare").arg(folder.path("journal")))
}

#[test]
fn a_folder_without_a_crate_is_named() {
    let folder = Folder::new();
    prepare(&folder).failed(&["cannot find", "/journal"]);
    fs::create_dir(folder.path("journal")).unwrap();
    prepare(&folder).failed(&["cannot find its Cargo.toml", "/journal"]);
}

#[test]
fn a_migration_that_does_not_apply_leaves_the_cache() {
    let folder = Folder::new();
    for name in [
        "journal",
        "journal/.sqlx",
        "journal/migrations",
        "journal/src",
    ] {
        fs::create_dir(folder.path(name)).unwrap();
    }
    folder.file(
        "journal/Cargo.toml",
        "[package]\nname = \"journal\"\nedition = \"2024\"\n[workspace]\n",
    );
    folder.file("journal/src/lib.rs", "");
    let entry = folder.file("journal/.sqlx/query-1.json", "{}");
    folder.file(
        "journal/migrations/0001_notes.sql",
        "CREATE TABLE notes (id nonsense)",
    );
    prepare(&folder).failed(&[
        "/journal/migrations do not apply",
        "\"nonsense\" does not exist",
    ]);
    assert_eq!(fs::read_to_string(entry).unwrap(), "{}");
    assert!(!folder.path("journal/.sqlx.new").exists());
}
