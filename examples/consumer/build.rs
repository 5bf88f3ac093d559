//! Collects migrations and query cache for `SCHEMA`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    checked_pg_build::run()
}
