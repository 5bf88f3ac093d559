//! The copy of the tree in which mutants are compiled.

use std::{
    collections::BTreeMap,
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use super::{Mutant, Scope, sources::Sources};
use crate::project;

/// What every mutated crate has in its root.
const ROOT: &str = "
pub(crate) fn wrong<T>() -> T {
    std::process::abort()
}

pub(crate) fn mutant() -> usize {
    static MUTANT: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    let read = || std::env::var(\"MUTANT\").ok().and_then(|n| n.parse().ok());
    *MUTANT.get_or_init(|| read().unwrap_or(usize::MAX))
}
";

/// A copy of the tree to compile mutants in.
pub struct Tree {
    pub root: PathBuf,
    pub sources: Sources,
}

/// Which lines of a file are of which mutant.
pub type Lines = BTreeMap<PathBuf, Vec<(Range<usize>, usize)>>;

impl Tree {
    pub fn create(sources: Sources) -> Result<Self> {
        let root = project("target/mutants/tree");
        match fs::remove_dir_all(&root) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let listed = Command::new("git")
            .args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ])
            .current_dir(project(""))
            .output()?;
        ensure!(listed.status.success(), "git ls-files failed");
        for name in String::from_utf8(listed.stdout)?.split_terminator('\0') {
            if project(name).is_file() {
                update(&root.join(name), &fs::read(project(name))?)?;
            }
        }
        let root = root.canonicalize()?;
        let library = root.join("src/lib.rs");
        let text = fs::read_to_string(&library)?;
        update(&library, (text + ROOT).as_bytes())?;
        Ok(Self { root, sources })
    }

    /// Writes the sources with these mutants beside the originals; with `dispatch`, calls reach the one that is asked for.
    pub fn write(&self, mutants: &[(usize, &Mutant)], dispatch: bool) -> Result<Lines> {
        let mut lines = Lines::new();
        for (path, file) in &self.sources.files {
            let of_file: Vec<(usize, &Mutant)> = mutants
                .iter()
                .filter(|(_, mutant)| mutant.file == *path)
                .copied()
                .collect();
            let mut text = match dispatch {
                true => file.dispatching(&of_file),
                false => file.text.clone(),
            };
            let mut line = text.lines().count();
            for (n, mutant) in of_file {
                let mutated = self.sources.mutated(mutant)?;
                let module = match mutant.scope {
                    Scope::Function => format!("mod m{n} {{ use super::*;\n{mutated}\n}}\n"),
                    Scope::Module => {
                        format!(
                            "mod m{n} {{\n{}\n}}\n",
                            mutated.replace("super::", "super::super::")
                        )
                    }
                };
                let length = module.lines().count();
                let of_mutant = (line + 1..line + 1 + length, n);
                lines.entry(path.clone()).or_default().push(of_mutant);
                line += length;
                text += &module;
            }
            update(&self.root.join(path), text.as_bytes())?;
        }
        Ok(lines)
    }
}

/// Writes a file unless it has this content: cargo goes by the time of the last change.
fn update(path: &Path, content: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, content).with_context(|| path.display().to_string())
}
