//! Reads the lines of a file that may be anything: bounded memory, and errors that name the line.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

/// A file to import.
pub struct Lines {
    reader: BufReader<File>,
    limit: usize,
    number: u64,
    line: Vec<u8>,
    progress: ProgressBar,
}

impl Lines {
    /// Opens `path`, whose lines may have up to `limit` bytes.
    pub fn open(path: &Path, limit: usize) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let size = file.metadata().map_or(0, |metadata| metadata.len());
        // Drawn only if standard error is a terminal.
        let progress = ProgressBar::new(size).with_style(
            ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {eta}")
                .unwrap_or(ProgressStyle::default_bar()),
        );
        Ok(Self {
            reader: BufReader::new(file),
            limit,
            number: 0,
            line: Vec::new(),
            progress,
        })
    }

    /// The next line with its number, without its end; `None` behind the last.
    pub fn next(&mut self) -> Result<Option<(u64, &str)>> {
        self.line.clear();
        // One byte more than the limit shows that a line is too long, whatever follows.
        let most = self.limit as u64 + 2;
        let read = (&mut self.reader)
            .take(most)
            .read_until(b'\n', &mut self.line);
        let read = read.map_err(|error| match error.kind() {
            io::ErrorKind::IsADirectory => anyhow::anyhow!("is a folder; name a file"),
            _ => error.into(),
        })?;
        if read == 0 {
            self.progress.finish_and_clear();
            return Ok(None);
        }
        self.number += 1;
        self.progress.inc(read as u64);
        let number = self.number;
        while self
            .line
            .last()
            .is_some_and(|byte| matches!(byte, b'\n' | b'\r'))
        {
            self.line.pop();
        }
        if self.line.len() > self.limit {
            bail!(
                "line {number} is longer than {} KiB: is this the right file?",
                self.limit / 1024
            );
        }
        match std::str::from_utf8(&self.line) {
            Ok(line) => Ok(Some((number, line))),
            Err(_) => bail!("line {number} is not UTF-8: save the file as UTF-8"),
        }
    }
}
