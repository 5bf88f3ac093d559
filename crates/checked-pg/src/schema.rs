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
    pub(crate) guard: Option<&'static str>,
}

impl Schema {
    /// The migrations.
    #[must_use]
    pub const fn migrator(&self) -> &Migrator {
        &self.migrator
    }

    /// The same with a guard: a statement that tells a database into which these migrations must not go, such as one with the
    /// tables of another program. It gives no row where there is nothing to object to, else one with two texts: what is there, and
    /// what to do about it. [`Db::migrate`](crate::Db::migrate) runs it before the first migration.
    #[must_use]
    pub const fn guarded(mut self, statement: &'static str) -> Self {
        self.guard = Some(statement);
        self
    }

    /// A schema without migrations and statements, for examples.
    #[doc(hidden)]
    #[must_use]
    pub const fn empty() -> Self {
        Self::new(Migrator::DEFAULT, &[], "", "")
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
            guard: None,
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
