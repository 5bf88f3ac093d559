//! The build script of a crate on `checked-pg`:
//!
//! ```no_run
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     checked_pg_build::run()
//! }
//! ```
//!
//! It rebuilds the crate when what the query macros read has changed, which cargo cannot see by itself; and it puts the
//! query cache into the crate (`checked_pg::schema!()`), which compares it with a live database.
#![forbid(unsafe_code)]

use std::{env, error::Error, fs, io, path::Path};

const CACHE: &str = ".sqlx";

/// Does all of it, in the folder of the crate that is being built.
///
/// # Errors
/// A file that cannot be read or written.
pub fn run() -> Result<(), Box<dyn Error>> {
    for path in [CACHE, "sqlx.toml", "migrations"] {
        println!("cargo::rerun-if-changed={path}");
    }
    println!("cargo::rerun-if-env-changed={}", url_variable()?);
    let out = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    let out = Path::new(&out);
    fs::write(out.join("query_cache.rs"), query_cache()?)?;
    for name in ["statements.lock", "schema.lock"] {
        // Not there before the first `just prepare`.
        let content = fs::read(Path::new(CACHE).join(name)).unwrap_or_default();
        fs::write(out.join(name), content)?;
    }
    Ok(())
}

/// The variable that leads the macros to a database.
fn url_variable() -> Result<String, Box<dyn Error>> {
    let settings = match fs::read_to_string("sqlx.toml") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        settings => settings?,
    };
    let named = settings.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "database-url-var").then(|| value.trim().trim_matches(['"', '\'']))
    });
    Ok(named.unwrap_or("DATABASE_URL").to_owned())
}

/// An array of the contents of the cache's entries, as an expression.
fn query_cache() -> Result<String, Box<dyn Error>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(CACHE).into_iter().flatten() {
        let name = entry?.file_name().into_string();
        let name = name.map_err(|name| format!("{} is no name of ours", name.display()))?;
        if name.starts_with("query-") {
            names.push(name);
        }
    }
    names.sort();
    let file = |name| {
        format!("include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/{CACHE}/{name}\")),\n")
    };
    let files: String = names.iter().map(file).collect();
    Ok(format!("&[\n{files}]"))
}
