//! What an operator of this program does about an error of the library: it names methods and folders, he sets variables and options.

use llm_trading_db::{config::variable_of, embedded::EmbeddedError};

/// What the library says of a connection, and where it is set here.
const CONNECTION: [(&str, &str); 3] = [
    (
        "check user and password",
        "DATABASE_USER, DATABASE_PASSWORD",
    ),
    ("check the user", "DATABASE_USER"),
    ("check its name", "DATABASE_NAME"),
];

/// The message in the words of the environment: `DB_MAX_POOL_SIZE` for `Config::max_pool_size`.
pub(crate) fn in_variables(message: &str) -> String {
    const METHOD: &str = "Config::";
    let mut said = String::with_capacity(message.len());
    let mut rest = message;
    while let Some((before, after)) = rest.split_once(METHOD) {
        let end = after.find(|c: char| !c.is_ascii_lowercase() && c != '_');
        let (setting, after) = after.split_at(end.unwrap_or(after.len()));
        said.push_str(before);
        match variable_of(setting) {
            Some(variable) => said.push_str(variable),
            None => said.extend([METHOD, setting]),
        }
        rest = after;
    }
    said.push_str(rest);
    let said = said.replace("FarPrices::Taken", "--force");
    let said = said.replace(
        "`Db::verify` names",
        "`llm-trading-db doctor`, run as this role, names",
    );
    match CONNECTION.iter().find(|(advice, _)| said.contains(advice)) {
        Some((advice, variables)) => said.replace(advice, &format!("{advice} ({variables})")),
        None => said,
    }
}

/// What else helps against an error of the private server.
pub(crate) fn beyond(error: &anyhow::Error) -> Option<&'static str> {
    let error = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<EmbeddedError>())?;
    match error {
        EmbeddedError::Unreachable { .. }
        | EmbeddedError::InUse { .. }
        | EmbeddedError::NotOurs { .. }
        | EmbeddedError::DiskFull { .. }
        | EmbeddedError::OtherMajor { .. } => Some("name the folder with --data-dir"),
        EmbeddedError::NoBinaries { .. }
        | EmbeddedError::Fetch { .. }
        | EmbeddedError::TooOld { .. }
        | EmbeddedError::NoServerUser => Some("or set DATABASE_URL to a running server"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::in_variables;

    #[test]
    fn settings_are_told_by_their_variables() {
        assert_eq!(
            in_variables("raise Config::max_pool_size, or lower Config::drain"),
            "raise DB_MAX_POOL_SIZE, or lower DB_DRAIN"
        );
        assert_eq!(in_variables("see Config::pooler"), "see DB_POOLER");
        assert_eq!(in_variables("Config::new is none"), "Config::new is none");
        assert_eq!(
            in_variables("FarPrices::Taken takes it"),
            "--force takes it"
        );
        assert_eq!(
            in_variables("no such role: check the user and pg_hba.conf"),
            "no such role: check the user (DATABASE_USER) and pg_hba.conf"
        );
        assert_eq!(
            in_variables("permission denied; `Db::verify` names the GRANT that is missing"),
            "permission denied; `llm-trading-db doctor`, run as this role, names the GRANT that is missing"
        );
    }
}
