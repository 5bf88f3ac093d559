//! Follows `docs/adding-a-query.md` in a copy of the tree, to the letter: a page that is wrong fails here, not for its reader.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

use crate::project;

const PAGE: &str = "docs/adding-a-query.md";
/// Where the walk-through ends.
const NEXT_CHAPTER: &str = "\n# ";
/// The tests that the steps concern; all of them would take minutes to say no more.
const TESTS: [&str; 4] = ["offline::", "schema::", "repo::accounts::", "is_executed"];
/// What the macros say of a statement that is not in the cache.
const NOT_CACHED: &str = "cargo sqlx prepare";

/// What a block of the page asks for.
#[derive(Debug, PartialEq)]
enum Step {
    /// A command line.
    Run(String),
    /// Text to put into a file.
    Write { file: String, text: String },
}

pub fn run() -> Result<()> {
    let page = fs::read_to_string(project(PAGE))?;
    let (_, page) = page.split_once('\n').context("the page is empty")?;
    let steps = steps(page.split(NEXT_CHAPTER).next().unwrap_or_default())?;
    ensure!(steps.len() > 5, "{PAGE} has lost its steps");
    let tree = copy_of_tree()?;
    for step in steps {
        match step {
            Step::Run(line) => follow(&tree, &line).with_context(|| format!("`{line}`"))?,
            Step::Write { file, text } => {
                let (file, text) = (numbered(&tree, &file)?, numbered(&tree, &text)?);
                eprintln!("> {file}");
                write(&tree.join(&file), &text).with_context(|| file)?;
            }
        }
    }
    fs::remove_dir_all(&tree)?;
    eprintln!("{PAGE} works");
    Ok(())
}

/// The code blocks of a page. One that is no command goes into the file that was named last.
fn steps(page: &str) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut file = None;
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else {
            let quoted = line.split('`').skip(1).step_by(2);
            let paths = quoted.filter(|text| text.contains('/') || *text == "Cargo.toml");
            file = paths.last().map(str::to_owned).or(file);
            continue;
        };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        match language {
            "sh" => steps.extend(block.iter().map(|line| Step::Run((*line).to_owned()))),
            _ => steps.push(Step::Write {
                file: file.clone().context("a block belongs to no file")?,
                text: block.join("\n") + "\n",
            }),
        }
    }
    Ok(steps)
}

/// The page with the number of the newest migration in place of `NNNN`, since the next number changes.
fn numbered(tree: &Path, text: &str) -> Result<String> {
    let migrations = fs::read_dir(tree.join("migrations"))?;
    let names = migrations.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let newest = names.collect::<Result<Vec<_>>>()?.into_iter().max();
    let newest = newest.context("there are no migrations")?;
    let (number, _) = newest
        .split_once('_')
        .context("a migration without a number")?;
    Ok(text.replace("NNNN_", &format!("{number}_")))
}

/// Runs a command of the page, the long ones for what the steps concern.
fn follow(tree: &Path, line: &str) -> Result<()> {
    eprintln!("> {line}");
    let mut words = line.split(' ');
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).current_dir(tree);
    match line {
        // Its tests are among those below, and its lints take as long as everything else.
        "just check" => return Ok(()),
        "just test" => {
            command.args(["--quiet", "--"]).args(TESTS);
        }
        "just prepare" => not_cached(tree)?,
        _ => {}
    }
    ensure!(command.status()?.success(), "failed in {}", tree.display());
    Ok(())
}

/// The new statement does not compile without its entry in the cache.
fn not_cached(tree: &Path) -> Result<()> {
    let check = Command::new("cargo")
        .args(["check", "--quiet", "--lib"])
        .current_dir(tree)
        .env("SQLX_OFFLINE", "true")
        .output()?;
    let said = String::from_utf8_lossy(&check.stderr);
    ensure!(
        !check.status.success() && said.contains(NOT_CACHED),
        "a statement without an entry in the cache compiles, or fails for another reason:\n{said}"
    );
    Ok(())
}

/// Appends a block to a file, or puts the lines of a TOML table under its header; a table of an array goes before the others.
fn write(path: &Path, block: &str) -> Result<()> {
    let mut text = fs::read_to_string(path)?;
    if path.extension().is_none_or(|extension| extension != "toml") {
        text.push('\n');
        text.push_str(block);
        return Ok(fs::write(path, text)?);
    }
    if let Some((header, _)) = block.split_once("]]\n") {
        let first = text
            .find(&format!("{header}]]\n"))
            .context("no such table")?;
        text.insert_str(first, &format!("{block}\n"));
        return Ok(fs::write(path, text)?);
    }
    for table in block.split("\n\n") {
        let (header, lines) = table.split_once('\n').context("a table without a line")?;
        let header = format!("\n{header}\n");
        let Some(at) = text.find(&header) else {
            bail!("there is no table {}", header.trim());
        };
        text.insert_str(at + header.len(), &format!("{}\n", lines.trim_end()));
    }
    Ok(fs::write(path, text)?)
}

/// A copy of the tree as git sees it, which builds into the same folder, so that what others made is not made again.
fn copy_of_tree() -> Result<PathBuf> {
    let root = project("").canonicalize()?;
    let tree = root.join("target/walk-through");
    match fs::remove_dir_all(&tree) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => fs::create_dir_all(&tree)?,
    }
    let listed = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(&root)
        .output()?;
    ensure!(listed.status.success(), "git cannot list the tree");
    for file in String::from_utf8(listed.stdout)?.split_terminator('\0') {
        let (from, to) = (root.join(file), tree.join(file));
        // A file that is deleted but not yet committed is still listed.
        if from.exists() {
            fs::create_dir_all(to.parent().context("a file has a folder")?)?;
            fs::copy(from, to)?;
        }
    }
    std::os::unix::fs::symlink(root.join("target"), tree.join("target"))?;
    Ok(tree)
}

#[cfg(test)]
mod tests {
    use super::{Step, steps};

    #[test]
    fn a_block_goes_to_the_file_named_last() {
        let page = "# T\n\n```sh\njust a\njust b\n```\nmakes `migrations/1.sql`, see `x`:\n\n```sql\nSELECT 1;\n```\n";
        let expected = [
            Step::Run("just a".to_owned()),
            Step::Run("just b".to_owned()),
            Step::Write {
                file: "migrations/1.sql".to_owned(),
                text: "SELECT 1;\n".to_owned(),
            },
        ];
        assert_eq!(steps(page).ok(), Some(expected.into()));
        assert!(steps("```sql\nSELECT 1;\n```\n").is_err());
    }
}
