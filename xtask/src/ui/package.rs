//! One package with every case as a target of its own: built once with the mistakes and once without.

use std::{
    collections::HashMap, ffi::OsString, fmt::Write as _, fs, path::PathBuf, process::Command,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::case::Case;
use crate::project;

/// A message of the compiler, of a lint or of a macro.
pub struct Message {
    /// The lint or the error code.
    pub code: String,
    pub text: String,
}

/// The messages by the name of the case.
pub type Messages = HashMap<String, Vec<Message>>;

pub struct Package {
    folder: PathBuf,
    url: String,
}

impl Package {
    /// Writes the package: the crate's own lints, bans and overrides hold for the cases, too.
    pub fn write(cases: &[&Case], url: String) -> Result<Self> {
        let folder = project("target/ui");
        fs::create_dir_all(&folder)?;
        for file in ["clippy.toml", "Cargo.lock"] {
            fs::copy(project(file), folder.join(file))?;
        }
        let overrides = fs::read_to_string(project("sqlx.toml"))?;
        let overrides = overrides.replace("crate::", "::llm_trading_db::");
        fs::write(folder.join("sqlx.toml"), overrides)?;
        fs::write(folder.join("Cargo.toml"), manifest(cases)?)?;
        Ok(Self { folder, url })
    }

    /// What the compiler, the lints and the database say to all cases.
    pub fn check(&self, mistakes: bool) -> Result<Messages> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut command = Command::new(cargo);
        command
            .current_dir(&self.folder)
            .args(["clippy", "--quiet", "--examples", "--keep-going"])
            .args(["--message-format", "json", "--", "-D", "warnings"])
            .args(if mistakes {
                &["--cfg", "mistake"][..]
            } else {
                &[]
            })
            // Where the same dependencies are compiled already.
            .env("CARGO_TARGET_DIR", project("target"))
            .env("LLM_TRADING_DB_BUILD_URL", &self.url)
            .env("SQLX_OFFLINE", "false");
        let output = command.output()?;
        let mut messages = Messages::new();
        for line in String::from_utf8(output.stdout)?.lines() {
            let line: Value = serde_json::from_str(line)?;
            let Some(message) = line
                .get("message")
                .filter(|_| line["reason"] == "compiler-message")
            else {
                continue;
            };
            let case = line["target"]["name"].as_str().unwrap_or_default();
            messages.entry(case.to_owned()).or_default().push(Message {
                code: message["code"]["code"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                text: message["rendered"].as_str().unwrap_or_default().to_owned(),
            });
        }
        // With mistakes cargo must fail, and without messages it failed for another reason.
        ensure!(
            output.status.success() || !messages.is_empty(),
            "cargo could not check the cases:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(messages)
    }
}

fn manifest(cases: &[&Case]) -> Result<String> {
    let own = fs::read_to_string(project("Cargo.toml"))?;
    let lints = own
        .find("[workspace.lints.rust]")
        .context("Cargo.toml has no lints")?;
    let lints = own[lints..]
        .replace("[workspace.lints.", "[lints.")
        .replace("missing_docs = \"deny\"\n", "");
    let root = project("").canonicalize()?;
    let checked_pg = root.join("crates/checked-pg");
    let mut manifest = format!(
        r#"[package]
name = "ui"
edition = "2024"
publish = false

[workspace]

[profile.dev]
debug = "line-tables-only"

[profile.dev.package."*"]
debug = false

[dependencies]
llm-trading-db = {{ path = {root:?}, features = ["cli"] }}
checked-pg = {{ path = {checked_pg:?} }}
chrono = {{ version = "0.4", default-features = false }}
rust_decimal = {{ version = "1", default-features = false }}
serde_json = {{ version = "1", default-features = false }}
sqlx = {{ version = "0.9", default-features = false }}
sqlx-conditional-queries = {{ version = "0.4", features = ["postgres"] }}
uuid = {{ version = "1", default-features = false }}

"#
    );
    for case in cases {
        writeln!(
            manifest,
            "[[example]]\nname = {:?}\npath = {:?}\ncrate-type = [\"lib\"]\n",
            case.name, case.file
        )?;
    }
    let cfg = "unexpected_cfgs = { level = \"deny\", check-cfg = [\"cfg(mistake)\"] }\n";
    manifest.push_str(&lints.replace("[lints.clippy]", &format!("{cfg}\n[lints.clippy]")));
    Ok(manifest)
}
