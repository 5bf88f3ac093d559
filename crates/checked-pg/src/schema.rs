//! What a crate was compiled for.

use sqlx::migrate::Migrator;

/// The migrations and the query cache of a crate, as they were when it was compiled: what a live database is compared with.
///
/// Made by [`schema!`](crate::schema!), once per crate:
///
/// ```ignore
/// pub static SCHEMA: checked_pg::Schema = checked_pg::schema!();
/// ```
#[derive(Debug)]
pub struct Schema {
    pub(crate) migrator: Migrator,
    pub(crate) cache: &'static [&'static str],
    pub(crate) places: &'static str,
    pub(crate) rules: &'static str,
}

impl Schema {
    /// The migrations.
    #[must_use]
    pub const fn migrator(&self) -> &Migrator {
        &self.migrator
    }

    /// For [`schema!`](crate::schema!) alone: migrations, entries of `.sqlx`, `statements.lock`, `schema.lock`.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(
        migrator: Migrator,
        cache: &'static [&'static str],
        places: &'static str,
        rules: &'static str,
    ) -> Self {
        Self {
            migrator,
            cache,
            places,
            rules,
        }
    }
}

/// The [`Schema`] of the crate that calls it: its `migrations` and its `.sqlx`, collected by a build script of one line,
/// `checked_pg_build::run()`.
#[macro_export]
macro_rules! schema {
    () => {
        $crate::Schema::new(
            $crate::sqlx::migrate!(),
            include!(concat!(env!("OUT_DIR"), "/query_cache.rs")),
            include_str!(concat!(env!("OUT_DIR"), "/statements.lock")),
            include_str!(concat!(env!("OUT_DIR"), "/schema.lock")),
        )
    };
}
