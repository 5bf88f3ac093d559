//! Rebuilds when what the query macros read has changed, which cargo cannot see by itself.

fn main() {
    for path in [".sqlx", "sqlx.toml", "migrations"] {
        println!("cargo::rerun-if-changed={path}");
    }
    println!("cargo::rerun-if-env-changed=JOURNAL_BUILD_URL");
}
