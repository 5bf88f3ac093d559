//! Every connection parameter of libpq (PostgreSQL 18) and the variable of the environment behind it, and what becomes of each.

/// A connection parameter.
pub(super) struct Parameter {
    /// Its name in a URL, a connection string and a service file.
    pub(super) keyword: &'static str,
    /// The variable that stands in for it.
    pub(super) variable: Option<&'static str>,
    pub(super) support: Support,
}

/// What becomes of a parameter.
pub(super) enum Support {
    /// It does what it does in libpq.
    Honoured,
    /// These values ask for what happens anyway; all others are refused.
    Only(&'static [&'static str], &'static str),
}

use Support::{Honoured, Only};

const fn with(keyword: &'static str, variable: &'static str, support: Support) -> Parameter {
    Parameter {
        keyword,
        variable: Some(variable),
        support,
    }
}

const fn bare(keyword: &'static str, support: Support) -> Parameter {
    Parameter {
        keyword,
        variable: None,
        support,
    }
}

const KEEPALIVE: &str = "the driver sets no option of its sockets; the time limits of each call notice a dead connection";
const GSS: &str = "the driver does not speak GSSAPI";
const OAUTH: &str = "the driver does not speak OAuth";
const SCRAM_KEYS: &str = "the driver logs in with a password";
const REVOCATION: &str = "revocation lists are not read";

/// All of them. `docs/operations.md` has a line for each, and a test holds the two together.
pub(super) static PARAMETERS: &[Parameter] = &[
    with("service", "PGSERVICE", Honoured),
    with("servicefile", "PGSERVICEFILE", Honoured),
    with("host", "PGHOST", Honoured),
    with("hostaddr", "PGHOSTADDR", Honoured),
    with("port", "PGPORT", Honoured),
    with("dbname", "PGDATABASE", Honoured),
    with("user", "PGUSER", Honoured),
    with("password", "PGPASSWORD", Honoured),
    with("passfile", "PGPASSFILE", Honoured),
    with("connect_timeout", "PGCONNECT_TIMEOUT", Honoured),
    with("target_session_attrs", "PGTARGETSESSIONATTRS", Honoured),
    with("load_balance_hosts", "PGLOADBALANCEHOSTS", Honoured),
    with("options", "PGOPTIONS", Honoured),
    with("application_name", "PGAPPNAME", Honoured),
    bare("fallback_application_name", Honoured),
    with(
        "client_encoding",
        "PGCLIENTENCODING",
        Only(
            &["UTF8", "utf8", "UTF-8", "utf-8", "auto"],
            "sessions are in UTF-8",
        ),
    ),
    bare(
        "replication",
        Only(
            &["false", "off", "no", "0"],
            "the driver does not speak the replication protocol",
        ),
    ),
    with("sslmode", "PGSSLMODE", Honoured),
    with("sslrootcert", "PGSSLROOTCERT", Honoured),
    with("sslcert", "PGSSLCERT", Honoured),
    with("sslkey", "PGSSLKEY", Honoured),
    with(
        "sslcertmode",
        "PGSSLCERTMODE",
        Only(
            &["allow"],
            "a client certificate is sent if there is one and the server asks for it",
        ),
    ),
    bare(
        "sslpassword",
        Only(
            &[],
            "encrypted keys are not read; decrypt the file of sslkey",
        ),
    ),
    with("sslcrl", "PGSSLCRL", Only(&[], REVOCATION)),
    with("sslcrldir", "PGSSLCRLDIR", Only(&[], REVOCATION)),
    with(
        "sslnegotiation",
        "PGSSLNEGOTIATION",
        Only(&["postgres"], "the driver asks for TLS before it starts it"),
    ),
    with(
        "sslcompression",
        "PGSSLCOMPRESSION",
        Only(&["0"], "TLS is never compressed"),
    ),
    with(
        "sslsni",
        "PGSSLSNI",
        Only(&["1"], "the host's name is always sent"),
    ),
    with(
        "ssl_min_protocol_version",
        "PGSSLMINPROTOCOLVERSION",
        Only(
            &["TLSv1", "TLSv1.1", "TLSv1.2"],
            "TLS 1.2 and 1.3 are spoken",
        ),
    ),
    with(
        "ssl_max_protocol_version",
        "PGSSLMAXPROTOCOLVERSION",
        Only(&["TLSv1.3"], "TLS 1.2 and 1.3 are spoken"),
    ),
    bare(
        "sslkeylogfile",
        Only(&[], "the keys of a session are not written down"),
    ),
    with(
        "channel_binding",
        "PGCHANNELBINDING",
        Only(
            &["disable", "prefer"],
            "the driver cannot bind a login to its TLS channel; sslmode=verify-full keeps others out of it",
        ),
    ),
    with(
        "require_auth",
        "PGREQUIREAUTH",
        Only(
            &[],
            "the driver logs in by the method that the server asks for; sslmode=verify-full makes sure which server that is",
        ),
    ),
    with(
        "requirepeer",
        "PGREQUIREPEER",
        Only(
            &[],
            "the driver does not tell who owns a socket's other end; put the socket into a folder of that user",
        ),
    ),
    bare("keepalives", Only(&["0"], KEEPALIVE)),
    bare("keepalives_idle", Only(&[], KEEPALIVE)),
    bare("keepalives_interval", Only(&[], KEEPALIVE)),
    bare("keepalives_count", Only(&[], KEEPALIVE)),
    bare("tcp_user_timeout", Only(&["0"], KEEPALIVE)),
    with(
        "min_protocol_version",
        "PGMINPROTOCOLVERSION",
        Only(&["3.0"], "version 3.0 of the protocol is spoken"),
    ),
    with(
        "max_protocol_version",
        "PGMAXPROTOCOLVERSION",
        Only(
            &["3.0", "3.2", "latest"],
            "version 3.0 of the protocol is spoken",
        ),
    ),
    with(
        "gssencmode",
        "PGGSSENCMODE",
        Only(&["disable", "prefer"], GSS),
    ),
    with("krbsrvname", "PGKRBSRVNAME", Only(&[], GSS)),
    with("gsslib", "PGGSSLIB", Only(&[], GSS)),
    with("gssdelegation", "PGGSSDELEGATION", Only(&["0"], GSS)),
    bare("scram_client_key", Only(&[], SCRAM_KEYS)),
    bare("scram_server_key", Only(&[], SCRAM_KEYS)),
    bare("oauth_issuer", Only(&[], OAUTH)),
    bare("oauth_client_id", Only(&[], OAUTH)),
    bare("oauth_client_secret", Only(&[], OAUTH)),
    bare("oauth_scope", Only(&[], OAUTH)),
    // The driver's own.
    bare("statement-cache-capacity", Honoured),
];

/// Variables of libpq that are no parameter.
pub(super) static VARIABLES: &[Parameter] = &[
    with("sysconfdir", "PGSYSCONFDIR", Honoured),
    with("requiressl", "PGREQUIRESSL", Honoured),
    with("geqo", "PGGEQO", Honoured),
    with(
        "timezone",
        "PGTZ",
        Only(&["UTC", "utc", "Etc/UTC", "GMT"], "sessions are in UTC"),
    ),
    with(
        "datestyle",
        "PGDATESTYLE",
        Only(
            &["ISO", "iso", "ISO, MDY", "iso, mdy"],
            "sessions use ISO dates",
        ),
    ),
];

/// The parameter of this name; the driver's own spellings are understood, too.
pub(super) fn find(keyword: &str) -> Option<&'static Parameter> {
    let keyword = match keyword {
        "ssl-mode" => "sslmode",
        "ssl-root-cert" | "ssl-ca" => "sslrootcert",
        "ssl-cert" => "sslcert",
        "ssl-key" => "sslkey",
        keyword => keyword,
    };
    PARAMETERS.iter().find(|known| known.keyword == keyword)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_lists_every_parameter_and_every_variable() {
        let guide = include_str!("../../../../docs/operations.md");
        for Parameter {
            keyword, variable, ..
        } in PARAMETERS
        {
            assert!(
                guide.contains(&format!("\n| `{keyword}`")),
                "no line for {keyword}"
            );
            if let Some(variable) = variable {
                assert!(
                    guide.contains(&format!("`{variable}`")),
                    "{variable} is missing"
                );
            }
        }
        for variable in VARIABLES.iter().filter_map(|known| known.variable) {
            assert!(
                guide.contains(&format!("`{variable}`")),
                "{variable} is missing"
            );
        }
    }
}
