//! `~/.pgpass` and its like: passwords by host, port, database and user.

use super::road::DEFAULT_FOLDERS;
use super::{Host, Road};
use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

/// A password file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PassFile {
    pub(crate) path: PathBuf,
    /// It was asked for by name, so it must be there.
    pub(crate) named: bool,
}

/// What a line must begin with.
#[derive(Clone, Copy)]
struct Entry<'a> {
    host: &'a str,
    port: u16,
    database: &'a str,
    user: &'a str,
}

impl PassFile {
    /// The password of the first line that fits. An error says what is wrong with the file, and never repeats a line of it.
    pub(crate) fn password(&self, road: &Road, host: &Host) -> Result<Option<String>, String> {
        let text = match read_private(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.named => {
                return Ok(None);
            }
            Err(error) if self.named => {
                return Err(format!("password file {}: {error}", self.path.display()));
            }
            Err(error) => {
                tracing::warn!(file = %self.path.display(), %error, "the password file is left out");
                return Ok(None);
            }
        };
        let entry = Entry {
            host: match DEFAULT_FOLDERS.contains(&host.name.as_str()) {
                true => "localhost", // as in libpq
                false => &host.name,
            },
            port: host.port,
            database: road.database(),
            user: road.user(),
        };
        Ok(text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .find_map(|line| in_line(line, entry)))
    }
}

/// The file's text, if nobody else may read it.
fn read_private(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    if others_may_read(&metadata) {
        return Err(io::Error::other(
            "others may read it, so it is not used: chmod 600",
        ));
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(unix)]
fn others_may_read(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn others_may_read(_: &fs::Metadata) -> bool {
    false
}

fn in_line(line: &str, entry: Entry<'_>) -> Option<String> {
    let port = entry.port.to_string();
    let mut rest = line;
    for wanted in [entry.host, &port, entry.database, entry.user] {
        let (field, after) = field(rest)?;
        if field != "*" && unescaped(field) != wanted {
            return None;
        }
        rest = after;
    }
    Some(unescaped(rest))
}

/// Up to the next colon without a backslash, and what follows it.
fn field(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            ':' if !escaped => return Some((&text[..at], &text[at + 1..])),
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    None
}

fn unescaped(text: &str) -> String {
    let mut chars = text.chars();
    let mut plain = String::with_capacity(text.len());
    while let Some(c) = chars.next() {
        plain.push(match c {
            '\\' => chars.next().unwrap_or(c),
            c => c,
        });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_counts() {
        let text = r"# db:5432:desk:u:comment
db:5433:desk:u:other port
too:few
db:5432:desk:u:a\:b\\c:d
*:*:*:*:last
";
        let password = |host, database| {
            let entry = Entry {
                host,
                port: 5432,
                database,
                user: "u",
            };
            text.lines()
                .filter(|line| !line.starts_with('#'))
                .find_map(|line| in_line(line, entry))
        };
        assert_eq!(password("db", "desk").as_deref(), Some(r"a:b\c:d"));
        assert_eq!(password("db2", "desk").as_deref(), Some("last"));
        assert_eq!(
            in_line(
                "db:5432:desk:u",
                Entry {
                    host: "db",
                    port: 5432,
                    database: "desk",
                    user: "u"
                }
            ),
            None
        );
    }
}
