//! Input files: bounded lines with their numbers, read on a thread of their own.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    str,
};

use anyhow::{Context, Result, anyhow, ensure};
use async_stream::try_stream;
use futures_util::Stream;
use indicatif::{ProgressBar, ProgressBarIter, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use llm_trading_db::{db::TxOptions, error::Error};
use tokio::{sync::mpsc, task::JoinHandle};

/// Chunks that may wait for the database.
const AHEAD: usize = 2;

/// The lines of a file, in one buffer of bounded size.
pub(crate) struct Lines<R = ProgressBarIter<File>> {
    path: PathBuf,
    reader: BufReader<R>,
    limit: usize,
    number: u64,
    buffer: Vec<u8>,
}

impl Lines {
    /// Opens a file, of which no line may be longer than `limit` bytes.
    pub(crate) fn open(path: &Path, limit: usize) -> Result<Self> {
        let shown = path.display();
        let file = File::open(path).with_context(|| format!("cannot open {shown}"))?;
        let metadata = file
            .metadata()
            .with_context(|| format!("cannot read {shown}"))?;
        ensure!(!metadata.is_dir(), "{shown} is a folder: name a file in it");
        let size = metadata.is_file().then_some(metadata.len());
        Ok(Self::new(path, progress(size).wrap_read(file), limit))
    }
}

impl<R: Read> Lines<R> {
    /// The lines of a reader, named `path` in messages.
    pub(crate) fn new(path: &Path, reader: R, limit: usize) -> Self {
        let reader = BufReader::new(reader);
        Self {
            path: path.to_owned(),
            reader,
            limit,
            number: 0,
            buffer: Vec::new(),
        }
    }

    /// Goes to the next line that is not blank; false at the end.
    pub(crate) fn advance(&mut self) -> Result<bool> {
        loop {
            self.buffer.clear();
            // One byte more than allowed is read, and no more: the line may be of any length.
            let mut bounded = (&mut self.reader).take(self.limit as u64 + 1);
            let read = bounded
                .read_until(b'\n', &mut self.buffer)
                .with_context(|| format!("cannot read {}", self.path.display()))?;
            if read == 0 {
                return Ok(false);
            }
            self.number += 1;
            if self.buffer.len() > self.limit && !self.buffer.ends_with(b"\n") {
                let why = format!(
                    "is longer than {} KiB; is this the right file?",
                    self.limit / 1024
                );
                return Err(self.fault(&why));
            }
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    /// The line, without its end.
    pub(crate) fn line(&self) -> Result<&str> {
        let line = str::from_utf8(&self.buffer).map_err(|error| {
            let column = error.valid_up_to() + 1;
            self.fault(&format!(
                "byte {column} is not UTF-8: save the file as UTF-8"
            ))
        })?;
        let line = line.trim_end_matches(['\r', '\n']);
        Ok(match self.number {
            1 => line.trim_start_matches('\u{feff}'), // a byte order mark
            _ => line,
        })
    }

    /// Name of the file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Number of the line, from 1; 0 before the first.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// What is wrong with this line.
    pub(crate) fn fault(&self, why: &str) -> anyhow::Error {
        anyhow!("{}, line {} {why}", self.path.display(), self.number)
    }

    /// What is wrong with a part of this line.
    pub(crate) fn fault_in(&self, part: &str, why: &str) -> anyhow::Error {
        anyhow!(
            "{}, line {}, {part}: {why}",
            self.path.display(),
            self.number
        )
    }
}

fn progress(size: Option<u64>) -> ProgressBar {
    // Hidden by itself unless standard error is a terminal.
    let bar = ProgressBar::with_draw_target(size, ProgressDrawTarget::stderr())
        .with_finish(ProgressFinish::AndClear);
    match ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {eta} left") {
        Ok(style) if size.is_some() => bar.with_style(style),
        _ => bar,
    }
}

/// Takes the chunks of a reader; an error if nobody wants them any more.
pub(crate) type Send<'a, T> = &'a mut dyn FnMut(Vec<T>) -> Result<()>;

/// What a reader makes of a file, chunk by chunk.
pub(crate) struct Chunks<T> {
    chunks: mpsc::Receiver<Vec<T>>,
    reader: Option<JoinHandle<Result<()>>>,
}

impl<T: std::marker::Send + 'static> Chunks<T> {
    /// Starts `read` on a thread of its own: a pipe that keeps it waiting keeps nobody else waiting.
    pub(crate) fn read(
        path: &Path,
        read: impl FnOnce(&Path, Send<'_, T>) -> Result<()> + std::marker::Send + 'static,
    ) -> Self {
        let path = path.to_owned();
        let (sender, chunks) = mpsc::channel(AHEAD);
        let reader = tokio::task::spawn_blocking(move || {
            read(&path, &mut |chunk| {
                sender
                    .blocking_send(chunk)
                    .map_err(|_| anyhow!("the import has ended"))
            })
        });
        Self {
            chunks,
            reader: Some(reader),
        }
    }

    /// The next chunk; none at the end.
    ///
    /// # Errors
    /// That of the reader.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<T>>> {
        if let Some(chunk) = self.chunks.recv().await {
            return Ok(Some(chunk));
        }
        if let Some(reader) = self.reader.take() {
            reader
                .await
                .context("the reader of the file ended early")??;
        }
        Ok(None)
    }
}

/// What a reader makes of a file, one by one. It starts when the first one is asked for.
pub(crate) fn items<T: std::marker::Send + 'static>(
    path: &Path,
    read: impl FnOnce(&Path, Send<'_, T>) -> Result<()> + std::marker::Send + 'static,
) -> impl Stream<Item = Result<T>> {
    try_stream! {
        let mut chunks = Chunks::read(path, read);
        while let Some(chunk) = chunks.next().await? {
            for item in chunk {
                yield item;
            }
        }
    }
}

/// A transaction that reads a file may be run again only if the file can be read again.
pub(crate) fn transaction_over(path: &Path) -> TxOptions {
    match path.is_file() {
        true => TxOptions::new(),
        false => TxOptions::new().attempts(1),
    }
}

/// Says of an error of the database that it left no trace: the transaction is rolled back.
pub(crate) fn nothing_stored(error: impl Into<anyhow::Error>) -> anyhow::Error {
    let error = error.into();
    let what = match error.downcast_ref::<Error>() {
        None | Some(Error::CommitUnknown { .. }) => return error,
        Some(Error::Disconnected { .. } | Error::Connect { .. }) => {
            "nothing was stored, import again when the server is back"
        }
        Some(_) => "nothing was stored",
    };
    error.context(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Lines<&[u8]> {
        Lines::new(Path::new("f"), text, 8)
    }

    #[test]
    fn lines_are_numbered_and_blank_ones_skipped() {
        let mut lines = lines(b"\xef\xbb\xbfa,b\r\n\r\n\nc\nend");
        let mut seen = Vec::new();
        while lines.advance().unwrap() {
            seen.push((lines.number(), lines.line().unwrap().to_owned()));
        }
        let expected = [(1, "a,b"), (4, "c"), (5, "end")];
        assert_eq!(
            seen,
            expected.map(|(number, line)| (number, line.to_owned()))
        );
    }

    #[test]
    fn a_line_may_be_as_long_as_the_limit() {
        let mut exact = lines(b"12345678\n12345678");
        assert!(exact.advance().unwrap() && exact.advance().unwrap() && !exact.advance().unwrap());
        let mut longer = lines(b"1\n123456789\n");
        assert!(longer.advance().unwrap());
        let error = longer.advance().unwrap_err().to_string();
        assert!(error.starts_with("f, line 2 is longer than"), "{error}");
    }

    #[test]
    fn what_is_not_utf_8_is_found() {
        let mut lines = lines(b"ab\xff\n");
        assert!(lines.advance().unwrap());
        let error = lines.line().unwrap_err().to_string();
        assert!(
            error.starts_with("f, line 1 byte 3 is not UTF-8"),
            "{error}"
        );
    }
}
