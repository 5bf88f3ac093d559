//! The operator's binary: migrates, imports, runs the jobs, and shows what is stored.
//!
//! Data goes to standard output, progress and logs to standard error. It exits with 0 if all went well, with 1 and one line
//! that says what to do if not, with 2 if it was called wrongly, with 3 if a part was left out, and with 130 if it was interrupted.

mod chart;
mod commands;
mod connect;
mod hints;
mod input;
mod logging;
mod output;

use std::{
    future::Future,
    io::{self, Write},
    pin::pin,
    process::ExitCode,
};

use anyhow::{Context, Result};
use clap::Parser;
use futures_util::future::{Either, select};
use tokio::signal::unix::{SignalKind, signal};

use commands::Command;
use connect::Target;

/// What a shell reports for a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;
/// What this program reports where it did its work but for a part.
const INCOMPLETE: u8 = 3;

/// The data layer of an LLM trading desk on PostgreSQL: migrate, import, calculate, look.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    target: Target,

    /// Logs what is done; RUST_LOG says more precisely what to log
    #[arg(short, long, global = true)]
    verbose: bool,

    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str =
    "Exit status: 0 done, 1 failed, 2 wrong usage, 3 done but for what is listed, 130 interrupted.";

fn main() -> ExitCode {
    let cli = Cli::parse();
    let statements = logging::start(cli.verbose);
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let outcome = runtime.block_on(unless_interrupted(
        cli.command.run(&cli.target, &statements),
    ));
    // A thread that still waits for its input has nobody left to read for.
    runtime.shutdown_background();
    match outcome {
        Ok(Some(())) => ExitCode::SUCCESS,
        Ok(None) => {
            say("interrupted");
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => failed(&error),
    }
}

/// Runs `work` to its end, or drops it at a signal: transactions roll back then, and a private server stops.
async fn unless_interrupted<T>(work: impl Future<Output = Result<T>>) -> Result<Option<T>> {
    let listen = |kind| signal(kind).context("cannot listen for signals");
    let (mut interrupt, mut terminate) = (
        listen(SignalKind::interrupt())?,
        listen(SignalKind::terminate())?,
    );
    let (interrupted, terminated) = (pin!(interrupt.recv()), pin!(terminate.recv()));
    let stop = select(interrupted, terminated);
    match select(stop, pin!(work)).await {
        Either::Left(_) => Ok(None),
        Either::Right((outcome, _)) => outcome.map(Some),
    }
}

/// The work is done but for a part, which is told a line each.
#[derive(Debug)]
struct Incomplete(Vec<String>);

impl std::fmt::Display for Incomplete {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for Incomplete {}

fn failed(error: &anyhow::Error) -> ExitCode {
    if let Some(Incomplete(lines)) = error.downcast_ref() {
        lines.iter().for_each(|line| say(line));
        return ExitCode::from(INCOMPLETE);
    }
    let mut line = hints::in_variables(&in_one_line(error));
    if let Some(hint) = hints::beyond(error) {
        line = format!("{line}; {hint}");
    }
    say(&format!("error: {line}"));
    ExitCode::FAILURE
}

/// The error and its causes, without those that their effect quotes already.
fn in_one_line(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |mut line, cause| {
        let cause = cause.to_string();
        if !line.contains(&cause) {
            if !line.is_empty() {
                line.push_str(": ");
            }
            line.push_str(&cause);
        }
        line
    })
}

/// Writes a line to standard error; where even that is closed, the exit status has to do.
fn say(line: &str) {
    writeln!(io::stderr(), "{}", harmless(line)).ok();
}

/// The text in one line, without what a terminal would obey: it may quote a file that anybody wrote.
fn harmless(text: &str) -> String {
    let shown = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn a_message_obeys_nobody() {
        assert_eq!(
            harmless("key \u{1b}[31m\nerror: x ü"),
            "key \\u{1b}[31m\\nerror: x ü"
        );
    }

    #[test]
    fn a_cause_is_told_once() {
        let quoted = anyhow::anyhow!("disk full").context("cannot write: disk full");
        assert_eq!(in_one_line(&quoted), "cannot write: disk full");
        let plain = anyhow::anyhow!("disk full").context("cannot write");
        assert_eq!(in_one_line(&plain), "cannot write: disk full");
    }
}
