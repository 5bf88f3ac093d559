//! The crate that the tool works on, and the crates below it that bring tables.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    env,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::overrides::Declared;

/// What the macros read unless `sqlx.toml` says otherwise.
const DEFAULT_VARIABLE: &str = "DATABASE_URL";
/// Where sqlx keeps the list of applied migrations unless `sqlx.toml` says otherwise.
const DEFAULT_TABLE: &str = "_sqlx_migrations";

/// A crate on `checked-pg`.
#[derive(Debug)]
pub struct Project {
    /// The folder of its `Cargo.toml`.
    pub root: PathBuf,
    /// Its name.
    pub package: String,
    /// Escapes from the source rules: `[[package.metadata.checked-pg.allow]]`.
    pub allowed: Vec<Allowed>,
    /// Domains that may meet, of this crate and of those below: `[[package.metadata.checked-pg.compatible]]`.
    pub compatible: Vec<Compatible>,
    /// Folders of the crates below that bring migrations, the lowest first.
    pub below: Vec<PathBuf>,
    /// What it and the crates below it say of types.
    pub declared: Declared,
}

/// An escape from a source rule, with its reason.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowed {
    /// File, relative to the crate.
    pub file: PathBuf,
    /// The text in it that a rule would refuse.
    pub text: String,
    /// Why it is right.
    pub reason: String,
}

/// Two domains whose values may be compared with each other, added up, and cast to one another.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compatible {
    /// The two, as a statement names them.
    pub domains: [String; 2],
    /// Why that is right.
    pub reason: String,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
    #[serde(default)]
    metadata: Option<PackageMetadata>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize, Default)]
struct PackageMetadata {
    #[serde(default, rename = "checked-pg")]
    ours: Option<Settings>,
}

#[derive(Deserialize, Default, Clone)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    allow: Vec<Allowed>,
    #[serde(default)]
    compatible: Vec<Compatible>,
    #[serde(default)]
    types: BTreeMap<String, String>,
    #[serde(default)]
    columns: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    dependencies: Vec<String>,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    /// What the sources call it.
    name: String,
    pkg: String,
}

impl Project {
    /// Asks cargo about the crate in `folder`.
    pub fn open(folder: &Path) -> Result<Self> {
        let manifest = folder.join("Cargo.toml");
        let manifest = fs::canonicalize(&manifest).with_context(|| {
            format!(
                "no crate in {}: cannot find its Cargo.toml",
                folder.display()
            )
        })?;
        // Where cargo looks for the settings that hold for the crate.
        let asked = cargo()
            .current_dir(parent(&manifest))
            .args([
                "metadata",
                "--quiet",
                "--format-version",
                "1",
                // Or cargo asks for what other platforms need, which an offline machine does not have.
                "--filter-platform",
                "host-tuple",
                "--manifest-path",
            ])
            .arg(&manifest)
            .output()
            .context("cannot run cargo")?;
        ensure!(
            asked.status.success(),
            "cargo cannot read the crate: {}",
            String::from_utf8_lossy(&asked.stderr).trim()
        );
        let metadata: Metadata =
            serde_json::from_slice(&asked.stdout).context("[package.metadata.checked-pg]")?;
        let own = metadata
            .packages
            .iter()
            .find(|package| package.manifest_path == manifest)
            .with_context(|| {
                format!(
                    "{} is a workspace: name the folder of one crate",
                    folder.display()
                )
            })?;
        let settings = own.metadata.as_ref().and_then(|all| all.ours.clone());
        let below = below(&metadata, &own.id);
        let compatible = compatible(&metadata, &manifest, &below);
        Ok(Self {
            root: parent(&manifest),
            package: own.name.clone(),
            allowed: settings.unwrap_or_default().allow,
            compatible,
            declared: declared(&metadata, own, &below),
            below,
        })
    }

    /// A path in the crate.
    #[must_use]
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// The variable that leads the crate's macros to a database.
    pub fn variable(&self) -> Result<String> {
        let named = setting(&self.root, "database-url-var")?;
        Ok(named.unwrap_or_else(|| DEFAULT_VARIABLE.to_owned()))
    }
}

/// Where the migrations of a crate are listed.
pub fn migrations_table(root: &Path) -> Result<String> {
    let named = setting(root, "table-name")?;
    Ok(named.unwrap_or_else(|| DEFAULT_TABLE.to_owned()))
}

/// A text in a crate's `sqlx.toml`.
fn setting(root: &Path, key: &str) -> Result<Option<String>> {
    let path = root.join("sqlx.toml");
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text.with_context(|| path.display().to_string())?,
    };
    Ok(text
        .lines()
        .filter_map(|line| line.split_once('='))
        .find(|(name, _)| name.trim() == key)
        .and_then(|(_, value)| value.split(['"', '\'']).nth(1))
        .map(str::to_owned))
}

/// The folders of the crates below `of` that have migrations, each after those below it.
fn below(metadata: &Metadata, of: &str) -> Vec<PathBuf> {
    let nodes = metadata.resolve.nodes.iter();
    let nodes: HashMap<&str, &Node> = nodes.map(|node| (node.id.as_str(), node)).collect();
    let packages = metadata.packages.iter();
    let packages: HashMap<&str, &Package> = packages
        .map(|package| (package.id.as_str(), package))
        .collect();
    let mut found = Vec::new();
    let mut seen = HashSet::from([of]);
    // Depth first, by hand: a node is listed when all below it are.
    let mut stack = vec![(of, 0)];
    while let Some((id, next)) = stack.pop() {
        let dependencies = nodes.get(id).map_or(&[][..], |node| &node.dependencies[..]);
        if let Some(dependency) = dependencies.get(next) {
            stack.push((id, next + 1));
            if seen.insert(dependency) {
                stack.push((dependency, 0));
            }
        } else if id != of
            && let Some(package) = packages.get(id)
        {
            let root = parent(&package.manifest_path);
            if root.join("sqlx.toml").is_file() && root.join("migrations").is_dir() {
                found.push(root);
            }
        }
    }
    found
}

/// What the crate and those below it say of domains that may meet.
fn compatible(metadata: &Metadata, own: &Path, below: &[PathBuf]) -> Vec<Compatible> {
    let packages = metadata.packages.iter().filter(|package| {
        package.manifest_path == own || below.contains(&parent(&package.manifest_path))
    });
    let settings = packages.filter_map(|package| package.metadata.as_ref()?.ours.as_ref());
    settings
        .flat_map(|settings| settings.compatible.clone())
        .collect()
}

/// What the crate and those below it say of types, as the crate itself has to name them.
fn declared(metadata: &Metadata, own: &Package, below: &[PathBuf]) -> Declared {
    let nodes = metadata.resolve.nodes.iter();
    let direct: HashMap<&str, &str> = nodes
        .filter(|node| node.id == own.id)
        .flat_map(|node| &node.deps)
        .map(|dependency| (dependency.pkg.as_str(), dependency.name.as_str()))
        .collect();
    let mut declared = Declared::default();
    let packages = metadata.packages.iter();
    let lower = packages.filter(|one| below.contains(&parent(&one.manifest_path)));
    for package in lower.chain([own]) {
        let settings = package.metadata.as_ref().and_then(|all| all.ours.as_ref());
        let Some(settings) = settings else { continue };
        let name = match direct.get(package.id.as_str()) {
            Some(name) => (*name).to_owned(),
            None => package.library(),
        };
        let named = |(key, rust): (&String, &String)| {
            let rust = match package.id == own.id {
                true => rust.clone(),
                false => rust.replace("crate::", &format!("::{name}::")),
            };
            (key.clone(), rust)
        };
        declared.types.extend(settings.types.iter().map(named));
        declared.columns.extend(settings.columns.iter().map(named));
        if package.id == own.id {
            declared.own = settings.types.keys().cloned().collect();
        }
    }
    let mut packages = metadata.packages.iter();
    let library = packages.find(|one| one.name == "checked-pg");
    declared.library = library
        .and_then(|one| direct.get(one.id.as_str()))
        .map(|name| (*name).to_owned());
    declared
}

impl Package {
    /// What others call its library, unless they rename it.
    fn library(&self) -> String {
        let is_library = |target: &&Target| target.kind.iter().any(|kind| kind == "lib");
        let library = self.targets.iter().find(is_library);
        let name = library.map_or(&self.name, |target| &target.name);
        name.replace('-', "_")
    }
}

fn parent(manifest: &Path) -> PathBuf {
    manifest.parent().map(Path::to_owned).unwrap_or_default()
}

/// The cargo that runs this tool, or the one on PATH.
///
/// Without what `cargo run` tells the tool of its own package: some build scripts look at that, and would run again.
#[must_use]
pub fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    let of_a_package =
        |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(of_a_package) {
            cargo.env_remove(name);
        }
    }
    cargo
}
