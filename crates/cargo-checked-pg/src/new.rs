//! `new`: the skeleton of a crate on `checked-pg`, which passes its own checks and tests at once.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::{Project, check, prepare, project::cargo};

/// The bans that every crate has; [`check`] compares.
pub(crate) const BANS: &str = include_str!("new/clippy.toml");

/// What is in a new crate. `{…}` is filled in.
const FILES: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("new/Cargo.toml.in")),
    ("README.md", include_str!("new/README.md.in")),
    ("build.rs", include_str!("new/build.rs.in")),
    ("clippy.toml", BANS),
    ("sqlx.toml", include_str!("new/sqlx.toml.in")),
    (
        "migrations/0001_notes.sql",
        include_str!("new/0001_notes.sql"),
    ),
    ("src/lib.rs", include_str!("new/lib.rs.in")),
    ("src/keys.rs", include_str!("new/keys.rs.in")),
    ("src/notes.rs", include_str!("new/notes.rs.in")),
    ("tests/notes.rs", include_str!("new/tests.rs.in")),
    ("ci.sh", include_str!("new/ci.sh")),
    ("justfile", include_str!("new/justfile")),
    (".gitignore", include_str!("new/gitignore")),
    (".gitattributes", include_str!("new/gitattributes")),
];

/// Those of the new crate, as in its Cargo.toml.
const DEPENDENCIES: &[&str] = &[
    "checked-pg",
    "checked-pg-build",
    "chrono",
    "serde",
    "sqlx",
    "tokio",
];

/// What its test calls by names of their own; a crate of such a name is imported by its full path.
const IN_THE_TEST: &[&str] = &["notes", "testing"];

/// A `clippy.toml` with the bans.
#[must_use]
pub fn bans() -> &'static str {
    BANS
}

/// What to make.
#[derive(Debug, Clone, clap::Args)]
pub struct Request {
    /// Folder to make; its name is the crate's
    pub folder: PathBuf,
    /// A crate with tables that this one builds on: its folder, or NAME@VERSION
    #[arg(long)]
    pub on: Option<String>,
    /// Checkout with crates/checked-pg, to depend on by path. By default that of this tool, if it was built in one
    #[arg(long, conflicts_with = "by_version")]
    pub path: Option<PathBuf>,
    /// Depend on the published versions
    #[arg(long)]
    pub by_version: bool,
    /// Write the files only: record no statements
    #[arg(long)]
    pub no_prepare: bool,
}

/// Makes the crate, records its statements and checks it.
pub async fn run(request: &Request) -> Result<()> {
    let crates = match (&request.path, request.by_version) {
        (Some(checkout), _) => Some(crates_below(checkout)?),
        (None, false) => own_checkout(),
        (None, true) => None,
    };
    let below = request.on.as_deref().map(Below::find).transpose()?;
    not_a_dependency(&request.folder, below.as_ref())?;
    cargo_new(&request.folder)?;
    let folder = fs::canonicalize(&request.folder)?;
    write(&folder, crates.as_deref(), below.as_ref())?;
    format(&folder)?;
    eprintln!("made {}", request.folder.display());
    if !request.no_prepare {
        let project = Project::open(&folder)?;
        prepare::run(&project, false, &[])
            .await
            .context("the crate is there, but its statements are not recorded: run `cargo checked-pg prepare` in it")?;
        check::run(&Project::open(&folder)?, &[])?;
    }
    eprintln!(
        "next:\n  cd {}\n  cargo test\n  cargo checked-pg prepare   # after a change of a statement, a migration or a domain\n  ./ci.sh",
        request.folder.display()
    );
    Ok(())
}

/// A package may not have the name of what it depends on, which cargo says only later.
fn not_a_dependency(folder: &Path, below: Option<&Below>) -> Result<()> {
    let library = |name: &str| name.replace('-', "_");
    let name = folder.file_name().and_then(|name| name.to_str());
    let name = name.unwrap_or_default();
    let own = DEPENDENCIES.iter().copied();
    let mut all = own.chain(below.map(|below| below.name.as_str()));
    ensure!(
        !all.any(|known| library(known) == library(name)),
        "the crate would have the name of one that it depends on, {name}: choose another"
    );
    Ok(())
}

/// Cargo knows which names are good, and puts the crate into the workspace and under version control where that is right.
fn cargo_new(folder: &Path) -> Result<()> {
    let made = cargo()
        .args(["new", "--quiet", "--lib"])
        .arg(folder)
        .output()
        .context("cannot run cargo")?;
    let told = String::from_utf8_lossy(&made.stderr);
    let told = told.trim();
    ensure!(
        made.status.success(),
        "{}",
        told.strip_prefix("error: ").unwrap_or(told)
    );
    Ok(())
}

fn write(folder: &Path, crates: Option<&Path>, below: Option<&Below>) -> Result<()> {
    let name = folder.file_name().and_then(|name| name.to_str());
    let name = name.context("the folder has no readable name")?;
    let package = package_name(folder)?;
    ensure!(package == name, "cargo made {package} in {name}");
    let library = package.replace('-', "_");
    let root = if IN_THE_TEST.contains(&&*library) {
        "::"
    } else {
        ""
    };
    let testing = ", features = [\"testing\"]";
    let on = |more: &str, one: &str| {
        dependency(folder, crates.map(|crates| crates.join(one)), "0.1", more)
    };
    let fill = [
        ("{name}", package.clone()),
        ("{crate}", library.clone()),
        ("{root}", root.to_owned()),
        ("{VARIABLE}", library.to_uppercase()),
        ("{build}", on("", "checked-pg-build")),
        ("{library}", on("", "checked-pg")),
        ("{testing}", on(testing, "checked-pg")),
        (
            "{below}",
            below.map_or_else(String::new, |below| below.line(folder)),
        ),
        (
            "{migrate}",
            below.map_or_else(String::new, |below| {
                format!("    db.migrate(&{}::SCHEMA).await?;\n", below.library())
            }),
        ),
        (
            "{schemas}",
            below.map_or_else(String::new, |below| {
                format!("&{}::SCHEMA, ", below.library())
            }),
        ),
    ];
    for (file, template) in FILES {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        let filled = fill
            .iter()
            .fold((*template).to_owned(), |text, (place, with)| {
                text.replace(place, with)
            });
        fs::write(&path, filled).with_context(|| path.display().to_string())?;
    }
    executable(&folder.join("ci.sh"))
}

/// The name decides where the crate's own line stands among the imports.
fn format(folder: &Path) -> Result<()> {
    let formatted = cargo().arg("fmt").current_dir(folder).output()?;
    if !formatted.status.success() {
        let told = String::from_utf8_lossy(&formatted.stderr);
        eprintln!("not formatted, `cargo fmt` says: {}", told.trim());
    }
    Ok(())
}

#[cfg(unix)]
fn executable(file: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut permissions = fs::metadata(file)?.permissions();
    permissions.set_mode(permissions.mode() | 0o111);
    Ok(fs::set_permissions(file, permissions)?)
}

#[cfg(not(unix))]
fn executable(_: &Path) -> Result<()> {
    Ok(())
}

/// What cargo made of the folder's name.
fn package_name(folder: &Path) -> Result<String> {
    let manifest = fs::read_to_string(folder.join("Cargo.toml"))?;
    let line = manifest
        .lines()
        .find_map(|line| line.strip_prefix("name = "));
    let name = line.context("cargo new wrote no name")?;
    Ok(name.trim_matches('"').to_owned())
}

/// The value of a dependency in `Cargo.toml`.
fn dependency(from: &Path, to: Option<PathBuf>, version: &str, more: &str) -> String {
    match to {
        Some(to) => {
            let path = relative(from, &to);
            format!(
                "{{ path = {:?}, version = \"{version}\"{more} }}",
                path.display().to_string()
            )
        }
        None if more.is_empty() => format!("\"{version}\""),
        None => format!("{{ version = \"{version}\"{more} }}"),
    }
}

/// The way from one folder to another, so that both may be moved together.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let shared = from
        .components()
        .zip(to.components())
        .take_while(|(a, b)| a == b)
        .count();
    if shared <= 1 {
        return to.to_owned();
    }
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}

/// The folder of the mechanism's crates in a checkout.
fn crates_below(checkout: &Path) -> Result<PathBuf> {
    let crates = [checkout.join("crates"), checkout.to_owned()];
    let found = crates
        .iter()
        .find(|crates| crates.join("checked-pg/Cargo.toml").is_file());
    let found =
        found.with_context(|| format!("{} has no crates/checked-pg in it", checkout.display()))?;
    Ok(fs::canonicalize(found)?)
}

/// Where this tool was built, if that is a checkout that is still there.
fn own_checkout() -> Option<PathBuf> {
    crates_below(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))).ok()
}

/// A crate with tables, on which the new one builds.
#[derive(Debug)]
struct Below {
    name: String,
    version: String,
    folder: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    manifest_path: PathBuf,
}

impl Below {
    fn find(given: &str) -> Result<Self> {
        let manifest = Path::new(given).join("Cargo.toml");
        if manifest.is_file() {
            return Self::in_folder(&fs::canonicalize(&manifest)?);
        }
        match given.split_once('@') {
            Some((name, version)) if !name.is_empty() && !version.is_empty() => Ok(Self {
                name: name.to_owned(),
                version: version.to_owned(),
                folder: None,
            }),
            _ => bail!("--on {given}: neither a folder with a Cargo.toml nor a NAME@VERSION"),
        }
    }

    fn in_folder(manifest: &Path) -> Result<Self> {
        let asked = cargo()
            .args([
                "metadata",
                "--quiet",
                "--no-deps",
                "--format-version",
                "1",
                "--manifest-path",
            ])
            .arg(manifest)
            .output()
            .context("cannot run cargo")?;
        ensure!(
            asked.status.success(),
            "cargo cannot read {}: {}",
            manifest.display(),
            String::from_utf8_lossy(&asked.stderr).trim()
        );
        let metadata: Metadata = serde_json::from_slice(&asked.stdout)?;
        let mut packages = metadata.packages.into_iter();
        let package = packages.find(|package| package.manifest_path == manifest);
        let package = package.with_context(|| format!("{} is no package", manifest.display()))?;
        Ok(Self {
            name: package.name,
            version: package.version,
            folder: manifest.parent().map(Path::to_owned),
        })
    }

    fn library(&self) -> String {
        self.name.replace('-', "_")
    }

    /// Its line in `Cargo.toml`.
    fn line(&self, from: &Path) -> String {
        let value = dependency(from, self.folder.clone(), &self.version, "");
        format!("{} = {value}\n", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_where_folders_share_one() {
        let relative = |from, to| {
            relative(Path::new(from), Path::new(to))
                .display()
                .to_string()
        };
        assert_eq!(
            relative("/a/b/journal", "/a/b/desk/crates"),
            "../desk/crates"
        );
        assert_eq!(relative("/a/journal", "/a/b/desk"), "../b/desk");
        assert_eq!(relative("/tmp/journal", "/home/desk"), "/home/desk");
    }

    #[test]
    fn dependencies_are_by_path_or_by_version() {
        let from = Path::new("/a/journal");
        let to = Some(PathBuf::from("/a/checked-pg"));
        assert_eq!(
            dependency(from, to, "0.1", ", features = [\"testing\"]"),
            "{ path = \"../checked-pg\", version = \"0.1\", features = [\"testing\"] }"
        );
        assert_eq!(dependency(from, None, "0.1", ""), "\"0.1\"");
    }

    #[test]
    fn a_crate_is_no_dependency_of_its_own() {
        let manifest = include_str!("new/Cargo.toml.in");
        for name in DEPENDENCIES {
            assert!(
                manifest.contains(&format!("\n{name} = ")) || *name == "chrono",
                "{name}"
            );
        }
        let below = Below::find("desk-x@2.1").unwrap();
        for name in ["/a/serde", "checked_pg", "/a/desk_x", "chrono"] {
            let told = not_a_dependency(Path::new(name), Some(&below)).unwrap_err();
            assert!(told.to_string().contains("choose another"), "{told}");
        }
        not_a_dependency(Path::new("/a/journal"), Some(&below)).unwrap();
    }

    #[test]
    fn what_to_build_on_is_found_or_told() {
        let desk = Below::find(concat!(env!("CARGO_MANIFEST_DIR"), "/../checked-pg")).unwrap();
        assert_eq!(
            (desk.name.as_str(), desk.version.as_str()),
            ("checked-pg", "0.1.0")
        );
        let desk = Below::find("desk@2.1").unwrap();
        assert_eq!(desk.line(Path::new("/a")), "desk = \"2.1\"\n");
        let told = Below::find("nowhere").unwrap_err().to_string();
        assert!(told.starts_with("--on nowhere: neither a folder"), "{told}");
    }
}
