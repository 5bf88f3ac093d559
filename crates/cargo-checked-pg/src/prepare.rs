//! The query cache: what the macros learn from a live database, recorded for builds without one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io,
    path::Path,
    time::SystemTime,
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use checked_pg_server::EmbeddedServer;
use sqlx::{Connection, PgConnection};

use crate::{
    Project,
    check::{
        cache::{MIGRATIONS, SCHEMA, STATEMENTS, migrations_lock, statements_lock},
        source,
    },
    compile,
    inspect::report,
    migrations::{apply, file_name, server_below},
    overrides::{
        self, Settings,
        catalog::{Catalog, TYPES},
    },
};

/// Refreshes `.sqlx`, or says what is stale in it. Without arguments for cargo, the library and the binaries are compiled with
/// all features.
pub async fn run(project: &Project, check: bool, arguments: &[String]) -> Result<()> {
    let server = server_below(project).await?;
    let below = schema_rules(&server).await?;
    let views_below = report::views(&server).await?;
    let types_below = catalog(&server, None).await?;
    apply(&server, project).await?;
    let rules = schema_rules(&server).await?;
    let schema: String = rules
        .difference(&below)
        .map(|rule| format!("{rule}\n"))
        .collect();
    let catalog = catalog(&server, Some(&types_below)).await?;
    let settings = settings(project, &catalog, check)?;

    // Beside the cache, so that a failure leaves that as it was.
    let recorded = project.path(".sqlx.new");
    remove(&recorded)?;
    fs::create_dir(&recorded).with_context(|| format!("cannot make {}", recorded.display()))?;
    let outcome = match expand(project, &recorded, &server.url(), arguments) {
        Ok(()) => report::check(&server, project, &recorded, &views_below).await,
        failed => failed,
    };
    let locks = [(SCHEMA, schema), (TYPES, catalog.lock()?)];
    let outcome = outcome.and_then(|()| compare(project, &recorded, locks, check));
    if outcome.is_err() && settings.are_stale() {
        Settings::write(&project.root, &settings.now)?;
    }
    remove(&recorded)?;
    server.stop()?;
    outcome
}

/// Puts the types of the schema into `sqlx.toml`, which the macros read.
fn settings(project: &Project, catalog: &Catalog, check: bool) -> Result<Settings> {
    let settings = overrides::settings(project, catalog)?
        .map_err(|missing| anyhow!("{}", missing.join("\n")))?;
    if settings.are_stale() {
        ensure!(
            !check,
            "run `cargo checked-pg prepare`; sqlx.toml is of other types and columns"
        );
        Settings::write(&project.root, &settings.wanted)?;
        eprintln!("sqlx.toml has the types of the schema");
    }
    Ok(settings)
}

/// Puts what was recorded in the place of the cache, or says how they differ.
fn compare(
    project: &Project,
    recorded: &Path,
    locks: [(&str, String); 2],
    check: bool,
) -> Result<()> {
    let mut fresh = entries(recorded)?;
    let statements = fresh.len();
    let calls = source::calls_below(&project.root, "src")?;
    fresh.insert(
        MIGRATIONS.to_owned(),
        migrations_lock(&project.root)?.into_bytes(),
    );
    fresh.insert(STATEMENTS.to_owned(), statements_lock(&calls).into_bytes());
    let locks = locks.map(|(name, lock)| (name.to_owned(), lock.into_bytes()));
    fresh.extend(locks);
    let cache = project.path(".sqlx");
    fs::create_dir_all(&cache)?;
    let stored = entries(&cache)?;
    let stale = differences(&stored, &fresh);
    if check {
        ensure!(
            stale.is_empty(),
            "run `cargo checked-pg prepare`; stale in .sqlx:\n{}",
            stale.join("\n")
        );
        eprintln!("{statements} statements, all fresh");
        return Ok(());
    }
    for name in stored.keys().filter(|name| !fresh.contains_key(*name)) {
        fs::remove_file(cache.join(name))?;
    }
    for (name, content) in fresh
        .iter()
        .filter(|(name, content)| stored.get(*name) != Some(content))
    {
        fs::write(cache.join(name), content)?;
    }
    eprintln!("{statements} statements, {} changes in .sqlx", stale.len());
    Ok(())
}

/// Compiles the crate against the database, so that every macro describes its statement there and records it.
///
/// In the crate's own target folder, where its dependencies are compiled already. The build script runs again since the
/// variable that it watches has changed, and so do the macros.
fn expand(project: &Project, recorded: &Path, url: &str, arguments: &[String]) -> Result<()> {
    if !project.path("build.rs").exists() {
        touch(project)?;
    }
    let variable = project.variable()?;
    let variables = [
        (variable.as_str(), url.as_ref()),
        ("SQLX_OFFLINE", "false".as_ref()),
        ("SQLX_OFFLINE_DIR", recorded.as_os_str()),
    ];
    let checked = compile::check(project, &variables, arguments)?;
    ensure!(
        checked,
        "a statement does not fit the schema, see above; .sqlx is as it was"
    );
    Ok(())
}

/// Without a build script only a newer source makes cargo compile again.
fn touch(project: &Project) -> Result<()> {
    for root in ["src/lib.rs", "src/main.rs"] {
        if let Ok(file) = File::options().write(true).open(project.path(root)) {
            file.set_modified(SystemTime::now())?;
        }
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// The cache's files by name.
fn entries(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut entries = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = file_name(&path)?.to_owned();
        let known = [MIGRATIONS, STATEMENTS, SCHEMA, TYPES].contains(&name.as_str())
            || (name.starts_with("query-") && name.ends_with(".json"));
        if !known {
            bail!("{} does not belong in the query cache", path.display());
        }
        entries.insert(
            name,
            fs::read(&path).with_context(|| path.display().to_string())?,
        );
    }
    Ok(entries)
}

async fn catalog(server: &EmbeddedServer, below: Option<&Catalog>) -> Result<Catalog> {
    let mut db = PgConnection::connect_with(&server.options()).await?;
    let catalog = Catalog::read(&mut db, below).await?;
    db.close().await?;
    Ok(catalog)
}

/// One line per rule, as a running program lists them on its own database.
async fn schema_rules(server: &EmbeddedServer) -> Result<BTreeSet<String>> {
    let mut db = PgConnection::connect_with(&server.options()).await?;
    let rules: Vec<String> = sqlx::query_scalar(checked_pg::__private::SCHEMA_RULES)
        .fetch_all(&mut db)
        .await?;
    db.close().await?;
    Ok(rules.into_iter().collect())
}

fn differences(
    stored: &BTreeMap<String, Vec<u8>>,
    fresh: &BTreeMap<String, Vec<u8>>,
) -> Vec<String> {
    let missing = fresh
        .keys()
        .filter(|name| !stored.contains_key(*name))
        .map(|name| format!("missing: {name}"));
    let changed = fresh.iter().filter_map(|(name, content)| {
        let old = stored.get(name)?;
        (old != content).then(|| format!("changed: {name}"))
    });
    let unused = stored
        .keys()
        .filter(|name| !fresh.contains_key(*name))
        .map(|name| format!("unused: {name}"));
    missing.chain(changed).chain(unused).collect()
}
