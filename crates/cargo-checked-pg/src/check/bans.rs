//! The bans of `clippy.toml`: they keep unchecked SQL and connections by hand out of a crate, if none is missing.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::new::BANS;

/// The lists that hold bans.
const LISTS: [&str; 3] = [
    "disallowed-methods",
    "disallowed-types",
    "disallowed-macros",
];

/// What is not banned and should be, a line each.
pub fn missing(root: &Path) -> Result<Vec<String>> {
    // Where clippy looks: the crate's folder, and those above it.
    let names = ["clippy.toml", ".clippy.toml"];
    let mut files = root
        .ancestors()
        .flat_map(|folder| names.map(|name| folder.join(name)));
    let Some(file) = files.find(|file| file.is_file()) else {
        return Ok(vec![
            "clippy.toml: there is none, so unchecked SQL is not banned; write it with `cargo checked-pg bans > clippy.toml`"
                .to_owned(),
        ]);
    };
    let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let banned = bans(&text).with_context(|| file.display().to_string())?;
    let wanted = bans(BANS)?;
    let finding = |ban: &String| {
        format!(
            "{}: `{ban}` is not banned; `cargo checked-pg bans` prints the list",
            file.display()
        )
    };
    Ok(wanted.difference(&banned).map(finding).collect())
}

/// The paths in the lists of a `clippy.toml`.
fn bans(text: &str) -> Result<BTreeSet<String>> {
    let settings: Table = text.parse()?;
    let lists = LISTS
        .iter()
        .filter_map(|list| settings.get(*list)?.as_array());
    let path = |ban: &Value| match ban {
        Value::Table(ban) => ban.get("path")?.as_str().map(str::to_owned),
        ban => ban.as_str().map(str::to_owned),
    };
    Ok(lists.flatten().filter_map(path).collect())
}

#[cfg(test)]
mod surface;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ban_that_is_missing_is_told() {
        let folder = std::env::temp_dir().join(format!("checked-pg-bans-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let told = |text: &str| {
            fs::write(folder.join("clippy.toml"), text).unwrap();
            missing(&folder).unwrap()
        };
        let own = BANS.replace(
            "disallowed-types = [",
            "disallowed-types = [\"sqlx::PgPool\",",
        );
        let complete = [told(BANS), told(&own)];
        let without = BANS
            .lines()
            .filter(|line| !line.contains("PoolOptions::connect\""));
        let without = told(&without.collect::<Vec<_>>().join("\n"));
        let none = told("");
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(complete, [[""; 0]; 2]);
        assert_eq!(without.len(), 1, "{without:?}");
        assert!(
            without[0].contains("`sqlx::pool::PoolOptions::connect` is not banned"),
            "{without:?}"
        );
        assert!(none.len() > 60, "{none:?}");
    }
}
