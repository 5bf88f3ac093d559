//! Rebuilds when what the query macros read has changed, which cargo cannot see by itself; and puts the query cache into the
//! library, which compares it with a live database (`Db::verify`).

use std::{env, error::Error, fs, path::Path};

const CACHE: &str = ".sqlx";

fn main() -> Result<(), Box<dyn Error>> {
    for path in [CACHE, "sqlx.toml", "migrations"] {
        println!("cargo::rerun-if-changed={path}");
    }
    println!("cargo::rerun-if-env-changed=LLM_TRADING_DB_BUILD_URL");
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
