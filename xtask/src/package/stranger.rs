//! A crate that `cargo checked-pg new` makes outside of the project: its own CI passes without a network, on
//! the mechanism alone and on the desk. What is rejected in such a crate is the task `guarantees`.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::{Context, Result, ensure};

use super::{UNRELATED, cargo, must};

/// A crate on the mechanism alone.
const ALONE: &str = "notes"; // which is the name of its module and its test, too
/// A crate on top of the desk.
const ON_DESK: &str = "marginalia";

/// The tools of a stranger, installed in a folder of his own.
struct Tools<'a> {
    folder: &'a Path,
}

pub(super) fn prove(folder: &Path) -> Result<()> {
    let tools = Tools::install(folder)?;
    let alone = tools.new_crate(ALONE, &[])?;
    tools.ci(&alone)?;
    eprintln!("a new crate on checked-pg passes its own CI");
    tools.packages(&alone)?;
    let on_desk = tools.new_crate(ON_DESK, &["--on", "llm-trading-db@0.1"])?;
    tools.ci(&on_desk)?;
    eprintln!("a new crate on the desk passes its own CI");
    Ok(())
}

impl<'a> Tools<'a> {
    fn install(folder: &'a Path) -> Result<Self> {
        let packaged = folder.join("cargo-checked-pg");
        let packaged = packaged.to_str().context("no readable name")?;
        let root = folder.to_str().context("no readable name")?;
        let install = [
            "install", "--quiet", "--debug", "--path", packaged, "--root", root,
        ];
        must(folder, &install)?;
        Ok(Self { folder })
    }

    /// A command of the stranger's, who has the tool on his PATH and some database of something else.
    fn with_tools(&self, command: &mut Command) -> Result<()> {
        let path = env::var_os("PATH").unwrap_or_default();
        let mut path: Vec<PathBuf> = env::split_paths(&path).collect();
        path.insert(0, self.folder.join("bin"));
        command
            .env("PATH", env::join_paths(path)?)
            .env("DATABASE_URL", UNRELATED);
        Ok(())
    }

    fn cargo(&self, folder: &Path, arguments: &[&str]) -> Result<Command> {
        let mut command = cargo(folder, arguments);
        self.with_tools(&mut command)?;
        Ok(command)
    }

    fn new_crate(&self, name: &str, more: &[&str]) -> Result<PathBuf> {
        let new = [&["checked-pg", "new", name, "--by-version"], more].concat();
        succeeded(self.cargo(self.folder, &new)?.output()?, name)?;
        Ok(self.folder.join(name))
    }

    /// The script that the crate brings along.
    fn ci(&self, made: &Path) -> Result<()> {
        let mut script = cargo(made, &[]);
        let target = script
            .get_envs()
            .find(|(name, _)| *name == "CARGO_TARGET_DIR");
        let target = target.and_then(|(_, value)| value).map(ToOwned::to_owned);
        script = Command::new("./ci.sh");
        script.current_dir(made).env_remove("SQLX_OFFLINE_DIR");
        if let Some(target) = target {
            script.env("CARGO_TARGET_DIR", target);
        }
        self.with_tools(&mut script)?;
        succeeded(script.output()?, "ci.sh")
    }

    /// The crate can be packaged, with what its macros read.
    fn packages(&self, made: &Path) -> Result<()> {
        let listed = self
            .cargo(made, &["package", "--list", "--allow-dirty"])?
            .output()?;
        let files = String::from_utf8_lossy(&listed.stdout).into_owned();
        succeeded(listed, "cargo package --list")?;
        for wanted in [
            "sqlx.toml",
            ".sqlx/statements.lock",
            "migrations/0001_notes.sql",
            "build.rs",
        ] {
            ensure!(
                files.lines().any(|file| file == wanted),
                "the package of a new crate lacks {wanted}"
            );
        }
        Ok(())
    }
}

fn succeeded(output: Output, what: &str) -> Result<()> {
    ensure!(
        output.status.success(),
        "{what} failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
