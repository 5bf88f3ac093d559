//! The matrix of README: each kind of mistake, what rejects it in the desk, and what rejects it in a crate of one's own.
//!
//! The first column is held up by the cases of `tests/ui`. For the second, a crate is made by `cargo checked-pg new`, each
//! mistake is put into it, and the command that README names must fail with the expected message.

mod mistakes;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use self::mistakes::{By, Edit, GROWTH, MISTAKES, Mistake};
use crate::{
    project,
    ui::case::{self, Case},
};

const README: &str = "README.md";
const BEGIN: &str = "<!-- guarantees: begin -->\n";
const END: &str = "<!-- guarantees: end -->";

/// Plants every mistake and compares README's matrix with what happened, or writes it.
pub fn run(write: bool) -> Result<()> {
    let matrix = matrix(&case::all()?)?;
    let folder = env::temp_dir().join(format!("guarantees-{}", std::process::id()));
    fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let outcome = Stranger::new(&folder).and_then(|stranger| {
        MISTAKES
            .iter()
            .try_for_each(|mistake| stranger.rejects(mistake))
    });
    fs::remove_dir_all(&folder)?;
    outcome?;
    update(&matrix, write)
}

/// A crate of one's own.
struct Stranger(String);

impl Stranger {
    /// Makes the crate, adds a second key to it, and sees that it is in order before anything is broken.
    fn new(folder: &Path) -> Result<Self> {
        let root = folder.join("journal");
        let path = root.to_str().context("the folder has no readable name")?;
        let stranger = Self(path.to_owned());
        let made = checked_pg(&["new", "--no-prepare", path]).output()?;
        let said = String::from_utf8_lossy(&made.stderr);
        ensure!(made.status.success(), "no crate could be made:\n{said}");
        for edit in GROWTH {
            stranger.apply(edit)?;
        }
        stranger.must(&mut checked_pg(&["prepare", path]))?;
        for by in [By::Clippy, By::Check, By::Prepare, By::Test] {
            stranger.must(&mut stranger.command(by))?;
        }
        Ok(stranger)
    }

    /// The mistake is rejected by what README names; the crate is as before afterwards.
    fn rejects(&self, mistake: &Mistake) -> Result<()> {
        let before: Vec<_> = mistake.edits.iter().map(|edit| self.read(edit)).collect();
        for edit in mistake.edits {
            self.apply(edit)?;
        }
        if mistake.recorded {
            self.must(&mut checked_pg(&["prepare", &self.0]))?;
        }
        let output = self.command(mistake.by).output()?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        ensure!(
            !output.status.success(),
            "{}: {} accepts it in a crate of one's own",
            mistake.name,
            mistake.by.name()
        );
        ensure!(
            said.contains(mistake.message),
            "{}: rejected for another reason than {:?}:\n{said}",
            mistake.name,
            mistake.message
        );
        for (edit, before) in mistake.edits.iter().zip(before) {
            match before {
                Some(text) => fs::write(Path::new(&self.0).join(edit.file), text)?,
                None => fs::remove_file(Path::new(&self.0).join(edit.file))?,
            }
        }
        if mistake.recorded {
            // The statements of the mistake are none of the crate's any more.
            self.must(&mut checked_pg(&["prepare", &self.0]))?;
        }
        eprintln!("{}: {}", mistake.name, mistake.by.name());
        Ok(())
    }

    fn read(&self, edit: &Edit) -> Option<String> {
        fs::read_to_string(Path::new(&self.0).join(edit.file)).ok()
    }

    fn apply(&self, edit: &Edit) -> Result<()> {
        let text = self.read(edit).unwrap_or_default();
        let text = match edit.find {
            "" => text + edit.put,
            find => {
                let once = text.matches(find).count() == 1;
                ensure!(once, "{} does not have {find:?} once", edit.file);
                text.replace(find, edit.put)
            }
        };
        Ok(fs::write(Path::new(&self.0).join(edit.file), text)?)
    }

    fn command(&self, by: By) -> Command {
        let path = &self.0;
        let mut command = match by {
            By::Rustc => cargo(&["check", "--quiet"]),
            By::Clippy => cargo(&["clippy", "--quiet", "--all-targets", "--", "-D", "warnings"]),
            By::Test => cargo(&["test", "--quiet"]),
            By::Check => checked_pg(&["check"]),
            By::Prepare => checked_pg(&["prepare", "--check"]),
        };
        match by {
            By::Check | By::Prepare => command.arg(path),
            By::Rustc | By::Clippy | By::Test => {
                command.current_dir(path).env("SQLX_OFFLINE", "true")
            }
        };
        command
    }

    fn must(&self, command: &mut Command) -> Result<()> {
        let output = command.output()?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        ensure!(
            output.status.success(),
            "the crate is not in order: {command:?} fails:\n{said}"
        );
        Ok(())
    }
}

/// Cargo with the target folder of the project, so that dependencies are compiled once.
fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments);
    for name in ["DATABASE_URL", "JOURNAL_BUILD_URL", "SQLX_OFFLINE"] {
        command.env_remove(name);
    }
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| project("target"), PathBuf::from);
    command.env("CARGO_TARGET_DIR", target);
    command
}

fn checked_pg(arguments: &[&str]) -> Command {
    let mut command = cargo(&["run", "--quiet", "--package", "cargo-checked-pg", "--"]);
    command.args(arguments).current_dir(project(""));
    command
}

/// README's matrix.
fn matrix(cases: &[Case]) -> Result<String> {
    let mut matrix = "| mistake | in the desk | in a crate of yours |\n|---|---|---|\n".to_owned();
    for mistake in MISTAKES {
        let case = cases.iter().find(|case| case.name == mistake.case);
        let case = case.with_context(|| format!("tests/ui has no case {}", mistake.case))?;
        matrix += &format!(
            "| {} | [{}]({}) | {} |\n",
            mistake.name,
            By::of(case.stage).name(),
            case.place,
            mistake.by.name()
        );
    }
    Ok(matrix)
}

fn update(matrix: &str, write: bool) -> Result<()> {
    let path = project(README);
    let readme = fs::read_to_string(&path)?;
    let (before, rest) = readme.split_once(BEGIN).context(README)?;
    let (old, after) = rest.split_once(END).context(README)?;
    if write {
        fs::write(&path, format!("{before}{BEGIN}{matrix}{END}{after}"))?;
    } else {
        ensure!(
            old == matrix,
            "README's matrix is stale; run `just guarantees --write`"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readme_shows_the_matrix_of_the_cases() {
        update(&matrix(&case::all().unwrap()).unwrap(), false).unwrap();
    }
}
