//! sqlx's public functions, methods and macros, read from its sources: each is banned, or stands in a list of what may be used, with the
//! reason. A new version of sqlx that brings another one fails here until somebody has decided about it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use syn::{Fields, ImplItem, Item, ItemImpl, TraitItem, Type, Visibility};

use super::bans;
use crate::{check::source::rust_files, new::BANS};

/// What may be used.
const FINE: &str = include_str!("sqlx.txt");
const CRATES: [&str; 3] = ["sqlx", "sqlx-core", "sqlx-postgres"];

/// Version and sources of a crate, as this workspace has it locked.
fn crate_of(metadata: &serde_json::Value, name: &str) -> (String, PathBuf) {
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages
        .iter()
        .find(|package| package["name"] == name)
        .unwrap();
    let manifest = Path::new(package["manifest_path"].as_str().unwrap());
    let version = package["version"].as_str().unwrap().to_owned();
    (version, manifest.parent().unwrap().join("src"))
}

fn metadata() -> serde_json::Value {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version", "1", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// One thing that can be called: where it is, and its name with that of its type or trait.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone)]
struct Entry {
    module: String,
    name: String,
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// What can be called of these items.
fn entries(items: &[Item], note: &mut impl FnMut(String)) {
    for item in items {
        match item {
            Item::Fn(item) if is_public(&item.vis) => note(item.sig.ident.to_string()),
            Item::Trait(item) if is_public(&item.vis) => {
                for of_trait in &item.items {
                    if let TraitItem::Fn(method) = of_trait {
                        note(format!("{}::{}", item.ident, method.sig.ident));
                    }
                }
            }
            Item::Impl(item) if item.trait_.is_none() => methods(item, note),
            // A constructor is a function.
            Item::Struct(item) if is_public(&item.vis) => {
                if let Fields::Unnamed(fields) = &item.fields
                    && fields.unnamed.iter().all(|field| is_public(&field.vis))
                {
                    note(item.ident.to_string());
                }
            }
            Item::Macro(item) => {
                let exported = item
                    .attrs
                    .iter()
                    .any(|attr| attr.path().is_ident("macro_export"));
                if let (true, Some(name)) = (exported, &item.ident) {
                    note(format!("{name}!"));
                }
            }
            Item::Mod(item) => {
                let tests = item.attrs.iter().any(|attr| attr.path().is_ident("cfg"));
                if let (false, Some((_, items))) = (tests, &item.content) {
                    entries(items, note);
                }
            }
            _ => {}
        }
    }
}

fn methods(item: &ItemImpl, note: &mut impl FnMut(String)) {
    let Type::Path(of) = &*item.self_ty else {
        return;
    };
    let Some(of) = of.path.segments.last() else {
        return;
    };
    for of_impl in &item.items {
        if let ImplItem::Fn(method) = of_impl
            && is_public(&method.vis)
        {
            note(format!("{}::{}", of.ident, method.sig.ident));
        }
    }
}

/// Everything that can be called, and the version.
fn surface() -> (String, BTreeSet<Entry>) {
    let metadata = metadata();
    let mut all = BTreeSet::new();
    let mut versions = BTreeSet::new();
    for name in CRATES {
        let (version, folder) = crate_of(&metadata, name);
        versions.insert(version);
        for file in rust_files(&folder).unwrap() {
            let module = file.strip_prefix(&folder).unwrap().with_extension("");
            let module = format!("{name}/{}", module.display());
            let parsed = syn::parse_file(&fs::read_to_string(&file).unwrap()).unwrap();
            entries(&parsed.items, &mut |name| {
                all.insert(Entry {
                    module: module.clone(),
                    name,
                });
            });
        }
    }
    // The attribute is a macro of its own crate.
    all.insert(Entry {
        module: "sqlx/lib".to_owned(),
        name: "test!".to_owned(),
    });
    assert_eq!(versions.len(), 1, "{versions:?}");
    (versions.into_iter().collect(), all)
}

/// What is banned: a function and a macro may have the same path.
struct Banned {
    macros: BTreeSet<String>,
    others: BTreeSet<String>,
}

impl Banned {
    fn new() -> Self {
        const MACROS: &str = "disallowed-macros = [";
        let (others, macros) = BANS.split_once(MACROS).unwrap();
        Self {
            macros: bans(&format!("{MACROS}{macros}")).unwrap(),
            others: bans(others).unwrap(),
        }
    }

    /// `sqlx::Pool::begin` is the path of `Pool::begin`, and `sqlx::QueryBuilder` stands for all of it.
    fn has(&self, entry: &Entry) -> bool {
        if let Some(name) = entry.name.strip_suffix('!') {
            return self.macros.contains(&format!("sqlx::{name}"));
        }
        let path = format!("sqlx::{}", entry.name);
        let Some((owner, _)) = entry.name.split_once("::") else {
            return self.others.contains(&path);
        };
        let ends = format!("::{}", entry.name);
        let of_sqlx = |ban: &&String| ban.starts_with("sqlx::");
        self.others
            .iter()
            .filter(of_sqlx)
            .any(|ban| ban.ends_with(&ends))
            || self.others.contains(&format!("sqlx::{owner}"))
    }
}

#[test]
fn all_of_sqlx_is_banned_or_known_to_be_fine() {
    let (version, surface) = surface();
    let mut lines = FINE
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    assert_eq!(
        lines.next(),
        Some(format!("sqlx {version}").as_str()),
        "decide about the new version's entries"
    );
    let fine: Vec<&str> = lines.collect();
    let banned = Banned::new();
    let text = |entry: &Entry| format!("{} {}", entry.module, entry.name);
    let in_fine_module = |entry: &Entry| {
        fine.iter()
            .filter_map(|line| line.strip_suffix('*'))
            .any(|module| entry.module.starts_with(module))
    };
    let undecided: Vec<String> = surface
        .iter()
        .filter(|entry| !banned.has(entry) && !in_fine_module(entry))
        .map(text)
        .filter(|entry| !fine.contains(&entry.as_str()))
        .collect();
    assert!(
        undecided.is_empty(),
        "ban these in new/clippy.toml, or say in sqlx.txt why they are fine:\n{}",
        undecided.join("\n")
    );
    let known: BTreeSet<String> = surface
        .iter()
        .filter(|entry| !banned.has(entry))
        .map(text)
        .collect();
    let stale: Vec<&&str> = fine
        .iter()
        .filter(|line| !line.ends_with('*') && !known.contains(**line))
        .collect();
    assert!(stale.is_empty(), "gone, or banned: {stale:#?}");
}

#[test]
fn each_ban_is_of_something_that_exists() {
    let (_, surface) = surface();
    let names: BTreeSet<&str> = surface
        .iter()
        .map(|entry| entry.name.trim_end_matches('!'))
        .collect();
    let owners: BTreeSet<&str> = names
        .iter()
        .filter_map(|name| Some(name.split_once("::")?.0))
        .collect();
    for ban in bans(BANS).unwrap() {
        let Some(path) = ban.strip_prefix("sqlx::") else {
            continue;
        };
        let parts: Vec<&str> = path.rsplitn(3, "::").collect();
        let found = match parts[..] {
            [name] => names.contains(name) || owners.contains(name),
            [method, owner, ..] => names.contains(format!("{owner}::{method}").as_str()),
            _ => false,
        };
        assert!(found, "sqlx has no {ban}");
    }
}
