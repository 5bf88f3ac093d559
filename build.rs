//! Rebuilds when what the query macros read has changed; cargo cannot see that by itself.

fn main() {
    for path in [".sqlx", "sqlx.toml", "migrations"] {
        println!("cargo::rerun-if-changed={path}");
    }
    println!("cargo::rerun-if-env-changed=LLM_TRADING_DB_BUILD_URL");
}
