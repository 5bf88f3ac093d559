use std::str::FromStr;

/// A connection pooler between this program and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Pooler {
    /// None: each connection is a session of the server's own.
    #[default]
    None,
    /// Each connection keeps one session of the server for as long as it is open, as with `pool_mode = session` of pgbouncer.
    Session,
    /// Each transaction may run in another session of the server, as with `pool_mode = transaction` of pgbouncer.
    Transaction,
}

impl FromStr for Pooler {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "none" => Ok(Self::None),
            "session" => Ok(Self::Session),
            "transaction" => Ok(Self::Transaction),
            _ => Err(()),
        }
    }
}
