/// What a program uses where neither its address nor the environment says otherwise.
///
/// ```
/// use checked_pg::config::{Config, Fallback};
///
/// const FALLBACK: Fallback = Fallback::new()
///     .database("journal")
///     .application_name("journal-service");
///
/// let config = Config::from_vars_or(FALLBACK, |variable| {
///     (variable == "DATABASE_USER").then(|| "clerk".to_owned())
/// })?;
/// assert!(config.place().starts_with("journal as clerk at "));
/// # Ok::<(), checked_pg::error::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Fallback {
    pub(super) database: Option<&'static str>,
    pub(super) application_name: Option<&'static str>,
}

impl Fallback {
    /// A database of the user's name, and the file name of the program.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            database: None,
            application_name: None,
        }
    }

    /// The database, unless `DATABASE_URL` is set.
    #[must_use]
    pub const fn database(mut self, name: &'static str) -> Self {
        self.database = Some(name);
        self
    }

    /// The name under which the connections show in `pg_stat_activity`.
    #[must_use]
    pub const fn application_name(mut self, name: &'static str) -> Self {
        self.application_name = Some(name);
        self
    }
}
