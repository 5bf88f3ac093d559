//! The operator's binary, run as an operator runs it.

mod demo;
mod doctor;
mod doubts;
mod exports;
mod hints;
mod imports;
mod prepare;
mod reads;
mod servers;

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use llm_trading_db::{config::Config, db::Db};

use crate::support;

/// A database of its own, and a folder for files.
pub(crate) struct Desk {
    url: String,
    pub(crate) db: Db,
    folder: Folder,
}

impl Desk {
    pub(crate) async fn new() -> Self {
        let options = support::database_options().await;
        let url = checked_pg::testing::url(&options);
        let db = Db::connect(&Config::from_options(options)).await.unwrap();
        Self {
            url,
            db,
            folder: Folder::new(),
        }
    }

    /// Starts the binary on this database.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        binary(&self.url).args(arguments).spawn().unwrap()
    }

    /// Runs the binary on this database.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        end(binary(&self.url).args(arguments))
    }

    /// A file of this name in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path(name)
    }

    /// Imports a file with this content.
    fn import(&self, what: &str, content: impl AsRef<[u8]>) -> Ended {
        self.import_with(what, content, &[])
    }

    fn import_with(&self, what: &str, content: impl AsRef<[u8]>, options: &[&str]) -> Ended {
        let file = self.folder.file("input", content);
        self.run(&[&[what, file.to_str().unwrap()], options].concat())
    }

    pub(crate) fn import_bars(&self, rows: &str) -> Ended {
        self.import("import-bars", format!("{HEADER}\n{rows}"))
    }
}

const HEADER: &str = "symbol,date,open,high,low,close,volume";

/// A folder that any user can enter, removed at the end of the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = PathBuf::from(format!("/tmp/desk-cli-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn pipe(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        let made = Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// The binary in an environment without settings, except which server's programs it starts.
fn bare_binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llm-trading-db"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let set = ["DATABASE_", "DB_", "PG", "RUST_LOG"];
        if set.iter().any(|prefix| name.starts_with(prefix)) && name != "PG_BIN" {
            command.env_remove(&*name);
        }
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The binary on the database of this address.
pub fn binary(url: &str) -> Command {
    let mut command = bare_binary();
    command.env("DATABASE_URL", url);
    command
}

/// The binary where no database is named.
pub fn plain_binary() -> Command {
    bare_binary()
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

pub fn end(command: &mut Command) -> Ended {
    command.output().unwrap().into()
}

impl Ended {
    /// It went well and had nothing to complain about; gives what it printed.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{self:?}");
        self.out
    }

    /// It failed with one line on standard error, which holds `parts`, and printed nothing.
    #[track_caller]
    pub fn failed(self, parts: &[&str]) {
        assert_eq!((self.code, self.out.as_str()), (Some(1), ""), "{self:?}");
        assert_eq!(self.err.lines().count(), 1, "{self:?}");
        assert!(self.err.starts_with("error: "), "{self:?}");
        for part in parts {
            assert!(self.err.contains(part), "no {part:?} in {self:?}");
        }
    }

    #[track_caller]
    pub fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.ok()).unwrap()
    }
}

/// Opens a pipe for writing, which waits for the program at its other end to open it.
fn writer(pipe: &Path) -> impl Write + use<> {
    fs::OpenOptions::new().write(true).open(pipe).unwrap()
}

#[test]
fn wrong_usage_is_not_failure() {
    let cases: &[&[&str]] = &[
        &["import-bars"],
        &["no-such-command"],
        &["metrics", "--window", "1"],
        &["performance", "--weeks", "0"],
        &["performance", "--weeks", "4", "--all"],
        &["snapshot", "--symbols", "aapl"],
        &["snapshot", "--as-of", "2026-1-7"],
        &[
            "status",
            "--data-dir",
            "/x",
            "--database-url",
            "postgres://x",
        ],
    ];
    for arguments in cases {
        let ended = end(bare_binary().args(*arguments));
        assert_eq!(
            (ended.code, ended.out.as_str()),
            (Some(2), ""),
            "{arguments:?}: {ended:?}"
        );
        assert!(ended.err.starts_with("error: "), "{arguments:?}: {ended:?}");
    }
}
