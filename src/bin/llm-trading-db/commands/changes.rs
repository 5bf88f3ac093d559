//! The list of what a command changed.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use llm_trading_db::{
    Error,
    repo::bars::{Bar, Change},
};

const HEADER: &str = "change,symbol,date,open,high,low,close,volume,\
before_open,before_high,before_low,before_close,before_volume\n";

/// A new file of changes, which goes away again if nothing was changed.
pub(crate) struct Changes {
    path: PathBuf,
    file: File,
    kept: bool,
}

impl Changes {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let cannot = || format!("cannot write the changes to {}", path.display());
        let mut file = File::create_new(path).with_context(cannot)?;
        file.write_all(HEADER.as_bytes()).with_context(cannot)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            kept: false,
        })
    }

    /// Lists bars that were written.
    pub(crate) fn bars(&mut self, changes: &[Change]) -> Result<()> {
        let rows = changes.iter().map(|change| match change.before {
            None => row("inserted", Some(&change.after), None),
            Some(before) => row("updated", Some(&change.after), Some(&before)),
        });
        self.write(&String::from_iter(rows))
    }

    /// Lists bars that were removed.
    pub(crate) fn removed(&mut self, bars: &[Bar]) -> Result<()> {
        let rows = bars.iter().map(|bar| row("removed", None, Some(bar)));
        self.write(&String::from_iter(rows))
    }

    fn write(&mut self, rows: &str) -> Result<()> {
        self.file
            .write_all(rows.as_bytes())
            .with_context(|| format!("cannot write the changes to {}", self.path.display()))
    }

    /// Keeps the list of changes that are stored, or that may be: where the outcome of COMMIT is unknown, it says what to look for.
    pub(crate) fn keep_if_stored<T>(mut self, outcome: &Result<T>) {
        self.kept = match outcome {
            Ok(_) => true,
            Err(error) => matches!(error.downcast_ref(), Some(Error::CommitUnknown { .. })),
        };
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        if !self.kept {
            fs::remove_file(&self.path).ok();
        }
    }
}

fn row(what: &str, after: Option<&Bar>, before: Option<&Bar>) -> String {
    let Some(bar) = after.or(before) else {
        return String::new();
    };
    let mut row = format!("{what},{},{}", bar.symbol, bar.date);
    for values in [after, before] {
        let prices = values.map(|bar| [bar.open, bar.high, bar.low, bar.close]);
        for price in prices.unwrap_or_default() {
            add(&mut row, price);
        }
        add(&mut row, values.and_then(|bar| bar.volume));
    }
    row.push('\n');
    row
}

fn add(row: &mut String, value: Option<impl std::fmt::Display>) {
    row.push(',');
    if let Some(value) = value {
        // Writing to a String cannot fail.
        write!(row, "{value}").ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_stays_where_its_changes_are_or_may_be() {
        let unknown = || Error::CommitUnknown {
            why: "gone".to_owned(),
        };
        let outcomes: [(&str, Result<()>, bool); 3] = [
            ("stored", Ok(()), true),
            ("unknown", Err(unknown().into()), true),
            ("refused", Err(anyhow::anyhow!("line 7 is no bar")), false),
        ];
        for (name, outcome, stays) in outcomes {
            let file = format!("changes-{name}-{}.csv", std::process::id());
            let path = std::env::temp_dir().join(file);
            Changes::create(&path).unwrap().keep_if_stored(&outcome);
            assert_eq!(path.exists(), stays, "{name}");
            fs::remove_file(&path).ok();
        }
    }
}
