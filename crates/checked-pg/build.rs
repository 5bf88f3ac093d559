//! Compiles again when the query cache has changed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    checked_pg_build::run()
}
