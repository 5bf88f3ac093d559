//! The list of what a command changed.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use llm_trading_db::repo::bars::{Bar, Change};

const HEADER: &str = "change,symbol,date,open,high,low,close,volume,\
before_open,before_high,before_low,before_close,before_volume\n";

/// A new file of changes, which goes away again unless it is [kept](Self::keep).
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

    /// The changes are stored.
    pub(crate) fn keep(mut self) {
        self.kept = true;
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
