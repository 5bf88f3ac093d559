use std::{ffi::OsString, path::Path, time::Duration};

const DEFAULT_PORT: u16 = 5432;

/// What a private server may be told beyond the defaults.
///
/// ```
/// use checked_pg_server::ServerSettings;
///
/// let settings = ServerSettings::default().max_connections(300);
/// ```
#[derive(Debug, Clone)]
pub struct ServerSettings {
    max_connections: u16,
    listen_tcp: Option<u16>,
    start_timeout: Duration,
    stop_within: Duration,
}

impl Default for ServerSettings {
    /// 100 connections, no TCP, ready within a minute, stopped within half a minute.
    fn default() -> Self {
        Self {
            max_connections: 100,
            listen_tcp: None,
            start_timeout: Duration::from_secs(60),
            stop_within: Duration::from_secs(30),
        }
    }
}

impl ServerSettings {
    /// How many sessions the server admits at once.
    #[must_use]
    pub fn max_connections(self, max_connections: u16) -> Self {
        Self {
            max_connections,
            ..self
        }
    }

    /// Also listens on this port of 127.0.0.1, where every user of this machine is let in without a password.
    ///
    /// Meant for measurements: the Unix socket, which is always there, is private.
    #[must_use]
    pub fn listen_tcp(self, port: impl Into<Option<u16>>) -> Self {
        Self {
            listen_tcp: port.into(),
            ..self
        }
    }

    /// How long the server may take until it is ready, recovery after a crash included.
    #[must_use]
    pub fn ready_within(self, start_timeout: Duration) -> Self {
        Self {
            start_timeout,
            ..self
        }
    }

    /// How long an orderly shutdown may take, in whole seconds and at least one: a session that hangs would hold it up for ever.
    /// After that the server is ended as by a crash, from which durable data recovers at the next start.
    #[must_use]
    pub fn stop_within(self, stop_within: Duration) -> Self {
        Self {
            stop_within,
            ..self
        }
    }

    pub(super) fn stop_limit(&self) -> Duration {
        self.stop_within
    }

    /// The port, which also names the Unix socket.
    pub(super) fn port(&self) -> u16 {
        self.listen_tcp.unwrap_or(DEFAULT_PORT)
    }

    pub(super) fn tcp_port(&self) -> Option<u16> {
        self.listen_tcp
    }

    pub(super) fn start_timeout(&self) -> Duration {
        self.start_timeout
    }

    /// The server's command line, which wins over any configuration file.
    pub(super) fn arguments(&self, durability: Durability, socket_folder: &Path) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec![
            "-k".into(),
            socket_folder.into(),
            "-p".into(),
            self.port().to_string().into(),
        ];
        let mut set = |name: &str, value: &str| {
            arguments.extend(["-c".into(), format!("{name}={value}").into()])
        };
        set(
            "listen_addresses",
            if self.listen_tcp.is_some() {
                "127.0.0.1"
            } else {
                ""
            },
        );
        set("max_connections", &self.max_connections.to_string());
        set("shared_preload_libraries", "");
        set("timezone", "UTC");
        set("log_timezone", "UTC");
        // Failed statements and the rows in their details are for the client alone, not for a file.
        set("log_min_messages", "log");
        set("logging_collector", "off");
        if durability == Durability::None {
            set("fsync", "off");
            set("synchronous_commit", "off");
            set("full_page_writes", "off");
            set("wal_level", "minimal");
            set("max_wal_senders", "0");
            set("checkpoint_timeout", "1h");
        }
        arguments
    }
}

/// Whether the data must survive a crash of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    None,
    Full,
}
