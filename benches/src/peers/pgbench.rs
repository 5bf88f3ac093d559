//! The server's own ceiling: pgbench with this crate's statements, prepared, as far as a script of pgbench can hold them.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use async_trait::async_trait;
use serde_json::Value;
use tokio::process::Command;

use super::{Peer, Read, not_done};
use crate::{
    fixture::{BARS_EACH, Fixture},
    measure::Sample,
    server::{DATABASE, HOST, PASSWORD, USER},
    workload::{Op, PGBENCH},
};

pub struct Pgbench {
    port: u16,
    folder: PathBuf,
    scripts: Vec<(Op, PathBuf, Script)>,
}

struct Script {
    text: String,
    /// How many operations a run of it is.
    operations: usize,
    /// `NAME=VALUE` of what it sends as parameters.
    variables: Vec<String>,
}

impl Pgbench {
    /// `None` if it is not installed.
    pub async fn find(port: u16, fixture: &Fixture) -> Result<Option<Self>> {
        if Command::new("pgbench")
            .arg("--version")
            .output()
            .await
            .is_err()
        {
            return Ok(None);
        }
        let folder =
            std::env::temp_dir().join(format!("llm-trading-db-pgbench-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let mut scripts = Vec::new();
        for op in [
            Op::Nothing,
            Op::Pitch,
            Op::Bars,
            Op::Returns(10),
            Op::Returns(100),
            Op::Returns(1000),
            Op::Returns(10_000),
            Op::Transfer,
            Op::Save(1),
            Op::Save(100),
        ] {
            let script = match script(fixture, op) {
                Ok(script) => script,
                Err(error) => {
                    eprintln!("no ceiling for {op:?}: {error:#}");
                    continue;
                }
            };
            let path = folder.join(format!("{}-{}.sql", op.name(), op.size()));
            std::fs::write(&path, &script.text)?;
            scripts.push((op, path, script));
        }
        Ok(Some(Self {
            port,
            folder,
            scripts,
        }))
    }
}

impl Drop for Pgbench {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

#[async_trait]
impl Peer for Pgbench {
    fn name(&self) -> &'static str {
        PGBENCH
    }

    fn does(&self, op: Op) -> bool {
        self.scripts.iter().any(|(script, ..)| *script == op)
    }

    async fn run(&self, op: Op) -> Result<()> {
        not_done(op)
    }

    async fn look(&self, _: Read) -> Result<Value> {
        bail!("pgbench shows no rows")
    }

    async fn time(&self, op: Op, tasks: usize, span: Duration) -> Result<Option<Sample>> {
        let script = self.scripts.iter().find(|(script, ..)| *script == op);
        let (_, path, script) = script.context("no script")?;
        let variables = script.variables.iter();
        let output = Command::new("pgbench")
            .env("PGPASSWORD", PASSWORD)
            .args(variables.flat_map(|variable| ["--define", variable]))
            .args([
                "--no-vacuum",
                "--protocol=prepared",
                "--host",
                HOST,
                "--username",
                USER,
            ])
            .args([
                "--port",
                &self.port.to_string(),
                "--client",
                &tasks.to_string(),
            ])
            .args([
                "--jobs",
                &tasks.min(2).to_string(),
                "--time",
                &span.as_secs().max(1).to_string(),
            ])
            .arg("--file")
            .arg(path)
            .arg(DATABASE)
            .output()
            .await?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(
            output.status.success(),
            "pgbench: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let tps: f64 = said
            .lines()
            .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok())
            .with_context(|| format!("pgbench said no tps: {said}"))?;
        let rate = tps * (script.operations * op.size()) as f64;
        Ok(Some(Sample {
            rate,
            cpu: None,
            p50: None,
            p99: None,
        }))
    }
}

fn script(fixture: &Fixture, op: Op) -> Result<Script> {
    let quoted = |values: Vec<String>| format!("'{{{}}}'", values.join(","));
    let one = |setup: &str, marker: &str, arguments: &[(&str, &str)]| -> Result<Script> {
        Ok(Script {
            text: format!("{setup}{};\n", statement(marker, arguments)?),
            operations: 1,
            variables: Vec::new(),
        })
    };
    match op {
        Op::Nothing => Ok(Script {
            text: "SELECT 1;\n".to_owned(),
            operations: 1,
            variables: Vec::new(),
        }),
        Op::Pitch => one(
            "\\set n random(0, 1999)\n",
            "WHERE id = $1::pitch_id",
            &[("$1", &id("018f", "n"))],
        ),
        Op::Transfer => one(
            "\\set from random(0, 99)\n\\set to (:from + random(1, 99)) % 100\n",
            "UPDATE accounts\n        SET balance = CASE",
            &[
                ("$1", &id("018e", "from")),
                ("$2", &id("018e", "to")),
                ("$3", "0.01"),
            ],
        ),
        Op::Bars => {
            let symbols = quoted(fixture.symbols.iter().map(ToString::to_string).collect());
            let (n, until) = (BARS_EACH.to_string(), format!("'{}'", fixture.until));
            one(
                "",
                "FROM daily_bars\n            WHERE daily_bars.symbol = asked",
                &[("$1", &symbols), ("$2", &n), ("$3", &until)],
            )
        }
        Op::Returns(n) => {
            let mut text = String::new();
            let mut variables = Vec::new();
            for (i, version) in fixture.returns.iter().enumerate() {
                let rows = &version[..n];
                // Variables, not constants: like every client, it has to send them, and the server to parse them.
                let columns = [
                    rows.iter().map(|row| row.symbol.to_string()).collect(),
                    rows.iter().map(|row| row.date.to_string()).collect(),
                    rows.iter().map(|row| row.log_return.to_string()).collect(),
                ];
                let names = ["symbols", "dates", "returns"].map(|name| format!("{name}{i}"));
                for (name, column) in names.iter().zip(columns) {
                    let column: Vec<String> = column;
                    variables.push(format!("{name}={{{}}}", column.join(",")));
                }
                let [symbols, dates, returns] = names.map(|name| format!(":{name}"));
                let arguments = [("$1", &*symbols), ("$2", &*dates), ("$3", &*returns)];
                text += &statement("INSERT INTO daily_log_returns", &arguments)?;
                text += ";\n";
            }
            Ok(Script {
                text,
                operations: fixture.returns.len(),
                variables,
            })
        }
        Op::Save(n) => {
            let ids = format!("ARRAY(SELECT gen_random_uuid() FROM generate_series(1, {n}))");
            let models = quoted(fixture.models[..n].to_vec());
            let accounts = format!("array_fill('CLAUDE'::text, ARRAY[{n}])");
            // With spaces, so that pgbench takes no colon for one of its variables.
            let document =
                serde_json::to_string_pretty(&serde_json::from_str::<Value>(&fixture.document)?)?;
            let documents = format!("array_fill('{document}'::jsonb, ARRAY[{n}])");
            one(
                "",
                "INSERT INTO pm_pitches",
                &[
                    ("$1", &format!("'{}'", fixture.week)),
                    ("$2", "clock_timestamp()"),
                    ("$3", "now()"),
                    ("$4", &ids),
                    ("$5", &models),
                    ("$6", &accounts),
                    ("$7", &documents),
                ],
            )
        }
        op => bail!("{op:?} is no statement"),
    }
}

/// The id of the fixture that has the number in this variable of pgbench.
fn id(first_digits: &str, variable: &str) -> String {
    format!(
        "('{first_digits}0000-0000-7000-8000-' || lpad(to_hex(:{variable}::integer), 12, '0'))::uuid"
    )
}

/// The one statement of the crate that contains `marker`, from its cache, with these arguments.
fn statement(marker: &str, arguments: &[(&str, &str)]) -> Result<String> {
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.sqlx");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(cache)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let cached: Value = serde_json::from_slice(&std::fs::read(path)?)?;
            let sql = cached["query"].as_str().context("a query")?;
            if sql.contains(marker) {
                found.push(sql.trim().to_owned());
            }
        }
    }
    found.sort_by_key(String::len);
    let mut sql = found
        .first()
        .cloned()
        .with_context(|| format!("no statement with {marker:?}"))?;
    for (placeholder, argument) in arguments {
        sql = sql.replace(placeholder, argument);
    }
    Ok(sql)
}
