//! Passwords that change while the program runs: they are asked for anew for each connection.

use futures_util::future::BoxFuture;
use std::{fmt, fs, path::Path, sync::Arc};

/// Who connects, and by which password; what [`Config::credentials`](super::Config::credentials) asks for.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub(crate) user: Option<String>,
    pub(crate) password: String,
}

impl Credentials {
    /// Another password for the user that is configured.
    #[must_use]
    pub fn password(password: impl Into<String>) -> Self {
        Self {
            user: None,
            password: password.into(),
        }
    }

    /// Another user, too.
    #[must_use]
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            user: Some(user.into()),
            password: password.into(),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Credentials");
        shown.field("user", &self.user).finish_non_exhaustive()
    }
}

type Answer = BoxFuture<'static, Result<Credentials, String>>;

/// Somebody who knows them.
#[derive(Clone)]
pub(crate) struct Asked(Arc<dyn Fn() -> Answer + Send + Sync>);

impl Asked {
    pub(super) fn new<F, W, E>(ask: F) -> Self
    where
        F: Fn() -> W + Send + Sync + 'static,
        W: Future<Output = Result<Credentials, E>> + Send + 'static,
        E: fmt::Display,
    {
        Self(Arc::new(move || {
            let answer = ask();
            Box::pin(async move { answer.await.map_err(|error| error.to_string()) })
        }))
    }

    pub(crate) async fn ask(&self) -> Result<Credentials, String> {
        let answer = (self.0)().await;
        answer.map_err(|why| format!("no credentials: {why}"))
    }
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asked")
    }
}

/// The password that is all of a file, but for the line break at its end. An error never repeats what is in the file.
pub(crate) fn from_file(file: &Path) -> Result<Credentials, String> {
    let text = fs::read_to_string(file);
    let text = text.map_err(|error| format!("password file {}: {error}", file.display()))?;
    let password = text.strip_suffix('\n').unwrap_or(&text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    match password.is_empty() {
        true => Err(format!("password file {}: it is empty", file.display())),
        false => Ok(Credentials::password(password)),
    }
}
